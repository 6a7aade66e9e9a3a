#include <string.h>

#include "lib/flow/anchors.h"
#include "lib/flow/context.h"
#include "tests/unit/authority_fix.h"
#include "tests/unit/unit.h"

CLEANUP_PTR(struct issue_context, issue_context_free);

#define TEN (const uint8_t *)"0123456789"

START_TEST(where_each_stands)
{
	CLEANUP(anchors_release) struct anchors a = { .n = 0 };
	struct span out[ANCHORS_MAX];
	struct err err;

	err_init(&err);
	unit_ok(anchors_add(&a, (struct span){ TEN, 1 }, true, false, &err),
		&err);
	unit_ok(anchors_add(&a, (struct span){ TEN, 2 }, true, true, &err),
		&err);
	unit_ok(anchors_add(&a, (struct span){ TEN, 3 }, false, true, &err),
		&err);
	ck_assert_uint_eq(anchors_spans(&a, true, out), 2);
	ck_assert(out[0].len == 1 && out[1].len == 2);
	ck_assert_uint_eq(anchors_spans(&a, false, out), 2);
	ck_assert(out[0].len == 2 && out[1].len == 3);
	while (a.n < ANCHORS_MAX)
		unit_ok(anchors_add(&a, (struct span){ TEN, 9 }, true, true,
				    &err),
			&err);
	unit_refused(anchors_add(&a, (struct span){ TEN, 9 }, true, true, &err),
		     PV_INTERNAL, "anchors", &err);
	ck_assert_uint_eq(a.n, ANCHORS_MAX);
}
END_TEST

static void load(const struct opened *o, int64_t now_s, uint64_t before,
		 bool sealed, bool clear)
{
	CLEANUP(anchors_release) struct anchors a = { .n = 0 };
	struct err err;

	err_init(&err);
	unit_ok(anchors_load(o->store, "root", now_s, before, &a, &err), &err);
	ck_assert_uint_eq(a.n, 1);
	ck_assert(a.list[0].sealed == sealed && a.list[0].clear == clear);
}

START_TEST(by_date_and_by_adoption)
{
	CLEANUP(anchors_release) struct anchors none = { .n = 0 };
	CLEANUP(cleanup_issue_context_free) struct issue_context *ctx = NULL;
	struct opened o;
	struct err err;

	err_init(&err);
	fix_open(&o, false);
	load(&o, 0, ANCHORS_ALL, true, true);
	load(&o, 0, 0, true, false);
	load(&o, INT64_MAX, ANCHORS_ALL, false, true);
	unit_refused(anchors_load(o.store, "roof", 0, 0, &none, &err),
		     PV_NOT_FOUND, "store.ca", &err);
	unit_ok(issue_context_load(o.a, o.store, "tls-client", &ctx, &err),
		&err);
	ck_assert_uint_eq(ctx->anchors.n, 1);
	ck_assert(ctx->anchors.list[0].sealed && ctx->anchors.list[0].clear);
	fix_close(&o);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("anchors");
	TCase *t = tcase_create("anchors");

	tcase_add_unchecked_fixture(t, fix_make_base, NULL);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, where_each_stands);
	tcase_add_test(t, by_date_and_by_adoption);
	suite_add_tcase(s, t);
	return unit_run(s);
}
