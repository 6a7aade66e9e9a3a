/* Credentials that follow the first one: which is current, history, keys. */
#include <sqlite3.h>

#include "lib/store/store_history.h"
#include "tests/unit/store_rig.h"

static uint64_t entries; /* in the log by now */

static void issue(struct fix_device *d)
{
	reserve(d, entries);
	unit_ok(fix_complete(s, d, &err), &err);
	entries += 3;
}

struct seen {
	uint32_t number[8];
	size_t n;
};

static enum pv_code see(void *ctx, const struct store_device *d,
			struct span cert, struct err *e)
{
	struct seen *seen = ctx;

	(void)e;
	ck_assert(cert.len == 0 && d->first == first);
	seen->number[seen->n++] = d->s.number;
	return PV_OK;
}

static void ck_history(const char *id, size_t n)
{
	struct seen seen = { .n = 0 };
	const struct store_visit v = { &seen, { .device = see } };

	unit_ok(store_history_each(s, id, &v, &err), &err);
	ck_assert_uint_eq(seen.n, n);
	for (size_t i = 0; i < n; i++)
		ck_assert_uint_eq(seen.number[i], first + n - 1 - i);
}

START_TEST(test_chain)
{
	STORE_TXN t = STORE_TXN_INIT;
	const char *id = dev[0].intent.s.device;
	struct store_device d;

	fix_renewal(&dev[1], &dev[0], STORE_REWORK);
	fix_renewal(&dev[2], &dev[1], STORE_ROTATE);
	dev[2].intent.s.ca_generation = 2;
	begin(&t);
	reserve_refused(&dev[1], PV_NOT_FOUND, "store.device");
	reserve(&dev[0], 0);
	reserve_refused(&dev[1], PV_CONFLICT, "store.current");
	unit_ok(fix_complete(s, &dev[0], &err), &err);
	entries = 3;
	ck_history(id, 1);
	reserve_refused(&dev[2], PV_CONFLICT, "store.current");
	issue(&dev[1]);
	issue(&dev[2]);
	commit(&t);
	for (int i = 0; i < 2; i++, reopen()) {
		get(id, &d);
		ck_assert(d.s.number == first + 2 && d.first == first);
		ck_assert(d.s.why == STORE_ROTATE && d.s.ca_generation == 2);
		ck_assert(d.s.replaces == first + 1);
		ck_assert_str_eq(d.s.request, "");
		ck_history(id, 3);
		ck_history("nobody", 0);
		unit_ok(store_check(s, &err), &err);
	}
	/* Only the current one can be replaced. */
	begin(&t);
	fix_device(&dev[1], 1, 4, first + 3);
	fix_renewal(&dev[1], &dev[0], STORE_ROTATE);
	reserve_refused(&dev[1], PV_CONFLICT, "store.current");
	fix_device(&dev[1], 1, 4, first + 3);
	dev[1].intent.s.why = STORE_ROTATE;
	reserve_refused(&dev[1], PV_INPUT, "store.intent");
	store_rollback(&t);
}
END_TEST

/* A device may keep its keys, and nobody else gets one of them. */
START_TEST(test_keys)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_owner owner;
	uint8_t old[32];

	memcpy(old, dev[0].intent.s.spki_sha256, 32);
	fix_renewal(&dev[1], &dev[0], STORE_ROTATE);
	memcpy(dev[1].intent.s.spki_sha256, old, 32);
	begin(&t);
	issue(&dev[0]);
	issue(&dev[1]);
	memcpy(dev[2].intent.s.spki_sha256, old, 32);
	reserve_refused(&dev[2], PV_CONFLICT, "store.key");
	fix_device(&dev[2], 1, 2, first + 2);
	fix_renewal(&dev[2], &dev[1], STORE_ROTATE);
	issue(&dev[2]);
	commit(&t);
	reopen();
	unit_ok(store_check(s, &err), &err);
	unit_ok(store_spki_owner(s, old, &owner, &err), &err);
	ck_assert(owner.kind == STORE_OWNER_DEVICE && owner.number == first);
	unit_ok(store_spki_owner(s, dev[2].intent.s.spki_sha256, &owner, &err),
		&err);
	ck_assert(owner.number == first + 2);
	ck_assert_str_eq(owner.name, dev[0].intent.s.device);
}
END_TEST

START_TEST(test_requests)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_device d;
	bool found;

	fix_name(dev[0].intent.s.request, "r-1");
	fix_renewal(&dev[1], &dev[0], STORE_ROTATE);
	begin(&t);
	issue(&dev[0]);
	fix_name(dev[1].intent.s.request, "r-1");
	reserve_refused(&dev[1], PV_CONFLICT, "store.request");
	fix_name(dev[1].intent.s.request, "r-2");
	issue(&dev[1]);
	fix_name(dev[2].intent.s.request, "r-2");
	reserve_refused(&dev[2], PV_CONFLICT, "store.request");
	commit(&t);
	unit_ok(store_request_get(s, "r-1", &d, &found, &err), &err);
	ck_assert(found && d.s.number == first);
	unit_ok(store_request_get(s, "r-2", &d, &found, &err), &err);
	ck_assert(found && d.s.number == first + 1);
	unit_ok(store_check(s, &err), &err);
}
END_TEST

START_TEST(test_back)
{
	STORE_TXN t = STORE_TXN_INIT;
	const char *id = dev[0].intent.s.device;
	struct store_device d;
	uint64_t index;

	fix_renewal(&dev[1], &dev[0], STORE_ROTATE);
	fix_renewal(&dev[2], &dev[0], STORE_ROTATE);
	begin(&t);
	issue(&dev[0]);
	ck_refused(store_go_back(s, first, fix_entry("device.rollback"), &err),
		   PV_CONFLICT, "store.current");
	ck_refused(
		store_go_back(s, first + 1, fix_entry("device.rollback"), &err),
		PV_NOT_FOUND, "store.device");
	reserve(&dev[1], entries);
	ck_refused(
		store_go_back(s, first + 1, fix_entry("device.rollback"), &err),
		PV_CONFLICT, "store.current");
	unit_ok(fix_complete(s, &dev[1], &err), &err);
	unit_ok(store_left(s, first + 1, &index, &err), &err);
	ck_assert(index == STORE_NO_INDEX);
	unit_ok(store_go_back(s, first + 1, fix_entry("device.rollback"), &err),
		&err);
	ck_refused(
		store_go_back(s, first + 1, fix_entry("device.rollback"), &err),
		PV_CONFLICT, "store.current");
	commit(&t);
	for (int i = 0; i < 2; i++, reopen()) {
		get(id, &d);
		ck_assert(d.s.number == first);
		unit_ok(store_left(s, first + 1, &index, &err), &err);
		ck_assert_uint_eq(index, 6);
		unit_ok(store_left(s, first, &index, &err), &err);
		ck_assert(index == STORE_NO_INDEX);
		unit_ok(store_check(s, &err), &err);
	}
	entries = 7;
	begin(&t);
	issue(&dev[2]);
	commit(&t);
	get(id, &d);
	ck_assert(d.s.number == first + 2);
	ck_history(id, 3);
	unit_ok(store_check(s, &err), &err);
}
END_TEST

/* What only an edit of the file breaks. */
static const char *const edits[] = {
	"UPDATE device SET current = NULL",
	"UPDATE device SET current = 16777218 WHERE number = 16777216",
	"DELETE FROM renewal",
	"UPDATE renewal SET back_index = 1",
	"UPDATE device SET first = 16777218 WHERE number = 16777217",
	"UPDATE device SET device = 'other' WHERE number = 16777217",
	"UPDATE device SET replaces = 16777218 WHERE number = 16777217",
};

START_TEST(test_edits)
{
	STORE_TXN t = STORE_TXN_INIT;
	sqlite3 *db = NULL;

	fix_renewal(&dev[1], &dev[0], STORE_ROTATE);
	begin(&t);
	issue(&dev[0]);
	issue(&dev[1]);
	issue(&dev[2]);
	commit(&t);
	store_close(s);
	ck_assert(sqlite3_open(path, &db) == SQLITE_OK);
	ck_assert(sqlite3_exec(db, edits[_i], NULL, NULL, NULL) == SQLITE_OK);
	sqlite3_close(db);
	unit_ok(store_sqlite_open(path, &s, &err), &err);
	ck_refused(store_check(s, &err), PV_INTEGRITY, "store.corrupt");
}
END_TEST

static void start(void)
{
	entries = 0;
	setup();
}

static Suite *suite(void)
{
	Suite *su = suite_create("store_renewal");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, start, teardown);
	tcase_add_test(t, test_chain);
	tcase_add_test(t, test_keys);
	tcase_add_test(t, test_requests);
	tcase_add_test(t, test_back);
	tcase_add_loop_test(t, test_edits, 0, sizeof(edits) / sizeof(edits[0]));
	suite_add_tcase(su, t);
	return su;
}

int main(void)
{
	return unit_run(suite());
}
