#include <string.h>
#include <unistd.h>

#include "cmd/term.h"
#include "tests/unit/unit.h"

START_TEST(lines)
{
	char out[PROGRESS_LINE_MAX];

	progress_line(out, "issue", 500, 1000, 4000, 0);
	ck_assert_str_eq(out, "issue 500/1000 50 % 125/s 4 s left");
	progress_line(out, "issue", 500, 1000, 4000, 64);
	ck_assert_str_eq(out,
			 "issue [#####.....] 500/1000 50 % 125/s 4 s left");
	progress_line(out, "issue", 1000, 1000, 8000, 80);
	ck_assert_str_eq(out, "issue [##############################] "
			      "1000/1000 100 % 125/s");
	progress_line(out, "issue", 0, 1000, 0, 0);
	ck_assert_str_eq(out, "issue 0/1000 0 % 0/s");
	progress_line(out, "issue", 12, 0, 2000, 80);
	ck_assert_str_eq(out, "issue 12 done 6/s");
	/* More done than was said: never past the end. */
	progress_line(out, "issue", 1001, 1000, 1000, 0);
	ck_assert_str_eq(out, "issue 1001/1000 100 % 1001/s");
}
END_TEST

START_TEST(extremes_fit)
{
	char out[PROGRESS_LINE_MAX], what[200];

	memset(what, 'w', sizeof(what) - 1);
	what[sizeof(what) - 1] = '\0';
	progress_line(out, what, UINT64_MAX - 1, UINT64_MAX, 1, 500);
	ck_assert_uint_lt(strlen(out), PROGRESS_LINE_MAX);
	progress_line(out, what, 1, UINT64_MAX, INT64_MAX, 500);
	ck_assert_ptr_nonnull(strstr(out, "long left"));
	progress_line(out, what, 1, 2, -5, 500);
	ck_assert_ptr_null(strstr(out, "left"));
}
END_TEST

START_TEST(durations)
{
	static const struct {
		uint64_t seconds;
		const char *text;
	} rows[] = {
		{ 0, "0 s" },		{ 59, "59 s" },
		{ 60, "1 min 0 s" },	{ 3599, "59 min 59 s" },
		{ 3600, "1 h 0 min" },	{ 90061, "25 h 1 min" },
		{ UINT64_MAX, "long" },
	};
	char out[32];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		progress_duration(out, rows[i].seconds);
		ck_assert_str_eq(out, rows[i].text);
	}
}
END_TEST

/* What goes to standard error while fn-like steps run. */
static size_t shown(bool quiet, int64_t age_ms, char *text, size_t cap)
{
	struct progress p;
	int ends[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_ge(dup2(ends[1], STDERR_FILENO), 0);
	progress_init(&p, "work", quiet);
	p.started_ms -= age_ms;
	p.shown_ms -= age_ms;
	progress_update(&p, 5, 10);
	progress_update(&p, 6, 10);
	progress_end(&p, 10, 10);
	progress_clear(&p);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(ends[1]);
	n = read(ends[0], text, cap - 1);
	close(ends[0]);
	ck_assert_int_ge((int)n, 0);
	text[n] = '\0';
	return (size_t)n;
}

START_TEST(plain_lines_are_rare)
{
	char text[1000];

	ck_assert_uint_eq(shown(false, 0, text, sizeof(text)), 0);
	ck_assert_uint_eq(shown(true, 60000, text, sizeof(text)), 0);
	/* 20 s old: one line now, none for the next update, and the last. */
	shown(false, 20000, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "work 5/10 50 %"));
	ck_assert_ptr_null(strstr(text, "6/10"));
	ck_assert_ptr_nonnull(strstr(text, "work 10/10 100 %"));
	ck_assert_ptr_null(strchr(text, '\r'));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("term");
	TCase *t = tcase_create("term");

	tcase_add_test(t, lines);
	tcase_add_test(t, extremes_fit);
	tcase_add_test(t, durations);
	tcase_add_test(t, plain_lines_are_rare);
	suite_add_tcase(s, t);
	return unit_run(s);
}
