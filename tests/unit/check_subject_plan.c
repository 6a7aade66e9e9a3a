#include "lib/flow/subject_plan.h"

#include <stdio.h>
#include <string.h>

#include "policy/approval_render.h"
#include "tests/unit/unit.h"

static struct err err;

static void setup(void)
{
	err_init(&err);
}

static struct span span_of(const char *s)
{
	return (struct span){ (const uint8_t *)s, strlen(s) };
}

/* All of it, and each part of it makes another text. */
START_TEST(test_text)
{
	static struct authority a = { .module = "/usr/lib/m.so",
				      .tokens = { "pkcs11:token=acme",
						  "pkcs11:token=spare" },
				      .tokens_n = 2 };
	static struct plan plan = { .name = "root", .version = 3 };
	const struct transcript_head head = { .sha256 = { 0xab } };
	struct subject_plan s = { .plan = &plan,
				  .authority = "acme",
				  .rehearsed = &head,
				  .first = &a,
				  .home = "/srv/acme" };
	struct buf text, other;

	plan.sha256[31] = 0x0f;
	buf_init(&text, SUBJECT_PLAN_MAX);
	buf_init(&other, SUBJECT_PLAN_MAX);
	unit_ok(subject_plan(&s, &text, &err), &err);
	ck_assert(subject_plan_is_of(buf_span(&text), plan.sha256));
	ck_assert(subject_plan_says(buf_span(&text), "name root, version 3"));
	ck_assert(subject_plan_says(buf_span(&text), "authority acme"));
	ck_assert(!subject_plan_says(buf_span(&text), "authority acm"));
	ck_assert(!subject_plan_says(buf_span(&text), "uthority acme"));
	ck_assert(subject_plan_says(buf_span(&text), "module /usr/lib/m.so"));
	ck_assert(
		subject_plan_says(buf_span(&text), "token pkcs11:token=spare"));
	s.home = "/srv/other";
	unit_ok(subject_plan(&s, &other, &err), &err);
	ck_assert(!span_equal(buf_span(&text), buf_span(&other)));
	ck_assert(
		subject_plan_same_but_home(buf_span(&text), buf_span(&other)));
	a.tokens_n = 1;
	buf_reset(&other);
	unit_ok(subject_plan(&s, &other, &err), &err);
	ck_assert(
		!subject_plan_same_but_home(buf_span(&text), buf_span(&other)));
	s.first = NULL;
	s.rehearsed = NULL;
	buf_reset(&other);
	unit_ok(subject_plan(&s, &other, &err), &err);
	ck_assert(subject_plan_says(buf_span(&other), "rehearsal -"));
	ck_assert_ptr_null(strstr(buf_cstr(&other), "\nhome "));
	plan.sha256[0] ^= 1;
	ck_assert(!subject_plan_is_of(buf_span(&other), plan.sha256));
	buf_release(&text);
	buf_release(&other);
}
END_TEST

/* None of its lines is two. */
START_TEST(test_control)
{
	static struct authority a = { .module = "/usr/lib/m.so",
				      .tokens = { "pkcs11:token=acme" },
				      .tokens_n = 1 };
	static const struct plan plan = { .name = "root", .version = 3 };
	struct subject_plan s = { .plan = &plan,
				  .authority = "acme",
				  .first = &a,
				  .home = "/srv/acme" };
	struct buf text;

	buf_init(&text, SUBJECT_PLAN_MAX);
	unit_ok(subject_plan(&s, &text, &err), &err);
	s.home = "/srv/acme\nhome there:/srv/acme";
	unit_refused(subject_plan(&s, &text, &err), PV_INPUT, "plan.place",
		     &err);
	s.home = "/srv/acme";
	snprintf(a.tokens[0], sizeof(a.tokens[0]), "pkcs11:token=a\rb");
	err_init(&err);
	unit_refused(subject_plan(&s, &text, &err), PV_INPUT, "plan.place",
		     &err);
	snprintf(a.tokens[0], sizeof(a.tokens[0]), "pkcs11:token=a");
	snprintf(a.module, sizeof(a.module), "/usr/lib/\x1b[2J");
	err_init(&err);
	unit_refused(subject_plan(&s, &text, &err), PV_INPUT, "plan.place",
		     &err);
	buf_release(&text);
}
END_TEST

/* One path, however the folder is named, before and after it is there. */
START_TEST(test_home)
{
	char path[AUTHORITY_PATH_MAX], again[AUTHORITY_PATH_MAX], dir[512];

	snprintf(dir, sizeof(dir), "%s/new", unit_tmp());
	unit_ok(subject_plan_home(dir, path, &err), &err);
	ck_assert_int_eq(path[0], '/');
	snprintf(dir, sizeof(dir), "%s/./new/", unit_tmp());
	unit_ok(subject_plan_home(dir, again, &err), &err);
	ck_assert_str_eq(path, again);
	unit_ok(subject_plan_home("new", path, &err), &err);
	ck_assert_int_eq(path[0], '/');
	unit_refused(subject_plan_home(".", path, &err), PV_INPUT,
		     "init.folder", &err);
	err_init(&err);
	unit_refused(subject_plan_home("/none/there/acme", path, &err),
		     PV_INPUT, "init.folder", &err);
}
END_TEST

START_TEST(test_context)
{
	json_t *facts = NULL;

	unit_ok(subject_plan_context(span_of("{}"), span_of(""), &facts, &err),
		&err);
	ck_assert_str_eq(
		json_string_value(json_object_get(facts, APPROVAL_FACT_PLAN)),
		"e30=");
	ck_assert_uint_eq(json_object_size(facts), 1);
	json_decref(facts);
	unit_ok(subject_plan_context(span_of("{}"), span_of("a"), &facts, &err),
		&err);
	ck_assert_str_eq(
		json_string_value(json_object_get(facts, APPROVAL_FACT_ROSTER)),
		"YQ==");
	json_decref(facts);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("subject_plan");
	TCase *t = tcase_create("subject_plan");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, test_text);
	tcase_add_test(t, test_control);
	tcase_add_test(t, test_home);
	tcase_add_test(t, test_context);
	suite_add_tcase(s, t);
	return unit_run(s);
}
