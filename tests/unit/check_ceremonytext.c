#include "lib/flow/ceremonytext.h"

#include <string.h>

#include "policy/plan.h"
#include "tests/unit/unit.h"

#define PLAN                                                                   \
	"{\"plan\":\"p\",\"version\":1,\"steps\":[{\"step\":\"init-token\"},"  \
	"{\"step\":\"generate-key\",\"purpose\":\"root\",\"kind\":\"P-256\"}," \
	"{\"step\":\"pause\",\"text\":\"Lock the <safe>.\"}]}"

static struct plan *plan_of(const char *text)
{
	struct plan *p = NULL;

	UNIT_OK(plan_parse((struct span){ (const uint8_t *)text, strlen(text) },
			   &p, &err_));
	return p;
}

static struct plan *the_plan(void)
{
	return plan_of(PLAN);
}

#define HASH                                                                   \
	"0123456789abcdef0123456789abcdef"                                     \
	"0123456789abcdef0123456789abcdef"

#define BOUND                                                                  \
	"{\"plan\":\"p\",\"version\":1,\"steps\":[{\"step\":\"adopt\","        \
	"\"template\":\"t\",\"template_sha256\":\"" HASH "\"}]}"

START_TEST(test_script_template)
{
	struct plan *plan = plan_of(BOUND);
	struct buf text;

	buf_init(&text, CEREMONYTEXT_MAX);
	ceremonytext(plan, false, &text);
	ck_assert_ptr_nonnull(
		strstr(buf_cstr(&text),
		       " SHA-256 of t.json: 0123 4567 89ab cdef 0123 4567 89ab "
		       "cdef 0123 4567 89ab cdef 0123 4567 89ab cdef\n"));
	buf_release(&text);
	plan_free(plan);
}
END_TEST

START_TEST(test_script)
{
	struct plan *plan = the_plan();
	char groups[CEREMONYTEXT_GROUPS];
	struct buf text, html;

	buf_init(&text, CEREMONYTEXT_MAX);
	buf_init(&html, CEREMONYTEXT_MAX);
	ceremonytext(plan, false, &text);
	ceremonytext(plan, true, &html);
	UNIT_OK(buf_check(&html, &err_));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&text), "3 of 3: pause\n    "
						      "People: Lock the <safe>."
						      "\n    [ ] done"));
	ck_assert_ptr_nonnull(
		strstr(buf_cstr(&html), "People: Lock the &lt;safe&gt;."));
	ck_assert_ptr_null(strstr(buf_cstr(&html), "<safe>"));
	ceremonytext_groups("0123456789abcdef0123456789abcdef"
			    "0123456789abcdef0123456789abcdef",
			    groups);
	ck_assert_str_eq(groups, "0123 4567 89ab cdef 0123 4567 89ab cdef "
				 "0123 4567 89ab cdef 0123 4567 89ab cdef");
	ceremonytext_groups("acme", groups);
	ck_assert_str_eq(groups, "acme");
	buf_release(&text);
	buf_release(&html);
	plan_free(plan);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ceremonytext");
	TCase *t = tcase_create("ceremonytext");

	tcase_add_test(t, test_script_template);
	tcase_add_test(t, test_script);
	suite_add_tcase(s, t);
	return unit_run(s);
}
