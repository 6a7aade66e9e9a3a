#include <string.h>
#include <unistd.h>

#include "lib/flow/request.h"
#include "lib/flow/rows.h"
#include "tests/unit/unit.h"

static struct rows rows;
static int in = -1;

static void open_rows(enum rows_format format, const char *text, size_t len)
{
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	in = fds[1];
	if (len > 0)
		ck_assert_int_eq(write(in, text, len), (ssize_t)len);
	rows_init(&rows, fds[0], format);
}

static void end_input(void)
{
	close(in);
}

static void next_is(enum rows_got want, const char *text)
{
	enum rows_got got;
	struct span row;

	UNIT_OK(rows_next(&rows, true, &got, &row, &err_));
	ck_assert_int_eq(got, want);
	if (text)
		ck_assert(span_is(row, text));
}

START_TEST(json_lines)
{
	static const char text[] = "{1}\n\n  \r\n{2}\r\n{3}";

	open_rows(ROWS_JSONL, text, sizeof(text) - 1);
	end_input();
	next_is(ROWS_ROW, "{1}");
	next_is(ROWS_ROW, "{2}");
	ck_assert_uint_eq(rows.line, 4);
	next_is(ROWS_ROW, "{3}");
	ck_assert_uint_eq(rows.line, 5);
	next_is(ROWS_END, NULL);
	next_is(ROWS_END, NULL);
	rows_release(&rows);
}
END_TEST

START_TEST(a_pause_is_told)
{
	enum rows_got got;
	struct span row;

	open_rows(ROWS_JSONL, "{1}\n{2", 6);
	next_is(ROWS_ROW, "{1}");
	UNIT_OK(rows_next(&rows, false, &got, &row, &err_));
	ck_assert_int_eq(got, ROWS_WAIT);
	ck_assert_int_eq(write(in, "}\n", 2), 2);
	UNIT_OK(rows_next(&rows, false, &got, &row, &err_));
	ck_assert_int_eq(got, ROWS_ROW);
	ck_assert(span_is(row, "{2}"));
	end_input();
	next_is(ROWS_END, NULL);
	rows_release(&rows);
}
END_TEST

/* Feeds n bytes of 'x' from a child, so that the pipe cannot block us. */
static void feed(size_t n, const char *then)
{
	static char block[4096];

	if (fork() != 0) {
		close(in);
		return;
	}
	memset(block, 'x', sizeof(block));
	for (; n > 0; n -= n < sizeof(block) ? n : sizeof(block))
		if (write(in, block, n < sizeof(block) ? n : sizeof(block)) < 0)
			break;
	_exit(write(in, then, strlen(then)) < 0);
}

START_TEST(long_rows_are_passed_over)
{
	open_rows(ROWS_JSONL, NULL, 0);
	feed(REQUEST_LINE_MAX + 1, "\n{ok}\n");
	next_is(ROWS_LONG, NULL);
	next_is(ROWS_ROW, "{ok}");
	next_is(ROWS_END, NULL);
	rows_release(&rows);
}
END_TEST

START_TEST(endless_rows_end_the_input)
{
	enum rows_got got;
	struct span row;
	struct err e;

	open_rows(ROWS_JSONL, NULL, 0);
	feed(4 * ROWS_GIVE_UP, "\n");
	err_init(&e);
	unit_refused(rows_next(&rows, true, &got, &row, &e), PV_INPUT,
		     "input.row", &e);
	rows_release(&rows);
}
END_TEST

/* Of Windows tools; anywhere else it is a byte like others. */
START_TEST(a_byte_order_mark_is_passed_over)
{
	open_rows(ROWS_JSONL, "\xEF\xBB", 2);
	ck_assert_int_eq(write(in, "\xBF{1}\n\xEF\xBB\xBF{2}\n", 11), 11);
	end_input();
	next_is(ROWS_ROW, "{1}");
	ck_assert_uint_eq(rows.line, 1);
	next_is(ROWS_ROW, "\xEF\xBB\xBF{2}");
	next_is(ROWS_END, NULL);
	rows_release(&rows);
	open_rows(ROWS_CSV, "\xEF\xBB", 2);
	end_input();
	next_is(ROWS_ROW, "\xEF\xBB");
	rows_release(&rows);
	open_rows(ROWS_CSV, "\xEF\xBB\xBF", 3);
	end_input();
	next_is(ROWS_END, NULL);
	rows_release(&rows);
}
END_TEST

START_TEST(csv_rows_may_hold_line_ends)
{
	static const char text[] = "a,b\n\"x\ny\",\"q\"\"q\"\n,\n";
	size_t cells[ROWS_CELLS_MAX], n;
	enum rows_got got;
	struct buf cell;
	struct span row;

	buf_init(&cell, 1000);
	open_rows(ROWS_CSV, text, sizeof(text) - 1);
	end_input();
	next_is(ROWS_ROW, "a,b");
	UNIT_OK(rows_next(&rows, true, &got, &row, &err_));
	UNIT_OK(csv_split(row, &cell, cells, &n, &err_));
	ck_assert_uint_eq(n, 2);
	ck_assert_str_eq((char *)cell.data + cells[0], "x\ny");
	ck_assert_str_eq((char *)cell.data + cells[1], "q\"q");
	UNIT_OK(rows_next(&rows, true, &got, &row, &err_));
	UNIT_OK(csv_split(row, &cell, cells, &n, &err_));
	ck_assert_uint_eq(n, 2);
	ck_assert_uint_eq(rows.line, 4);
	ck_assert_str_eq((char *)cell.data + cells[0], "");
	ck_assert_str_eq((char *)cell.data + cells[1], "");
	buf_release(&cell);
	rows_release(&rows);
}
END_TEST

static void bad_csv(const char *text, size_t len)
{
	struct span row = { (const uint8_t *)text, len };
	size_t cells[ROWS_CELLS_MAX], n;
	struct buf cell;
	struct err e;

	buf_init(&cell, 1000);
	err_init(&e);
	unit_refused(csv_split(row, &cell, cells, &n, &e), PV_INPUT,
		     "csv.format", &e);
	buf_release(&cell);
}

START_TEST(csv_refusals)
{
	char commas[ROWS_CELLS_MAX + 1];

	memset(commas, ',', sizeof(commas));
	bad_csv("\"open", 5);
	bad_csv("\"a\"b,c", 6);
	bad_csv("a\"b", 3);
	bad_csv("a\0b", 3);
	bad_csv(commas, sizeof(commas));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rows");
	TCase *t = tcase_create("rows");

	tcase_add_test(t, json_lines);
	tcase_add_test(t, a_pause_is_told);
	tcase_add_test(t, long_rows_are_passed_over);
	tcase_add_test(t, endless_rows_end_the_input);
	tcase_add_test(t, a_byte_order_mark_is_passed_over);
	tcase_add_test(t, csv_rows_may_hold_line_ends);
	tcase_add_test(t, csv_refusals);
	suite_add_tcase(s, t);
	return unit_run(s);
}
