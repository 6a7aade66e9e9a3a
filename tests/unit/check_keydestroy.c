#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/keydestroy.h"
#include "lib/flow/keymake.h"
#include "lib/flow/logged.h"
#include "lib/log/lifecycle.h"
#include "lib/store/store_log.h"
#include "tests/unit/issued_fix.h"
#include "tests/unit/unit.h"

static struct err err;

static void make(const struct opened *o, const char *purpose,
		 unsigned generation)
{
	const struct keymake_job job = { .authority = o->a->name,
					 .store = o->store,
					 .hsm = o->hsm,
					 .purpose = purpose,
					 .generation = generation,
					 .kind = HSM_KEY_P256 };
	struct issue_key key;

	unit_ok(keymake(&job, &key, &err), &err);
}

static void find(const struct opened *o, const char *purpose,
		 uint32_t generation, struct keydestroy_key *k)
{
	unit_ok(keydestroy_find(o->store, purpose, generation, k, &err), &err);
	ck_assert_uint_eq(k->generation, generation);
}

static void ck_in_use(const struct opened *o, const char *purpose,
		      uint32_t generation)
{
	struct keydestroy_key k;

	find(o, purpose, generation, &k);
	unit_refused(keydestroy_check(o->a, o->store, &k, &err), PV_CONFLICT,
		     "key.in-use", &err);
	err_init(&err);
}

/* provctl.json, and whoever reads it from now on, names that key. "": none. */
static void name_key(struct authority *a, const char *purpose,
		     const char *label, unsigned generation)
{
	struct authority_key k = { .generation = generation };

	snprintf(k.purpose, sizeof(k.purpose), "%s", purpose);
	snprintf(k.label, sizeof(k.label), "%s", label);
	unit_ok(authority_change_keys(a, &k, 1, &err), &err);
}

static bool is_there(const struct opened *o, const char *label)
{
	struct hsm_object *list = NULL;
	bool there = false;
	size_t n = 0;

	unit_ok(hsm_objects(o->hsm, &list, &n, &err), &err);
	ck_assert_uint_gt(n, 0);
	for (size_t i = 0; i < n; i++)
		there |= strcmp(list[i].label, label) == 0;
	free(list);
	return there;
}

START_TEST(test_what_is_needed)
{
	struct keydestroy_key k;
	OPENED o;

	err_init(&err);
	fix_open(&o, true);
	unit_refused(keydestroy_find(o.store, "bundle", 9, &k, &err),
		     PV_NOT_FOUND, "key.unknown", &err);
	err_init(&err);
	ck_in_use(&o, "bundle", 1);
	ck_in_use(&o, "root", 1);
	/* One that is to take over. */
	make(&o, "bundle", 2);
	ck_in_use(&o, "bundle", 2);
	/* Its lists are still to be signed, whoever names it. */
	name_key(o.a, "root", "", 0);
	ck_in_use(&o, "root", 1);
	name_key(o.a, "root", "base/root/1", 1);
}
END_TEST

/* Nor by who has looked before, and thought about it for long. */
START_TEST(test_needed_meanwhile)
{
	struct hsm_login login = { .token = 0 };
	struct keydestroy_key k;
	uint64_t before, after;
	OPENED o;

	err_init(&err);
	fix_open(&o, true);
	struct tokens tokens = { .a = o.a, .login = &login, .hsm = &o.hsm };
	find(&o, "bundle", 1, &k);
	unit_ok(store_log_size(o.store, &before, &err), &err);
	unit_refused(keydestroy(o.store, &tokens, &k, &err), PV_CONFLICT,
		     "key.in-use", &err);
	err_init(&err);
	ck_assert(is_there(&o, k.key.label));
	unit_ok(store_log_size(o.store, &after, &err), &err);
	ck_assert_uint_eq(before, after);
}
END_TEST

/* Another process named it, or put it to use and was cut off, since who destroys
 * it opened the authority. */
START_TEST(test_in_use_meanwhile)
{
	struct hsm_login login = { .token = 0 };
	const char *purpose = _i == 0 ? "named" : "used";
	struct authority *other = NULL;
	struct keydestroy_key k;
	OPENED o;

	err_init(&err);
	fix_open(&o, true);
	struct tokens tokens = { .a = o.a, .login = &login, .hsm = &o.hsm };
	make(&o, purpose, 1);
	find(&o, purpose, 1, &k);
	unit_ok(keydestroy_check(o.a, o.store, &k, &err), &err);
	if (_i == 0) {
		unit_ok(authority_open(fix_path("base"), &other, &err), &err);
		name_key(other, purpose, k.key.label, 1);
	} else {
		issued_sql("UPDATE own_key SET rotate_index = log_index + 1 "
			   "WHERE purpose = 'used'");
	}
	unit_refused(keydestroy(o.store, &tokens, &k, &err), PV_CONFLICT,
		     "key.in-use", &err);
	ck_assert(is_there(&o, k.key.label));
	err_init(&err);
	if (other)
		name_key(other, purpose, "", 0);
	authority_close(other);
}
END_TEST

/* The row names another key's CKA_ID, before or after people were asked. */
START_TEST(test_row_of_another)
{
	struct hsm_login login = { .token = 0 };
	struct keydestroy_key k, again;
	OPENED o;

	err_init(&err);
	fix_open(&o, true);
	struct tokens tokens = { .a = o.a, .login = &login, .hsm = &o.hsm };
	make(&o, "mine", 1);
	find(&o, "mine", 1, &k);
	issued_sql("UPDATE own_key SET key_id = (SELECT key_id FROM own_key "
		   "WHERE purpose = 'bundle') WHERE purpose = 'mine'");
	unit_refused(keydestroy_find(o.store, "mine", 1, &again, &err),
		     PV_INTEGRITY, "store.edited", &err);
	err_init(&err);
	unit_refused(keydestroy(o.store, &tokens, &k, &err), PV_INTEGRITY,
		     "store.edited", &err);
	ck_assert(is_there(&o, "base/bundle/1"));
	ck_assert(is_there(&o, "base/mine/1"));
}
END_TEST

/* A CA's row that names another key frees none. */
START_TEST(test_edited_row)
{
	struct keydestroy_key k;
	OPENED o;

	err_init(&err);
	fix_open(&o, true);
	name_key(o.a, "root", "", 0);
	find(&o, "root", 1, &k);
	issued_sql("UPDATE ca SET label = 'x' WHERE name = 'root'");
	ck_in_use(&o, "root", 1);
	issued_sql("UPDATE ca SET spki_sha256 = zeroblob(32)");
	unit_refused(keydestroy_check(o.a, o.store, &k, &err), PV_INTEGRITY,
		     "store.edited", &err);
}
END_TEST

START_TEST(test_gone)
{
	struct hsm_login login = { .token = 0 };
	struct keydestroy_key k;
	struct log_entry e;
	struct buf room;
	uint64_t size;
	OPENED o;

	err_init(&err);
	fix_open(&o, true);
	struct tokens tokens = { .a = o.a, .login = &login, .hsm = &o.hsm };
	make(&o, "unit", 1);
	find(&o, "unit", 1, &k);
	ck_assert(!k.destroyed);
	ck_assert(is_there(&o, k.key.label));
	unit_ok(keydestroy_check(o.a, o.store, &k, &err), &err);
	unit_ok(store_log_size(o.store, &size, &err), &err);
	unit_ok(keydestroy(o.store, &tokens, &k, &err), &err);
	ck_assert(!is_there(&o, k.key.label));
	find(&o, "unit", 1, &k);
	ck_assert(k.destroyed);
	buf_init(&room, LOG_ENTRY_MAX);
	unit_ok(logged_entry(o.store, size, LOG_KEY_DESTROY, k.key.label, &room,
			     &e, &err),
		&err);
	ck_assert(logged_text_is(&e, "purpose", "unit"));
	ck_assert(logged_uint_is(&e, "generation", 1));
	buf_release(&room);
	/* It is recorded once. */
	unit_refused(keydestroy(o.store, &tokens, &k, &err), PV_CONFLICT,
		     "store.label", &err);
	err_init(&err);
	unit_ok(store_log_size(o.store, &size, &err), &err);
	unit_refused(logged_entry(o.store, size, LOG_KEY_DESTROY, k.key.label,
				  &room, &e, &err),
		     PV_INTEGRITY, "store.edited", &err);
	/* Others are there. */
	err_init(&err);
	find(&o, "bundle", 1, &k);
	ck_assert(is_there(&o, k.key.label));
}
END_TEST

/* Two tokens, which are one; each login takes a person's time, and somebody
 * else writes meanwhile. */
static struct slow {
	struct hsm hsm;
	struct hsm *real;
	unsigned logins, destroyed;
} slow;

static void somebody_writes(void)
{
	issued_sql("UPDATE state SET sealed_len = sealed_len");
	slow.logins++;
}

static enum pv_code slow_destroy(struct hsm *h, const struct hsm_doomed *key,
				 struct err *e)
{
	(void)h;
	slow.destroyed++;
	return hsm_destroy(slow.real, key, e);
}

static enum pv_code slow_gone(struct hsm *h, const uint8_t id[HSM_ID_LEN],
			      struct err *e)
{
	(void)h;
	somebody_writes();
	return hsm_gone(slow.real, id, e);
}

static void slow_close(struct hsm *h)
{
	(void)h;
}

static const struct hsm_ops slow_ops = { .destroy = slow_destroy,
					 .gone = slow_gone,
					 .close = slow_close };

static enum pv_code slow_open(const struct authority *a,
			      struct hsm_login *login, struct hsm **hsm,
			      struct err *e)
{
	(void)a;
	(void)login;
	(void)e;
	somebody_writes();
	*hsm = &slow.hsm;
	return PV_OK;
}

START_TEST(test_nobody_waits_for_a_login)
{
	const struct backends backends = { .hsm_open = slow_open };
	struct hsm_login login = { .token = 0 };
	struct hsm *open = &slow.hsm;
	struct keydestroy_key k;
	OPENED o;

	err_init(&err);
	fix_open(&o, true);
	slow = (struct slow){ .hsm.ops = &slow_ops, .real = o.hsm };
	o.a->tokens_n = 2;
	struct tokens tokens = { o.a, &backends, &login, &open, 0 };
	make(&o, "slow", 1);
	find(&o, "slow", 1, &k);
	unit_ok(keydestroy(o.store, &tokens, &k, &err), &err);
	/* Each is opened, and looked at after a new start. */
	ck_assert_uint_eq(slow.destroyed, 2);
	ck_assert_uint_eq(slow.logins, 4);
	ck_assert_uint_eq(login.token, 0);
	find(&o, "slow", 1, &k);
	ck_assert(k.destroyed);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("keydestroy");
	TCase *t = tcase_create("keydestroy");

	tcase_add_unchecked_fixture(t, fix_make_base, NULL);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, test_what_is_needed);
	tcase_add_test(t, test_needed_meanwhile);
	tcase_add_loop_test(t, test_in_use_meanwhile, 0, 2);
	tcase_add_test(t, test_gone);
	tcase_add_test(t, test_nobody_waits_for_a_login);
	/* These leave them so. */
	tcase_add_test(t, test_row_of_another);
	tcase_add_test(t, test_edited_row);
	suite_add_tcase(s, t);
	return unit_run(s);
}
