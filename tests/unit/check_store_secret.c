/* Stored secrets, sealed: versions, and what is left when one is destroyed. */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>

#include "lib/base/fileio.h"
#include "tests/unit/people_fix.h"
#include "tests/unit/store_rig.h"

static void put(const char *name, uint64_t version, const char *sealed)
{
	unit_ok(people_secret(s, name, version, sealed, &err), &err);
}

/* sealed NULL: destroyed; version 0: not there. */
static void ck_secret(const char *name, uint64_t ask, uint64_t version,
		      const char *sealed)
{
	struct store_secret x;
	struct buf b;
	bool found;

	buf_init(&b, 100);
	unit_ok(store_secret_get(s, name, ask, &x, &b, &found, &err), &err);
	ck_assert(found == (version > 0));
	if (found) {
		ck_assert_str_eq(x.name, name);
		ck_assert(x.version == version);
		ck_assert((x.destroyed_index == STORE_NO_INDEX) ==
			  (sealed != NULL));
		ck_assert(span_is(buf_span(&b), sealed ? sealed : ""));
	}
	buf_release(&b);
}

START_TEST(test_put)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_secret x;
	struct buf b;
	bool found;

	buf_init(&b, 2);
	begin(&t);
	ck_refused(people_secret(s, "fleet", 2, "two", &err), PV_CONFLICT,
		   "store.secret");
	ck_refused(people_secret(s, "fleet", 1, "", &err), PV_INPUT,
		   "store.secret");
	put("fleet", 1, "one");
	put("other", 1, "o");
	ck_refused(people_secret(s, "fleet", 1, "uno", &err), PV_CONFLICT,
		   "store.secret");
	put("fleet", 2, "two");
	ck_refused(people_secret(s, "fleet", 4, "four", &err), PV_CONFLICT,
		   "store.secret");
	commit(&t);
	for (int i = 0; i < 2; i++, reopen()) {
		ck_secret("fleet", 0, 2, "two");
		ck_secret("fleet", 1, 1, "one");
		ck_secret("fleet", 3, 0, NULL);
		ck_secret("other", 0, 1, "o");
		ck_secret("none", 0, 0, NULL);
	}
	ck_assert(store_secret_get(s, "fleet", 1, &x, &b, &found, &err) ==
		  PV_INPUT);
	err_init(&err);
	unit_ok(store_check(s, &err), &err);
	buf_release(&b);
}
END_TEST

START_TEST(test_destroy)
{
	STORE_TXN t = STORE_TXN_INIT;

	begin(&t);
	put("fleet", 1, "the-first-value");
	put("fleet", 2, "two");
	ck_refused(people_secret_end(s, "fleet", 3, &err), PV_NOT_FOUND,
		   "store.secret");
	ck_refused(people_secret_end(s, "none", 1, &err), PV_NOT_FOUND,
		   "store.secret");
	unit_ok(people_secret_end(s, "fleet", 1, &err), &err);
	ck_refused(people_secret_end(s, "fleet", 1, &err), PV_CONFLICT,
		   "store.secret");
	commit(&t);
	for (int i = 0; i < 2; i++, reopen()) {
		ck_secret("fleet", 1, 1, NULL);
		ck_secret("fleet", 0, 2, "two");
	}
	begin(&t);
	unit_ok(people_secret_end(s, "fleet", 2, &err), &err);
	ck_secret("fleet", 0, 2, NULL);
	/* The number is not used again. */
	ck_refused(people_secret(s, "fleet", 2, "two", &err), PV_CONFLICT,
		   "store.secret");
	put("fleet", 3, "three");
	commit(&t);
	ck_secret("fleet", 0, 3, "three");
	unit_ok(store_check(s, &err), &err);
}
END_TEST

static enum pv_code see(void *ctx, const struct store_secret *x, struct err *e)
{
	char *text = ctx;

	(void)e;
	snprintf(text + strlen(text), 128 - strlen(text), "%s/%llu:%.*s ",
		 x->name, (unsigned long long)x->version, (int)x->sealed.len,
		 x->sealed.p ? (const char *)x->sealed.p : "");
	return PV_OK;
}

START_TEST(test_each)
{
	STORE_TXN t = STORE_TXN_INIT;
	char text[128] = "";
	const struct store_visit v = { text, { .secret = see } };

	begin(&t);
	put("b", 1, "one");
	put("a", 1, "x");
	put("b", 2, "two");
	unit_ok(people_secret_end(s, "b", 1, &err), &err);
	commit(&t);
	unit_ok(store_secret_each(s, &v, &err), &err);
	ck_assert_str_eq(text, "a/1:x b/1: b/2:two ");
}
END_TEST

START_TEST(test_rollback)
{
	STORE_TXN t = STORE_TXN_INIT;

	begin(&t);
	put("fleet", 1, "one");
	store_rollback(&t);
	ck_secret("fleet", 0, 0, NULL);
	begin(&t);
	put("fleet", 1, "one");
	commit(&t);
	begin(&t);
	unit_ok(people_secret_end(s, "fleet", 1, &err), &err);
	store_rollback(&t);
	ck_secret("fleet", 0, 1, "one");
	unit_ok(store_check(s, &err), &err);
}
END_TEST

#define LONG 4100 /* more than a page of the database */

/* The database or its write-ahead log holds that piece. */
static bool in_files(const char *piece, size_t len)
{
	static const char *const ends[] = { "", "-wal" };
	bool found = false;

	for (size_t i = 0; i < 2; i++) {
		char name[300];
		struct buf b;

		snprintf(name, sizeof(name), "%s%s", path, ends[i]);
		/* An emptied log is refused, as one that is not there. */
		buf_init(&b, 8u << 20);
		if (file_read(AT_FDCWD, name, 0, &b, NULL) == PV_OK)
			found = found || memmem(b.data, b.len, piece, len);
		buf_release(&b);
	}
	return found;
}

START_TEST(test_erased)
{
	STORE_TXN t = STORE_TXN_INIT;
	char value[2][LONG + 1] = { "", "" };

	for (size_t i = 0; i < LONG; i++) {
		value[0][i] = (char)('A' + (i * i + i / 7) % 53);
		value[1][i] = (char)('A' + (i * i * 3 + i / 5) % 53);
	}
	begin(&t);
	put("fleet", 1, value[0]);
	put("fleet", 2, value[1]);
	commit(&t);
	reopen();
	ck_assert(in_files(value[0] + 2000, 64));
	begin(&t);
	unit_ok(people_secret_end(s, "fleet", 1, &err), &err);
	commit(&t);
	reopen();
	for (size_t at = 0; at + 64 <= LONG; at += 64)
		ck_assert(!in_files(value[0] + at, 64));
	ck_assert(in_files(value[1] + 2000, 64));
	unit_ok(store_check(s, &err), &err);
}
END_TEST

/* The store key has sealed them, whatever became of them. */
START_TEST(test_uses)
{
	STORE_TXN t = STORE_TXN_INIT;
	const uint8_t by[STORE_UUID] = { 1 };
	uint64_t n;

	begin(&t);
	put("fleet", 1, "one");
	put("other", 1, "two");
	unit_ok(people_secret_end(s, "fleet", 1, &err), &err);
	commit(&t);
	unit_ok(store_datakey_count(s, by, &n, &err), &err);
	ck_assert_uint_eq(n, 2);
}
END_TEST

static const char *const damages[] = {
	"UPDATE secret SET sealed = NULL",
	"UPDATE secret SET destroyed_index = 0",
	"UPDATE secret SET name = printf('%.100c', 'x')",
};

START_TEST(test_damaged)
{
	STORE_TXN t = STORE_TXN_INIT;
	char text[128] = "";
	const struct store_visit v = { text, { .secret = see } };
	sqlite3 *db;

	begin(&t);
	put("fleet", 1, "one");
	commit(&t);
	store_close(s);
	s = NULL;
	ck_assert(sqlite3_open(path, &db) == SQLITE_OK);
	ck_assert(sqlite3_exec(db, damages[_i], NULL, NULL, NULL) == SQLITE_OK);
	ck_assert(sqlite3_total_changes(db) == 1);
	ck_assert(sqlite3_close(db) == SQLITE_OK);
	unit_ok(store_sqlite_open(path, &s, &err), &err);
	ck_refused(store_secret_each(s, &v, &err), PV_INTEGRITY,
		   "store.corrupt");
	ck_assert_str_eq(text, "");
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("store_secret");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_put);
	tcase_add_test(t, test_destroy);
	tcase_add_test(t, test_each);
	tcase_add_test(t, test_rollback);
	tcase_add_test(t, test_erased);
	tcase_add_test(t, test_uses);
	tcase_add_loop_test(t, test_damaged, 0, 3);
	suite_add_tcase(suite, t);
	return suite;
}

int main(void)
{
	return unit_run(suite());
}
