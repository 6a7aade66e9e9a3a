#include <string.h>

#include "cmd/table.h"
#include "lib/base/cleanup.h"
#include "tests/unit/unit.h"

static const char *const names[] = { "name", "n", "none" };

static void rows(bool csv, const char *text, const char *want)
{
	CLEANUP(buf_release) struct buf out;
	const struct table t = { csv, names, 3, &out };
	const struct table_cell cells[] = { { .text = text },
					    { NULL, true, UINT32_MAX },
					    { .text = NULL } };
	struct err err;

	err_init(&err);
	buf_init(&out, 1000);
	table_begin(&t);
	unit_ok(table_row(&t, cells, &err), &err);
	ck_assert_str_eq(buf_cstr(&out), want);
}

START_TEST(both_forms)
{
	rows(true, "plain", "name,n,none\nplain,4294967295,\n");
	rows(true, "a,b", "name,n,none\n\"a,b\",4294967295,\n");
	rows(true, "a\"b\nc", "name,n,none\n\"a\"\"b\nc\",4294967295,\n");
	rows(true, NULL, "name,n,none\n,4294967295,\n");
	rows(false, "a\"b\nc",
	     "{\"name\":\"a\\\"b\\nc\",\"n\":4294967295,\"none\":null}\n");
	rows(false, NULL, "{\"name\":null,\"n\":4294967295,\"none\":null}\n");
}
END_TEST

START_TEST(what_does_not_fit)
{
	CLEANUP(buf_release) struct buf out;
	struct table t = { true, names, 3, &out };
	const struct table_cell cells[] = { { .text = "text" },
					    { .text = "text" },
					    { .text = "text" } };
	struct err err;

	err_init(&err);
	buf_init(&out, 8);
	ck_assert_int_ne(table_row(&t, cells, &err), PV_OK);
	buf_release(&out);
	buf_init(&out, 8);
	err_init(&err);
	t.csv = false;
	ck_assert_int_ne(table_row(&t, cells, &err), PV_OK);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("table");
	TCase *t = tcase_create("table");

	tcase_add_test(t, both_forms);
	tcase_add_test(t, what_does_not_fit);
	suite_add_tcase(s, t);
	return unit_run(s);
}
