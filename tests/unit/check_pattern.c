#include <locale.h>
#include <string.h>

#include "policy/pattern.h"
#include "policy/template.h"
#include "tests/unit/unit.h"

static bool compiles(const char *text)
{
	struct tpl_pattern p = { 0 };
	char scratch[128];
	const char *why;
	bool ok = pattern_compile(&p, text, scratch, &why);

	ck_assert(ok == (why == NULL));
	ck_assert(ok == p.compiled);
	pattern_release(&p);
	ck_assert(!p.compiled);
	return ok;
}

static bool matches(const char *text, const char *s)
{
	struct tpl_pattern p = { 0 };
	char scratch[128];
	const char *why;
	bool ok;

	ck_assert_msg(pattern_compile(&p, text, scratch, &why), "%s", text);
	ok = template_match(&p, s);
	pattern_release(&p);
	return ok;
}

START_TEST(test_whole_match)
{
	ck_assert(matches("ACME-[0-9A-F]{12}", "ACME-0123456789AB"));
	ck_assert(!matches("ACME-[0-9A-F]{12}", "ACME-0123456789ABC"));
	ck_assert(!matches("ACME-[0-9A-F]{12}", "xACME-0123456789AB"));
	ck_assert(!matches("ACME-[0-9A-F]{12}", "ACME-0123456789AB\n"));
	ck_assert(!matches("ACME-[0-9A-F]{12}", "ACME-0123456789ab"));
	/* the longest alternative counts, whatever its place */
	ck_assert(matches("a|ab|abc", "abc"));
	ck_assert(matches("abc|ab|a", "a"));
	ck_assert(!matches("a|b", "ab"));
	ck_assert(matches("(a|ab)(c|bcd)", "abcd"));
	ck_assert(matches("^a$", "a"));
	ck_assert(matches("x*", ""));
	ck_assert(!matches("x*", "y"));
	/* an escape or a bracket may hold what looks like syntax */
	ck_assert(matches("\\(\\{\\)", "({)"));
	ck_assert(matches("[]({]+", "]({"));
	ck_assert(matches("[[:digit:]]{2}", "42"));
	ck_assert(matches("[^]a]", "b"));
}
END_TEST

START_TEST(test_not_compiled)
{
	struct tpl_pattern p = { 0 };

	ck_assert(!template_match(&p, ""));
}
END_TEST

START_TEST(test_long_subject)
{
	char s[TEXT_VALUE_MAX + 2];

	memset(s, 'a', sizeof(s));
	s[TEXT_VALUE_MAX] = '\0';
	ck_assert(matches("a*", s));
	s[TEXT_VALUE_MAX] = 'a';
	s[TEXT_VALUE_MAX + 1] = '\0';
	ck_assert(!matches("a*", s));
}
END_TEST

START_TEST(test_refused)
{
	static const char *const bad[] = { "[A-Z",
					   "(a",
					   "a)",
					   "a)|(b",
					   "()a(",
					   "a{2,1}",
					   "a{1",
					   "*a",
					   "a\\",
					   "(a)\\1",
					   "\\w+",
					   "\\d",
					   "[[:x:]]",
					   "[[:digit:]",
					   "a{4097}",
					   "a{1,4097}",
					   "((a{1,99}){1,99}){1,99}",
					   "(((((((((a)))))))))",
					   "(a{64}){65}" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ck_assert_msg(!compiles(bad[i]), "%s", bad[i]);
}
END_TEST

START_TEST(test_bounds)
{
	char s[PATTERN_LEN_MAX + 2];

	memset(s, 'a', sizeof(s));
	s[PATTERN_LEN_MAX] = '\0';
	ck_assert(compiles(s));
	s[PATTERN_LEN_MAX] = 'a';
	s[PATTERN_LEN_MAX + 1] = '\0';
	ck_assert(!compiles(s));
	ck_assert(compiles("((((((((a))))))))"));
	ck_assert(compiles("(a{64}){64}"));
	ck_assert(compiles("a{4095}"));
	ck_assert(compiles(""));
}
END_TEST

/* In a UTF-8 locale '.' would match two bytes and ranges would collate. */
START_TEST(test_c_locale)
{
	setlocale(LC_ALL, "C.UTF-8");
	ck_assert(matches("..", "\xc3\xa9"));
	ck_assert(!matches(".", "\xc3\xa9"));
	ck_assert(!matches("[a-z]", "B"));
	setlocale(LC_ALL, "C");
}
END_TEST

START_TEST(test_glob)
{
	ck_assert(glob_match("line-*", "line-1"));
	ck_assert(glob_match("line-*", "line-"));
	ck_assert(!glob_match("line-*", "Line-1"));
	ck_assert(!glob_match("line-*", "line"));
	ck_assert(glob_match("*", ""));
	ck_assert(glob_match("**", "x"));
	ck_assert(glob_match("a?c", "abc"));
	ck_assert(!glob_match("a?c", "ac"));
	ck_assert(!glob_match("a?c", "abbc"));
	ck_assert(glob_match("*b*d", "abcbxd"));
	ck_assert(!glob_match("*b*d", "abcbx"));
	ck_assert(glob_match("", ""));
	ck_assert(!glob_match("", "a"));
	ck_assert(!glob_match("a", ""));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pattern");
	TCase *t = tcase_create("pattern");

	tcase_add_test(t, test_whole_match);
	tcase_add_test(t, test_not_compiled);
	tcase_add_test(t, test_long_subject);
	tcase_add_test(t, test_refused);
	tcase_add_test(t, test_bounds);
	tcase_add_test(t, test_c_locale);
	tcase_add_test(t, test_glob);
	suite_add_tcase(s, t);
	return unit_run(s);
}
