#include <errno.h>
#include <string.h>

#include "tests/unit/unit.h"

START_TEST(first_cause_wins)
{
	struct err e;

	err_init(&e);
	ck_assert_int_eq(
		err_fail(&e, PV_INPUT, "a.rule", "a hint", "one %d", 1),
		PV_INPUT);
	ck_assert_int_eq(err_fail(&e, PV_STORAGE, "b.rule", NULL, "two"),
			 PV_INPUT);
	ck_assert_str_eq(e.message, "one 1");
	ck_assert_str_eq(e.rule, "a.rule");
	ck_assert_str_eq(e.hint, "a hint");
	err_prefix(&e, "issue %s", "X");
	ck_assert_str_eq(e.message, "issue X: one 1");
	err_object(&e, "first");
	err_object(&e, "second");
	ck_assert_str_eq(e.object, "first");
}
END_TEST

START_TEST(null_record)
{
	ck_assert_int_eq(err_fail(NULL, PV_DENIED, "x", NULL, "y"), PV_DENIED);
	err_prefix(NULL, "x");
	err_object(NULL, "x");
}
END_TEST

START_TEST(control_bytes)
{
	struct err e;

	err_init(&e);
	err_fail(&e, PV_INPUT, NULL, NULL, "a\x1b[31mb\n");
	err_object(&e, "o\tp\x7f");
	ck_assert_str_eq(e.message, "a?[31mb?");
	ck_assert_str_eq(e.object, "o?p?");
}
END_TEST

/* What a terminal obeys, or shows in another order, is not printed. */
START_TEST(terminal_text)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "key \xc2\x9b"
		  "2J\xe2\x80\xaegnp",
		  "key ?2J?gnp" },
		{ "\xe2\x80\xa8\xe2\x81\xa6\xd8\x9c", "???" },
		{ "M\xc3\xbcnchen \xe2\x82\xac \xf0\x9f\x94\x91",
		  "M\xc3\xbcnchen \xe2\x82\xac \xf0\x9f\x94\x91" },
		/* Latin-1, cut off, overlong, a surrogate. */
		{ "M\xfcnchen", "M?nchen" },
		{ "\xe2\x82", "??" },
		{ "\xc0\xaf", "??" },
		{ "\xed\xa0\x80", "???" },
	};
	struct err e;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		err_init(&e);
		err_fail(&e, PV_INPUT, rows[i].in, rows[i].in, "%s",
			 rows[i].in);
		err_object(&e, rows[i].in);
		ck_assert_str_eq(e.message, rows[i].out);
		ck_assert_str_eq(e.object, rows[i].out);
		ck_assert_str_eq(e.rule, rows[i].out);
		ck_assert_str_eq(e.hint, rows[i].out);
	}
}
END_TEST

START_TEST(cut_between_characters)
{
	char text[1000] = "";
	struct err e;

	for (size_t i = 0; i < 300; i++)
		memcpy(text + 3 * i, "\xe2\x82\xac", 4);
	err_init(&e);
	err_object(&e, text);
	ck_assert_uint_eq(strlen(e.object), 159); /* 53 characters */
	err_fail(&e, PV_INPUT, NULL, text, "x");
	ck_assert_uint_eq(strlen(e.hint), 255);
	err_prefix(&e, "%s", text);
	/* 128 bytes of context hold 42 characters. */
	ck_assert_str_eq(e.message + 126, ": x");
}
END_TEST

START_TEST(long_texts_are_cut)
{
	char text[2000];
	struct err e;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	err_init(&e);
	err_fail(&e, PV_INPUT, text, text, "%s", text);
	err_object(&e, text);
	err_prefix(&e, "%s", text);
	ck_assert_uint_lt(strlen(e.message), sizeof(e.message));
	ck_assert_uint_eq(strlen(e.rule), sizeof(e.rule) - 1);
	ck_assert_uint_eq(strlen(e.object), sizeof(e.object) - 1);
}
END_TEST

START_TEST(errno_text)
{
	struct err e;

	err_init(&e);
	errno = ENOSPC;
	ck_assert_int_eq(err_errno(&e, PV_STORAGE, "s", NULL, "write %s", "f"),
			 PV_STORAGE);
	ck_assert_ptr_nonnull(strstr(e.message, "write f: "));
	ck_assert_ptr_nonnull(strstr(e.message, "space"));
}
END_TEST

START_TEST(names)
{
	static const enum pv_code codes[] = {
		PV_OK,	       PV_INTERNAL,  PV_USAGE,	   PV_INPUT,
		PV_DENIED,     PV_INTEGRITY, PV_HSM_TEMP,  PV_HSM_FATAL,
		PV_STORAGE,    PV_CONFLICT,  PV_NOT_FOUND, PV_WAITING,
		PV_INTERRUPTED
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(pv_code_name(codes[i]),
					 pv_code_name(codes[j]));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("err");
	TCase *t = tcase_create("err");

	tcase_add_test(t, first_cause_wins);
	tcase_add_test(t, null_record);
	tcase_add_test(t, control_bytes);
	tcase_add_test(t, terminal_text);
	tcase_add_test(t, cut_between_characters);
	tcase_add_test(t, long_texts_are_cut);
	tcase_add_test(t, errno_text);
	tcase_add_test(t, names);
	suite_add_tcase(s, t);
	return unit_run(s);
}
