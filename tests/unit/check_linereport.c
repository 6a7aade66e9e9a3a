#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/flow/linereport.h"
#include "tests/unit/unit.h"

#define SERIAL "01000004aabbccddeeff001122334455"
#define BUNDLE "000102030405060708090a0b0c0d0e0f"

static struct linereport report;
static struct linereport_line line;
static struct err err;
static bool end;
static int fd = -1;

static void open_report(enum rows_format format, const char *text, size_t len)
{
	fd = memfd_create("report", MFD_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	err_init(&err);
	linereport_init(&report, fd, format);
}

static void close_report(void)
{
	linereport_release(&report);
	close(fd);
}

static void next(void)
{
	unit_ok(linereport_next(&report, &line, &end, &err), &err);
}

START_TEST(csv)
{
	static const char text[] =
		"\xef\xbb\xbfstation,device,serial,bundle,status,time\r\n"
		"\r\n"
		"line-1,a-1," SERIAL "," BUNDLE ",failed,2026-01-02T03:04:05Z\n"
		",,," BUNDLE ",,\n"
		",\"b,2\",,,ok,\n";

	open_report(ROWS_CSV, text, sizeof(text) - 1);
	next();
	ck_assert(!end);
	ck_assert_uint_eq(line.line, 3);
	ck_assert_str_eq(line.device, "a-1");
	ck_assert_str_eq(line.station, "line-1");
	ck_assert_uint_eq(line.serial_len, 16);
	ck_assert_uint_eq(line.serial[15], 0x55);
	ck_assert(line.has_bundle && line.bundle[15] == 0x0f);
	ck_assert(line.failed);
	next();
	ck_assert_str_eq(line.device, "");
	ck_assert(line.has_bundle && !line.failed && line.serial_len == 0);
	next();
	ck_assert_str_eq(line.device, "b,2");
	ck_assert(!line.has_bundle && !line.failed);
	next();
	ck_assert(end);
	close_report();
}
END_TEST

START_TEST(json)
{
	static const char text[] =
		"{\"device\":\"a-1\",\"status\":\"ok\"}\n\n"
		"{\"serial\":\"01000004AABBCCDDEEFF001122334455\"}";

	open_report(ROWS_JSONL, text, sizeof(text) - 1);
	next();
	ck_assert_str_eq(line.device, "a-1");
	next();
	ck_assert_uint_eq(line.line, 3);
	ck_assert_uint_eq(line.serial[4], 0xaa);
	next();
	ck_assert(end);
	close_report();
}
END_TEST

static const struct refused {
	enum rows_format format;
	const char *text, *rule;
} refusals[] = {
	{ ROWS_CSV, "", "csv.columns" },
	{ ROWS_CSV, "device,colour\na,b\n", "csv.columns" },
	{ ROWS_CSV, "device;serial\na;b\n", "csv.columns" },
	{ ROWS_CSV, "device,device\na,b\n", "csv.columns" },
	{ ROWS_CSV, "device,serial\na\n", "csv.columns" },
	{ ROWS_CSV, "device\n\"a\n", "csv.format" },
	{ ROWS_CSV, "station\nline-1\n", "report.name" },
	{ ROWS_CSV, "device,status\na,OK\n", "report.value" },
	{ ROWS_CSV, "device\n../a\n", "report.value" },
	{ ROWS_CSV, "device\n-a\n", "report.value" },
	{ ROWS_CSV, "device\na\x1b[2J\n", "report.value" },
	{ ROWS_CSV, "device,time\na,2026-02-30T00:00:00Z\n", "report.value" },
	{ ROWS_CSV, "device,station\na,b c\n", "report.value" },
	{ ROWS_CSV, "serial\n0102\n", "report.value" },
	{ ROWS_CSV, "serial\n" SERIAL "0\n", "report.value" },
	{ ROWS_CSV, "serial\n" SERIAL SERIAL "\n", "report.value" },
	{ ROWS_CSV, "bundle\n" BUNDLE "00\n", "report.value" },
	{ ROWS_CSV, "bundle\n" BUNDLE "\x20\n", "report.value" },
	{ ROWS_JSONL, "[]\n", "report.object" },
	{ ROWS_JSONL, "{\"device\":\"a\"", "json.syntax" },
	{ ROWS_JSONL, "{\"device\":\"a\",\"device\":\"b\"}\n",
	  "json.duplicate" },
	{ ROWS_JSONL, "{\"device\":1}\n", "report.value" },
	{ ROWS_JSONL, "{\"device\":\"\"}\n", "report.value" },
	{ ROWS_JSONL, "{\"device\":\"a\",\"certificate\":\"x\"}\n",
	  "report.unknown_key" },
	{ ROWS_JSONL, "{\"status\":\"ok\"}\n", "report.name" },
};

START_TEST(refused)
{
	const struct refused *r = &refusals[_i];

	open_report(r->format, r->text, strlen(r->text));
	unit_refused(linereport_next(&report, &line, &end, &err), PV_INPUT,
		     r->rule, &err);
	ck_assert_ptr_null(strchr(err.message, '\x1b'));
	close_report();
}
END_TEST

START_TEST(long_row)
{
	static char text[70000];

	memset(text, ' ', sizeof(text));
	memcpy(text, "{\"device\":\"a\"", 13);
	memcpy(text + sizeof(text) - 2, "}\n", 2);
	open_report(ROWS_JSONL, text, sizeof(text));
	unit_refused(linereport_next(&report, &line, &end, &err), PV_INPUT,
		     "input.row", &err);
	close_report();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("linereport");
	TCase *t = tcase_create("linereport");

	tcase_add_test(t, csv);
	tcase_add_test(t, json);
	tcase_add_loop_test(t, refused, 0,
			    (int)(sizeof(refusals) / sizeof(refusals[0])));
	tcase_add_test(t, long_row);
	suite_add_tcase(s, t);
	return unit_run(s);
}
