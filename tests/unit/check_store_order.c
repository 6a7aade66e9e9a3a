/* Production tickets, and what was issued under them. */
#include <sqlite3.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/people_fix.h"
#include "tests/unit/store_rig.h"

static const uint8_t *template_hash(void)
{
	return dev[0].intent.s.template_sha256;
}

static void open_order(const char *name)
{
	unit_ok(people_order(s, name, template_hash(), "{}", &err), &err);
}

static enum pv_code take(void *ctx, const struct store_order *o, struct err *e)
{
	struct store_order *to = ctx;

	(void)e;
	*to = *o;
	if (o->state != STORE_ORDER_COUNTED)
		ck_assert(span_is(o->bytes, "{}"));
	if (o->state == STORE_ORDER_CLOSED)
		ck_assert(span_is(o->note, "end"));
	return PV_OK;
}

static bool get_order(const char *name, struct store_order *o)
{
	const struct store_visit v = { o, { .order = take } };
	bool found;

	unit_ok(store_order_get(s, name, &v, &found, &err), &err);
	return found;
}

static void ck_order(const char *name, enum store_order_state state,
		     uint64_t devices, uint64_t reworked)
{
	struct store_order_count c;
	struct store_order o;

	ck_assert(get_order(name, &o));
	ck_assert_str_eq(o.name, name);
	ck_assert(o.state == state);
	ck_assert(o.devices == devices && o.reworked == reworked);
	unit_ok(store_order_count(s, name, &c, &err), &err);
	ck_assert(c.devices == devices && c.reworked == reworked);
}

START_TEST(test_open)
{
	STORE_TXN t = STORE_TXN_INIT;
	uint8_t none[32] = { 0 };
	struct store_order o;

	begin(&t);
	ck_refused(people_order(s, "o-1", none, "{}", &err), PV_NOT_FOUND,
		   "store.template");
	ck_refused(people_order(s, "o-1", template_hash(), "", &err), PV_INPUT,
		   "store.order");
	open_order("o-1");
	ck_refused(people_order(s, "o-1", template_hash(), "{}", &err),
		   PV_CONFLICT, "store.order");
	commit(&t);
	for (int i = 0; i < 2; i++, reopen()) {
		ck_order("o-1", STORE_ORDER_OPEN, 0, 0);
		ck_assert(get_order("o-1", &o));
		ck_assert(o.opened_index == 0);
		ck_assert(o.closed_index == STORE_NO_INDEX);
		ck_assert_mem_eq(o.template_sha256, template_hash(), 32);
		ck_assert(!get_order("o-2", &o));
	}
	unit_ok(store_check(s, &err), &err);
}
END_TEST

START_TEST(test_close)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_order o;

	begin(&t);
	ck_refused(people_order_end(s, "o-1", "{}", "end", &err), PV_NOT_FOUND,
		   "store.order");
	open_order("o-1");
	ck_refused(people_order_end(s, "o-1", "{}", "", &err), PV_INPUT,
		   "store.order");
	unit_ok(people_order_end(s, "o-1", "{}", "end", &err), &err);
	ck_refused(people_order_end(s, "o-1", "{}", "end", &err), PV_CONFLICT,
		   "store.order");
	ck_refused(people_order(s, "o-1", template_hash(), "{}", &err),
		   PV_CONFLICT, "store.order");
	commit(&t);
	for (int i = 0; i < 2; i++, reopen()) {
		ck_order("o-1", STORE_ORDER_CLOSED, 0, 0);
		ck_assert(get_order("o-1", &o));
		ck_assert(o.closed_index == 1);
	}
	unit_ok(store_check(s, &err), &err);
}
END_TEST

/* A replacement is not one more device. */
START_TEST(test_counts)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_device d;
	bool found;

	for (int i = 0; i < 3; i++)
		fix_name(dev[i].intent.s.order, "o-1");
	fix_renewal(&dev[1], &dev[0], STORE_REWORK);
	begin(&t);
	open_order("o-1");
	reserve(&dev[0], 1);
	ck_order("o-1", STORE_ORDER_OPEN, 1, 0);
	unit_ok(fix_complete(s, &dev[0], &err), &err);
	reserve(&dev[1], 4);
	ck_order("o-1", STORE_ORDER_OPEN, 1, 1);
	commit(&t);
	for (int i = 0; i < 2; i++, reopen()) {
		ck_order("o-1", STORE_ORDER_OPEN, 1, 1);
		unit_ok(store_number_get(s, first, &d, &found, &err), &err);
		ck_assert(!store_is_rework(&d.s));
		get(dev[0].intent.s.device, &d);
		ck_assert(d.s.number == first + 1 && store_is_rework(&d.s));
		unit_ok(store_check(s, &err), &err);
	}
	begin(&t);
	reserve(&dev[2], 5);
	ck_order("o-1", STORE_ORDER_OPEN, 2, 1);
	store_rollback(&t);
	ck_order("o-1", STORE_ORDER_OPEN, 1, 1);
	/* One that is rotated is neither. */
	fix_renewal(&dev[2], &dev[1], STORE_ROTATE);
	begin(&t);
	unit_ok(fix_complete(s, &dev[1], &err), &err);
	reserve(&dev[2], 7);
	commit(&t);
	ck_order("o-1", STORE_ORDER_OPEN, 1, 1);
	unit_ok(store_check(s, &err), &err);
}
END_TEST

/* A name that `issue' gave, without an order. */
START_TEST(test_counted_only)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_order o;

	begin(&t);
	reserve(&dev[0], 0);
	ck_refused(people_order(s, "order-7", template_hash(), "{}", &err),
		   PV_CONFLICT, "store.order");
	ck_refused(people_order_end(s, "order-7", "{}", "end", &err),
		   PV_NOT_FOUND, "store.order");
	commit(&t);
	ck_order("order-7", STORE_ORDER_COUNTED, 1, 0);
	ck_assert(get_order("order-7", &o));
	ck_assert(o.opened_index == STORE_NO_INDEX && o.bytes.len == 0);
	unit_ok(store_check(s, &err), &err);
}
END_TEST

static enum pv_code add(void *ctx, const struct store_order *o, struct err *e)
{
	char *text = ctx;

	(void)e;
	snprintf(text + strlen(text), 64 - strlen(text), "%s:%d ", o->name,
		 o->state);
	return PV_OK;
}

START_TEST(test_each)
{
	STORE_TXN t = STORE_TXN_INIT;
	char text[64] = "";
	const struct store_visit v = { text, { .order = add } };

	begin(&t);
	open_order("b");
	open_order("a");
	unit_ok(people_order_end(s, "a", "{}", "end", &err), &err);
	reserve(&dev[0], 3);
	unit_ok(store_order_each(s, &v, &err), &err);
	ck_assert_str_eq(text, "a:2 b:1 order-7:0 ");
	commit(&t);
}
END_TEST

START_TEST(test_rollback)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_order o;

	begin(&t);
	open_order("o-1");
	store_rollback(&t);
	ck_assert(!get_order("o-1", &o));
	begin(&t);
	open_order("o-1");
	commit(&t);
	begin(&t);
	unit_ok(people_order_end(s, "o-1", "{}", "end", &err), &err);
	store_rollback(&t);
	ck_order("o-1", STORE_ORDER_OPEN, 0, 0);
	unit_ok(store_check(s, &err), &err);
}
END_TEST

/* Exit status 0: took the last one; 4: none was left; 1: all else. */
static void take_last(uint32_t n)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_order_count c;
	uint64_t index;
	struct err e;
	enum pv_code rc;

	err_init(&e);
	fix_name(dev[n].intent.s.order, "o-1");
	rc = store_sqlite_open(path, &s, &e);
	if (rc == PV_OK)
		rc = store_begin(s, STORE_WRITE, &t, &e);
	if (rc == PV_OK)
		rc = store_order_count(s, "o-1", &c, &e);
	if (rc == PV_OK && c.devices >= 1)
		_exit(4);
	if (rc == PV_OK)
		rc = store_reserve(s, &dev[n].intent, &index, &e);
	if (rc == PV_OK)
		rc = store_commit(&t, &e);
	_exit(rc == PV_OK ? 0 : 1);
}

START_TEST(test_race)
{
	STORE_TXN t = STORE_TXN_INIT;
	pid_t pid[3];
	int won = 0;

	begin(&t);
	open_order("o-1");
	commit(&t);
	store_close(s);
	s = NULL;
	for (uint32_t i = 0; i < 3; i++) {
		pid[i] = fork();
		ck_assert(pid[i] >= 0);
		if (pid[i] == 0)
			take_last(i);
	}
	for (int i = 0; i < 3; i++) {
		int status;

		ck_assert(waitpid(pid[i], &status, 0) == pid[i]);
		ck_assert(WIFEXITED(status));
		won += WEXITSTATUS(status) == 0;
		ck_assert(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 4);
	}
	ck_assert_int_eq(won, 1);
	unit_ok(store_sqlite_open(path, &s, &err), &err);
	ck_order("o-1", STORE_ORDER_OPEN, 1, 0);
	unit_ok(store_check(s, &err), &err);
}
END_TEST

static const char *const damages[] = {
	"UPDATE ticket SET closed_index = 9",
	"UPDATE ticket SET note = x'00'",
	"UPDATE ticket SET bytes = x''",
};

START_TEST(test_damaged)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_order o;
	const struct store_visit v = { &o, { .order = take } };
	sqlite3 *db;
	bool found;

	begin(&t);
	open_order("o-1");
	commit(&t);
	store_close(s);
	s = NULL;
	ck_assert(sqlite3_open(path, &db) == SQLITE_OK);
	ck_assert(sqlite3_exec(db, damages[_i], NULL, NULL, NULL) == SQLITE_OK);
	ck_assert(sqlite3_total_changes(db) == 1);
	ck_assert(sqlite3_close(db) == SQLITE_OK);
	unit_ok(store_sqlite_open(path, &s, &err), &err);
	ck_refused(store_order_get(s, "o-1", &v, &found, &err), PV_INTEGRITY,
		   "store.corrupt");
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("store_order");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_open);
	tcase_add_test(t, test_close);
	tcase_add_test(t, test_counts);
	tcase_add_test(t, test_counted_only);
	tcase_add_test(t, test_each);
	tcase_add_test(t, test_rollback);
	tcase_add_test(t, test_race);
	tcase_add_loop_test(t, test_damaged, 0, 3);
	suite_add_tcase(suite, t);
	return suite;
}

int main(void)
{
	return unit_run(suite());
}
