#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/linediff.h"
#include "tests/unit/unit.h"

static enum pv_code put(void *ctx, enum linediff_side side, struct span line,
			struct err *err)
{
	(void)err;
	buf_put_u8(ctx, (uint8_t) "=-+"[side]);
	buf_put(ctx, line.p, line.len);
	return PV_OK;
}

static struct span text(const char *s)
{
	return (struct span){ (const uint8_t *)s, strlen(s) };
}

static void check(const char *old, const char *new, const char *want)
{
	CLEANUP(buf_release) struct buf out;

	buf_init(&out, 4096);
	UNIT_OK(linediff(text(old), text(new), put, &out, &err_));
	ck_assert_str_eq(buf_cstr(&out), want);
}

START_TEST(marks_what_one_has)
{
	check("", "", "");
	check("a\nb\n", "a\nb\n", "=a=b");
	check("a\n", "", "-a");
	check("", "a\n", "+a");
	check("a\nb\nc\n", "a\nx\nc\n", "=a-b+x=c");
	check("a\nb\nc\nd\n", "b\nc\nd\ne\n", "-a=b=c=d+e");
	check("a\n\nb", "a\nb", "=a-=b");
	check("p\nq\nr\ns\n", "p\nx\ns\n", "=p-q-r+x=s");
}
END_TEST

START_TEST(has_a_limit)
{
	CLEANUP(buf_release) struct buf many;
	CLEANUP(buf_release) struct buf out;
	struct err err;

	buf_init(&many, 8192);
	buf_init(&out, 8192);
	for (size_t i = 0; i < LINEDIFF_MAX; i++)
		buf_put_str(&many, "\n");
	UNIT_OK(linediff(buf_span(&many), text(""), put, &out, &err_));
	ck_assert_uint_eq(out.len, LINEDIFF_MAX);
	buf_put_str(&many, "\n");
	err_init(&err);
	unit_refused(linediff(text(""), buf_span(&many), put, &out, &err),
		     PV_INPUT, "diff.lines", &err);
}
END_TEST

static enum pv_code stop(void *ctx, enum linediff_side side, struct span line,
			 struct err *err)
{
	(void)side;
	(void)line;
	++*(size_t *)ctx;
	return err_fail(err, PV_STORAGE, "output.lost", NULL, "lost");
}

START_TEST(ends_with_the_first_failure)
{
	struct err err;
	size_t n = 0;

	err_init(&err);
	unit_refused(linediff(text("a\nb\n"), text("c\n"), stop, &n, &err),
		     PV_STORAGE, "output.lost", &err);
	ck_assert_uint_eq(n, 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("linediff");
	TCase *t = tcase_create("linediff");

	tcase_add_test(t, marks_what_one_has);
	tcase_add_test(t, has_a_limit);
	tcase_add_test(t, ends_with_the_first_failure);
	suite_add_tcase(s, t);
	return unit_run(s);
}
