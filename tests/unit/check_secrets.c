/* Stored secrets: made, followed by others, destroyed, held against the log. */
#include <stdio.h>
#include <string.h>

#include "cmd/backends.h"
#include "lib/flow/secrets_impl.h"
#include "lib/log/govern.h"
#include "tests/unit/authority_fix.h"
#include "tests/unit/unit.h"

static struct err err;

static void make(struct secret *value, const char *text)
{
	unit_ok(secret_copy(value, text, strlen(text), &err), &err);
}

static struct store_secret get(struct opened *o, const char *name, uint64_t n,
			       struct buf *sealed)
{
	struct store_secret row;
	bool found = false;

	buf_reset(sealed);
	unit_ok(secrets_get(o->store, name, n, &row, sealed, &found, &err),
		&err);
	ck_assert(found);
	return row;
}

START_TEST(follow_each_other)
{
	OPENED o;
	SECRET value = SECRET_INIT;
	CLEANUP(buf_release) struct buf one, two;
	uint64_t version = 0;

	err_init(&err);
	fix_open(&o, true);
	buf_init(&one, SECRETS_ROW_MAX);
	buf_init(&two, SECRETS_ROW_MAX);
	make(&value, "the same value");
	unit_refused(secrets_rotate(o.a, o.store, o.hsm, "follow", &value,
				    &version, &secrets_nobody, &err),
		     PV_NOT_FOUND, "secret.missing", &err);
	err_init(&err);
	unit_ok(secrets_add(o.a, o.store, o.hsm, "follow", &value,
			    &secrets_nobody, &err),
		&err);
	unit_refused(secrets_add(o.a, o.store, o.hsm, "follow", &value,
				 &secrets_nobody, &err),
		     PV_CONFLICT, "secret.exists", &err);
	err_init(&err);
	unit_ok(secrets_rotate(o.a, o.store, o.hsm, "follow", &value, &version,
			       &secrets_nobody, &err),
		&err);
	ck_assert(version == 2);
	ck_assert(get(&o, "follow", 1, &one).version == 1);
	ck_assert(get(&o, "follow", 0, &two).version == 2);
	ck_assert_uint_eq(one.len, value.len + ATREST_OVERHEAD);
	/* Sealed anew, and nowhere in the clear. */
	ck_assert(!span_equal(buf_span(&one), buf_span(&two)));
	ck_assert(!memmem(one.data, one.len, value.data, value.len));
}
END_TEST

START_TEST(refuses_names_and_lengths)
{
	static const char *const names[] = { "",    "a/b", ".a",      "-a",
					     "a b", "a\n", "\xc3\xa4" };
	OPENED o;
	SECRET value = SECRET_INIT;
	char longer[STORE_ID_MAX + 2];

	err_init(&err);
	fix_open(&o, true);
	make(&value, "x");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		unit_refused(secrets_add(o.a, o.store, o.hsm, names[i], &value,
					 &secrets_nobody, &err),
			     PV_INPUT, "secret.name", &err);
		err_init(&err);
	}
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	unit_refused(secrets_add(o.a, o.store, o.hsm, longer, &value,
				 &secrets_nobody, &err),
		     PV_INPUT, "secret.name", &err);
	err_init(&err);
	unit_ok(secret_alloc(&value, SECRETS_VALUE_MAX, &err), &err);
	longer[STORE_ID_MAX] = '\0';
	unit_ok(secrets_add(o.a, o.store, o.hsm, longer, &value,
			    &secrets_nobody, &err),
		&err);
	unit_ok(secret_alloc(&value, SECRETS_VALUE_MAX + 1, &err), &err);
	unit_refused(secrets_add(o.a, o.store, o.hsm, "long", &value,
				 &secrets_nobody, &err),
		     PV_INPUT, "secret.length", &err);
	err_init(&err);
	secret_release(&value);
	unit_refused(secrets_add(o.a, o.store, o.hsm, "empty", &value,
				 &secrets_nobody, &err),
		     PV_INPUT, "secret.length", &err);
}
END_TEST

START_TEST(are_destroyed)
{
	OPENED o;
	SECRET value = SECRET_INIT;
	CLEANUP(buf_release) struct buf sealed;
	uint64_t n = 7;

	err_init(&err);
	fix_open(&o, true);
	buf_init(&sealed, SECRETS_ROW_MAX);
	make(&value, "gone soon");
	unit_refused(
		secrets_destroy(o.store, "gone", 0, &n, &secrets_nobody, &err),
		PV_NOT_FOUND, "secret.missing", &err);
	err_init(&err);
	ck_assert(n == 0);
	unit_ok(secrets_add(o.a, o.store, o.hsm, "gone", &value,
			    &secrets_nobody, &err),
		&err);
	for (uint64_t i = 2; i < 5; i++)
		unit_ok(secrets_rotate(o.a, o.store, o.hsm, "gone", &value, &n,
				       &secrets_nobody, &err),
			&err);
	unit_refused(
		secrets_destroy(o.store, "gone", 5, &n, &secrets_nobody, &err),
		PV_NOT_FOUND, "secret.missing", &err);
	err_init(&err);
	unit_ok(secrets_destroy(o.store, "gone", 2, &n, &secrets_nobody, &err),
		&err);
	ck_assert(n == 1 && get(&o, "gone", 2, &sealed).sealed.len == 0);
	unit_ok(secrets_destroy(o.store, "gone", 2, &n, &secrets_nobody, &err),
		&err);
	ck_assert(n == 0);
	unit_ok(secrets_destroy(o.store, "gone", 0, &n, &secrets_nobody, &err),
		&err);
	ck_assert(n == 3 && get(&o, "gone", 0, &sealed).sealed.len == 0);
	unit_ok(secrets_rotate(o.a, o.store, o.hsm, "gone", &value, &n,
			       &secrets_nobody, &err),
		&err);
	ck_assert(n == 5);
}
END_TEST

/* What a row says and its entry does not. */
START_TEST(are_held_against_the_log)
{
	OPENED o;
	SECRET value = SECRET_INIT;
	CLEANUP(buf_release) struct buf one, two;
	struct store_secret row, other, bad;
	uint64_t n;

	err_init(&err);
	fix_open(&o, true);
	buf_init(&one, SECRETS_ROW_MAX);
	buf_init(&two, SECRETS_ROW_MAX);
	make(&value, "logged");
	unit_ok(secrets_add(o.a, o.store, o.hsm, "held", &value,
			    &secrets_nobody, &err),
		&err);
	unit_ok(secrets_add(o.a, o.store, o.hsm, "hold", &value,
			    &secrets_nobody, &err),
		&err);
	unit_ok(secrets_rotate(o.a, o.store, o.hsm, "held", &value, &n,
			       &secrets_nobody, &err),
		&err);
	row = get(&o, "held", 1, &one);
	other = get(&o, "hold", 1, &two);
	unit_ok(secrets_logged(o.store, &row, &err), &err);
	for (int i = 0; i < 6; i++) {
		bad = row;
		if (i == 0)
			bad.sealed = other.sealed;
		else if (i == 1)
			bad.version = 2;
		else if (i == 2)
			snprintf(bad.name, sizeof(bad.name), "hold");
		else if (i == 3)
			bad.add_index = other.add_index;
		else if (i == 4)
			bad.add_index = 1u << 30;
		else
			bad.destroyed_index = row.add_index;
		unit_refused(secrets_logged(o.store, &bad, &err), PV_INTEGRITY,
			     "store.edited", &err);
		err_init(&err);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *all = suite_create("secrets");
	TCase *t = tcase_create("secrets");

	tcase_add_unchecked_fixture(t, fix_make_base, NULL);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, follow_each_other);
	tcase_add_test(t, refuses_names_and_lengths);
	tcase_add_test(t, are_destroyed);
	tcase_add_test(t, are_held_against_the_log);
	suite_add_tcase(all, t);
	return all;
}

int main(void)
{
	return unit_run(suite());
}
