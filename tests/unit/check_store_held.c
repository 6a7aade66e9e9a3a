/* What waits for people. */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/people_fix.h"
#include "tests/unit/store_rig.h"

static bool any(const char *device)
{
	bool held;

	unit_ok(store_held_any(s, device, &held, &err), &err);
	return held;
}

static enum pv_code take(void *ctx, const struct store_held *h, struct err *e)
{
	(void)e;
	*(struct store_held *)ctx = *h;
	ck_assert(span_is(h->bytes, "{}"));
	return PV_OK;
}

static enum pv_code add_one(void *ctx, const struct store_held *h,
			    struct err *e)
{
	(void)h;
	(void)e;
	++*(unsigned *)ctx;
	return PV_OK;
}

static unsigned held_of(const char *device)
{
	unsigned n = 0;
	const struct store_visit v = { &n, { .held = add_one } };

	unit_ok(store_held_of(s, device, &v, &err), &err);
	return n;
}

static bool get_held(uint64_t id, struct store_held *h)
{
	const struct store_visit v = { h, { .held = take } };
	bool found;

	unit_ok(store_held_get(s, id, &v, &found, &err), &err);
	return found;
}

static uint64_t hold(const char *request, const char *device)
{
	uint64_t id = 0;

	unit_ok(people_held(s, request, device, &id, &err), &err);
	return id;
}

static uint64_t waiting(const char *head)
{
	uint64_t n;

	unit_ok(store_held_count(
			s, (struct span){ (const uint8_t *)head, strlen(head) },
			&n, &err),
		&err);
	return n;
}

/* By how the bytes begin, of those that wait; all are "{}". */
START_TEST(test_waiting)
{
	STORE_TXN t = STORE_TXN_INIT;

	ck_assert(waiting("") == 0 && waiting("{") == 0);
	begin(&t);
	hold("r-1", "D-1");
	hold("r-2", "D-2");
	ck_assert(waiting("") == 2 && waiting("{") == 2 && waiting("{}") == 2);
	ck_assert(waiting("[") == 0 && waiting("{}x") == 0);
	unit_ok(people_decide(s, 1, "r-1", STORE_RELEASED, &err), &err);
	ck_assert(waiting("") == 1 && waiting("{") == 1);
	commit(&t);
	reopen();
	ck_assert(waiting("") == 1 && waiting("{}") == 1);
}
END_TEST

START_TEST(test_put)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_held h;
	uint64_t next;

	ck_assert(!any("D-1"));
	begin(&t);
	ck_assert(hold("r-1", "D-1") == 1);
	ck_assert(any("D-1"));
	ck_assert(hold("r-2", "") == 2);
	commit(&t);
	for (int i = 0; i < 2; i++, reopen()) {
		ck_assert(any("D-1") && !any("D-9") && !any("r-1"));
		ck_assert(get_held(1, &h));
		ck_assert_str_eq(h.request, "r-1");
		ck_assert_str_eq(h.device, "D-1");
		ck_assert_str_eq(h.rule, "key.two");
		ck_assert_str_eq(h.source, "line-1");
		ck_assert(h.state == STORE_HELD && h.put_index == 0);
		ck_assert(h.decided_index == STORE_NO_INDEX);
		ck_assert(held_of("D-1") == 1 && held_of("D-9") == 0);
		ck_assert(get_held(2, &h) && h.device[0] == '\0');
		ck_assert(!get_held(3, &h));
		unit_ok(store_held_next(s, &next, &err), &err);
		ck_assert(next == 3);
	}
	unit_ok(store_check(s, &err), &err);
}
END_TEST

START_TEST(test_decide)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_held h;

	begin(&t);
	hold("r-1", "D-1");
	hold("r-2", "D-1");
	ck_refused(people_decide(s, 3, "r-1", STORE_RELEASED, &err),
		   PV_NOT_FOUND, "store.held");
	ck_refused(people_decide(s, 0, "r-1", STORE_RELEASED, &err),
		   PV_NOT_FOUND, "store.held");
	ck_refused(people_decide(s, 1, "r-2", STORE_RELEASED, &err), PV_INPUT,
		   "store.governance");
	ck_refused(people_decide(s, 1, "r-1", STORE_HELD, &err), PV_INPUT,
		   "store.held");
	unit_ok(people_decide(s, 1, "r-1", STORE_RELEASED, &err), &err);
	ck_refused(people_decide(s, 1, "r-1", STORE_REJECTED, &err),
		   PV_CONFLICT, "store.held");
	ck_assert(any("D-1") && !any("x"));
	unit_ok(people_decide(s, 2, "r-2", STORE_REJECTED, &err), &err);
	ck_assert(!any("D-1"));
	commit(&t);
	for (int i = 0; i < 2; i++, reopen()) {
		ck_assert(!any("D-1"));
		ck_assert(get_held(1, &h) && h.state == STORE_RELEASED);
		ck_assert(h.decided_index == 2);
		ck_assert(get_held(2, &h) && h.state == STORE_REJECTED);
		ck_assert(h.decided_index == 3);
	}
	unit_ok(store_check(s, &err), &err);
}
END_TEST

START_TEST(test_rollback)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_held h;

	begin(&t);
	hold("r-1", "D-1");
	store_rollback(&t);
	ck_assert(!any("D-1") && !get_held(1, &h));
	begin(&t);
	hold("r-1", "D-1");
	commit(&t);
	begin(&t);
	unit_ok(people_decide(s, 1, "r-1", STORE_REJECTED, &err), &err);
	store_rollback(&t);
	ck_assert(any("D-1"));
	ck_assert(get_held(1, &h) && h.state == STORE_HELD);
	unit_ok(store_check(s, &err), &err);
}
END_TEST

static enum pv_code count(void *ctx, const struct store_held *h, struct err *e)
{
	(void)e;
	ck_assert(h->id == ++*(uint64_t *)ctx);
	return PV_OK;
}

START_TEST(test_each)
{
	STORE_TXN t = STORE_TXN_INIT;
	uint64_t n = 0;
	const struct store_visit v = { &n, { .held = count } };

	begin(&t);
	for (int i = 0; i < 5; i++)
		hold("r-1", "D-1");
	unit_ok(people_decide(s, 2, "r-1", STORE_REJECTED, &err), &err);
	commit(&t);
	unit_ok(store_held_each(s, &v, &err), &err);
	ck_assert(n == 5);
}
END_TEST

static const char *const damages[] = {
	"UPDATE held SET state = 3",
	"UPDATE held SET state = 1",
	"UPDATE held SET decided_index = 0",
};

START_TEST(test_damaged)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_held h;
	const struct store_visit v = { &h, { .held = take } };
	sqlite3 *db;
	bool found;

	begin(&t);
	hold("r-1", "D-1");
	commit(&t);
	store_close(s);
	s = NULL;
	ck_assert(sqlite3_open(path, &db) == SQLITE_OK);
	ck_assert(sqlite3_exec(db, damages[_i], NULL, NULL, NULL) == SQLITE_OK);
	ck_assert(sqlite3_total_changes(db) == 1);
	ck_assert(sqlite3_close(db) == SQLITE_OK);
	unit_ok(store_sqlite_open(path, &s, &err), &err);
	ck_refused(store_held_get(s, 1, &v, &found, &err), PV_INTEGRITY,
		   "store.corrupt");
}
END_TEST

/* The count that spares the look must be that of the rows. */
START_TEST(test_count)
{
	STORE_TXN t = STORE_TXN_INIT;
	sqlite3 *db;

	begin(&t);
	hold("r-1", "D-1");
	commit(&t);
	store_close(s);
	s = NULL;
	ck_assert(sqlite3_open(path, &db) == SQLITE_OK);
	ck_assert(sqlite3_exec(db, "UPDATE state SET held = 0", NULL, NULL,
			       NULL) == SQLITE_OK);
	ck_assert(sqlite3_close(db) == SQLITE_OK);
	unit_ok(store_sqlite_open(path, &s, &err), &err);
	ck_refused(store_check(s, &err), PV_INTEGRITY, "store.corrupt");
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("store_held");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_put);
	tcase_add_test(t, test_waiting);
	tcase_add_test(t, test_decide);
	tcase_add_test(t, test_rollback);
	tcase_add_test(t, test_each);
	tcase_add_loop_test(t, test_damaged, 0, 3);
	tcase_add_test(t, test_count);
	suite_add_tcase(suite, t);
	return suite;
}

int main(void)
{
	return unit_run(suite());
}
