/* Lists of devices and serials: what is taken, what is refused, and where. */
#include "lib/flow/namelist.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#define SERIAL "0100000aBBccddeeff00112233445566"

static struct err err;
static struct namelist list;

/* The text as a file that is read from its start. */
static FILE *open_list(const char *text, size_t len, enum rows_format format)
{
	FILE *f = tmpfile();

	ck_assert(f && fwrite(text, 1, len, f) == len && fflush(f) == 0);
	rewind(f);
	err_init(&err);
	namelist_init(&list, fileno(f), format);
	return f;
}

static void close_list(FILE *f)
{
	namelist_release(&list);
	fclose(f);
}

static void refused(const char *text, enum rows_format format, const char *rule,
		    const char *where)
{
	FILE *f = open_list(text, strlen(text), format);
	struct namelist_line line;
	bool end = false;
	enum pv_code rc = PV_OK;

	while (rc == PV_OK && !end)
		rc = namelist_next(&list, &line, &end, &err);
	unit_refused(rc, PV_INPUT, rule, &err);
	ck_assert(strstr(err.message, where) != NULL);
	close_list(f);
}

START_TEST(test_json)
{
	const char text[] = "{\"device\":\"D-1\"}\n\n"
			    "{\"serial\":\"" SERIAL "\"}\n";
	FILE *f = open_list(text, sizeof(text) - 1, ROWS_JSONL);
	struct namelist_line line;
	bool end = true;

	unit_ok(namelist_next(&list, &line, &end, &err), &err);
	ck_assert(!end && line.serial_len == 0 && line.line == 1);
	ck_assert_str_eq(line.device, "D-1");
	unit_ok(namelist_next(&list, &line, &end, &err), &err);
	ck_assert(!end && line.device[0] == '\0' && line.line == 3);
	ck_assert(line.serial_len == 16 && line.serial[0] == 1 &&
		  line.serial[4] == 0xbb && line.serial[15] == 0x66);
	unit_ok(namelist_next(&list, &line, &end, &err), &err);
	ck_assert(end);
	close_list(f);
}
END_TEST

START_TEST(test_bare)
{
	const char text[] = "D-1\r\n\n{\"device\":\"D-2\"}\n" SERIAL "\n";
	static const char *const ids[] = { "D-1", "D-2", SERIAL };
	FILE *f = open_list(text, sizeof(text) - 1, ROWS_JSONL);
	struct namelist_line line;
	bool end = true;

	for (size_t i = 0; i < 3; i++) {
		unit_ok(namelist_next(&list, &line, &end, &err), &err);
		ck_assert(!end && line.serial_len == 0);
		ck_assert_str_eq(line.device, ids[i]);
	}
	unit_ok(namelist_next(&list, &line, &end, &err), &err);
	ck_assert(end);
	close_list(f);
}
END_TEST

START_TEST(test_csv)
{
	const char text[] = "serial,device\r\n,\"D-1\"\r\n" SERIAL ",\r\n";
	FILE *f = open_list(text, sizeof(text) - 1, ROWS_CSV);
	struct namelist_line line;
	bool end = true;

	unit_ok(namelist_next(&list, &line, &end, &err), &err);
	ck_assert_str_eq(line.device, "D-1");
	unit_ok(namelist_next(&list, &line, &end, &err), &err);
	ck_assert(!end && line.serial_len == 16);
	unit_ok(namelist_next(&list, &line, &end, &err), &err);
	ck_assert(end);
	close_list(f);
}
END_TEST

START_TEST(test_refused)
{
	refused("{\"device\":\"D\"}\n{}\n", ROWS_JSONL, "list.name", "line 2");
	refused("{\"device\":\"D\",\"serial\":\"" SERIAL "\"}", ROWS_JSONL,
		"list.name", "line 1");
	refused("[]", ROWS_JSONL, "list.object", "line 1");
	refused("{\"device\":7}", ROWS_JSONL, "list.value", "line 1");
	refused("{\"device\":null}", ROWS_JSONL, "list.value", "line 1");
	refused("{\"device\":\"a/b\"}", ROWS_JSONL, "list.value", "line 1");
	refused("{\"device\":\"\"}", ROWS_JSONL, "list.value", "line 1");
	refused("{\"serial\":\"0100\"}", ROWS_JSONL, "list.value", "line 1");
	refused("{\"lot\":\"x\"}", ROWS_JSONL, "list.unknown_key", "line 1");
	refused("device,lot\nD,x\n", ROWS_CSV, "csv.columns", "lot");
	refused("device,device\nD,D\n", ROWS_CSV, "csv.columns", "twice");
	refused("device\nD,E\n", ROWS_CSV, "csv.columns", "line 2");
	refused("device,serial\n,\n", ROWS_CSV, "list.name", "line 2");
	refused("device\n\"D\n", ROWS_CSV, "csv.format", "");
	refused("", ROWS_CSV, "csv.columns", "header");
	ck_assert_ptr_null(strstr(err.message, "line"));
	refused("a b\n", ROWS_JSONL, "list.value", "line 1");
	refused("D\n-x\n", ROWS_JSONL, "list.value", "line 2");
	refused("D" SERIAL SERIAL "\n", ROWS_JSONL, "list.value", "line 1");
	refused("\"D\"\n", ROWS_JSONL, "list.object", "line 1");
}
END_TEST

START_TEST(test_long)
{
	static char text[2 * ROWS_GIVE_UP];
	struct namelist_line line;
	bool end = false;
	FILE *f;

	memset(text, 'a', sizeof(text));
	f = open_list(text, sizeof(text), ROWS_JSONL);
	unit_refused(namelist_next(&list, &line, &end, &err), PV_INPUT,
		     "input.row", &err);
	close_list(f);
}
END_TEST

START_TEST(test_serial)
{
	uint8_t serial[STORE_SERIAL_MAX];
	size_t len = 0;

	ck_assert(namelist_serial(SERIAL, serial, &len) && len == 16);
	ck_assert(!namelist_serial("", serial, &len));
	ck_assert(!namelist_serial(SERIAL "0", serial, &len));
	ck_assert(!namelist_serial(SERIAL "aabbccddee", serial, &len));
	ck_assert(namelist_serial(SERIAL "aabbccdd", serial, &len));
	ck_assert(!namelist_serial("0100000aBBccddeeff0011223344556g", serial,
				   &len));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("namelist");
	TCase *t = tcase_create("all");

	tcase_add_test(t, test_json);
	tcase_add_test(t, test_bare);
	tcase_add_test(t, test_csv);
	tcase_add_test(t, test_refused);
	tcase_add_test(t, test_long);
	tcase_add_test(t, test_serial);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return unit_run(suite());
}
