/* What is kept of requests, and the list of ends. */
#include "lib/store/store_history.h"
#include "lib/store/store_renew.h"
#include "tests/unit/store_rig.h"

static void start(void)
{
	STORE_TXN t = STORE_TXN_INIT;

	setup();
	dev[1].intent.kept = (struct span){ (const uint8_t *)"fields", 6 };
	begin(&t);
	for (int i = 0; i < 3; i++)
		reserve(&dev[i], (uint64_t)i);
	commit(&t);
}

static void ck_kept(int i, const char *want)
{
	struct buf b;

	buf_init(&b, 64);
	unit_ok(store_kept_get(s, dev[i].intent.s.number, &b, &err), &err);
	ck_assert(span_is(buf_span(&b), want));
	buf_release(&b);
}

START_TEST(test_kept)
{
	STORE_TXN t = STORE_TXN_INIT;

	ck_kept(0, "");
	ck_kept(1, "fields");
	reopen();
	ck_kept(1, "fields");
	begin(&t);
	unit_ok(store_retire(s, dev[1].intent.s.number,
			     fix_entry("device.retire"), &err),
		&err);
	commit(&t);
	ck_kept(1, "");
}
END_TEST

struct seen {
	struct store_ending list[8];
	size_t n;
};

static enum pv_code take(void *ctx, const struct store_ending *e, struct err *x)
{
	struct seen *seen = ctx;

	(void)x;
	seen->list[seen->n++] = *e;
	return PV_OK;
}

static size_t look(const struct store_ending *after, int64_t until_s,
		   uint64_t n, struct seen *seen)
{
	struct store_visit v = { .ctx = seen, .fn.ending = take };

	seen->n = 0;
	unit_ok(store_ending_each(s, after, until_s, n, &v, &err), &err);
	return seen->n;
}

START_TEST(test_endings)
{
	const struct store_ending none = { 0, 0 };
	bool has;
	STORE_TXN t = STORE_TXN_INIT;
	uint32_t number = dev[0].intent.s.number;
	struct seen seen;

	begin(&t);
	unit_ok(store_ending_put(s, number, 100, &err), &err);
	unit_ok(store_ending_put(s, number + 1, 50, &err), &err);
	unit_ok(store_ending_put(s, number + 2, 100, &err), &err);
	unit_ok(store_ending_put(s, number + 2, 100, &err), &err);
	ck_refused(store_ending_put(s, number, -1, &err), PV_INPUT,
		   "store.ending");
	commit(&t);
	ck_assert_uint_eq(look(&none, -1, 8, &seen), 0);
	ck_assert_uint_eq(look(&none, 49, 8, &seen), 0);
	ck_assert_uint_eq(look(&none, 50, 8, &seen), 1);
	ck_assert_uint_eq(look(&none, 100, 8, &seen), 3);
	ck_assert(seen.list[0].end_s == 50 &&
		  seen.list[0].number == number + 1);
	ck_assert(seen.list[1].number == number &&
		  seen.list[2].number == number + 2);
	ck_assert_uint_eq(look(&none, 100, 2, &seen), 2);
	ck_assert_uint_eq(look(&seen.list[1], 100, 2, &seen), 1);
	ck_assert(seen.list[0].number == number + 2);
	begin(&t);
	unit_ok(store_ending_has(s, number, 100, &has, &err), &err);
	ck_assert(has);
	unit_ok(store_ending_has(s, number, 50, &has, &err), &err);
	ck_assert(!has);
	unit_ok(store_ending_has(s, number, -1, &has, &err), &err);
	ck_assert(!has);
	unit_ok(store_ending_drop(s, number, 100, &err), &err);
	unit_ok(store_ending_drop(s, number, 100, &err), &err);
	unit_ok(store_ending_has(s, number, 100, &has, &err), &err);
	ck_assert(!has);
	commit(&t);
	ck_assert_uint_eq(look(&none, 100, 8, &seen), 2);
}
END_TEST

int main(void)
{
	Suite *su = suite_create("store_renew");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, start, teardown);
	tcase_add_test(t, test_kept);
	tcase_add_test(t, test_endings);
	suite_add_tcase(su, t);
	return unit_run(su);
}
