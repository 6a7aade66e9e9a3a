#include <stdio.h>
#include <string.h>

#include "lib/flow/csvtable.h"
#include "tests/unit/unit.h"

static struct err err;
static struct csv_table t;

static struct span span(const char *s)
{
	return (struct span){ (const uint8_t *)s, strlen(s) };
}

static void set_up(void)
{
	err_init(&err);
	csv_table_init(&t, 1024);
}

static void tear_down(void)
{
	csv_table_release(&t);
}

static enum pv_code known(const char *name, struct err *e)
{
	return strlen(name) == 1
		       ? PV_OK
		       : err_fail(e, PV_INPUT, "test.name", NULL, "%s", name);
}

static enum pv_code header(const char *row)
{
	err_init(&err);
	return csv_table_header(&t, span(row), known, &err);
}

static enum pv_code note(void *ctx, const char *key, const char *value,
			 struct err *e)
{
	char *text = ctx;
	size_t len = strlen(text);

	snprintf(text + len, 128 - len, "%s=%s;", key, value);
	return strcmp(value, "no") == 0
		       ? err_fail(e, PV_INPUT, "test.value", NULL, "no")
		       : PV_OK;
}

static enum pv_code row(const char *text, char out[128])
{
	err_init(&err);
	out[0] = '\0';
	return csv_table_row(&t, span(text), note, out, &err);
}

START_TEST(cells_have_their_columns_names)
{
	char out[128];

	unit_ok(header("b,\"a\",c"), &err);
	ck_assert(csv_table_has(&t, "a") && !csv_table_has(&t, "d"));
	unit_ok(row("1,,\"2,\"\"x\"", out), &err);
	ck_assert_str_eq(out, "b=1;c=2,\"x;");
	unit_ok(row(",,", out), &err);
	ck_assert_str_eq(out, "");
}
END_TEST

START_TEST(a_row_is_as_wide_as_the_header)
{
	char out[128];

	unit_ok(header("a,b"), &err);
	unit_refused(row("1", out), PV_INPUT, "csv.columns", &err);
	unit_refused(row("1,2,3", out), PV_INPUT, "csv.columns", &err);
	unit_refused(row("\"1,2", out), PV_INPUT, "csv.format", &err);
	ck_assert_str_eq(out, "");
	unit_refused(row("no,2", out), PV_INPUT, "test.value", &err);
	ck_assert_str_eq(out, "a=no;");
}
END_TEST

START_TEST(a_header_that_is_refused_is_none)
{
	unit_refused(header("a,bb"), PV_INPUT, "test.name", &err);
	ck_assert_uint_eq(t.n, 0);
	unit_refused(header("a,b,a"), PV_INPUT, "csv.columns", &err);
	ck_assert_uint_eq(t.n, 0);
	unit_refused(header("\"a"), PV_INPUT, "csv.format", &err);
	ck_assert_uint_eq(t.n, 0);
	unit_ok(header("a,b"), &err);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("csvtable");
	TCase *tc = tcase_create("csvtable");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, cells_have_their_columns_names);
	tcase_add_test(tc, a_row_is_as_wide_as_the_header);
	tcase_add_test(tc, a_header_that_is_refused_is_none);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
