#include "lib/ceremony/ceremonyscript.h"

#include <string.h>

#include "policy/ceremonytext.h"
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

#define BETWEEN                                                                \
	"{\"plan\":\"p\",\"version\":1,\"steps\":[{\"step\":\"sign-csr\","     \
	"\"ca\":\"sub\",\"issuer\":\"root\",\"template\":\"sub-ca\","          \
	"\"from\":\"other\"},{\"step\":\"back-up-key\",\"purpose\":\"root\","  \
	"\"shares\":2,\"threshold\":2,\"print\":true,\"keepers\":["            \
	"\"anna\",\"bert\"]}]}"

START_TEST(test_script_template)
{
	struct plan *plan = plan_of(BOUND);
	struct buf text;

	buf_init(&text, CEREMONYSCRIPT_MAX);
	UNIT_OK(ceremonyscript(plan, -1, false, &text, &err_));
	ck_assert_ptr_nonnull(
		strstr(buf_cstr(&text),
		       " SHA-256 of t.json:\n"
		       "      0123 4567 89ab cdef 0123 4567 89ab cdef\n"
		       "      0123 4567 89ab cdef 0123 4567 89ab cdef\n"));
	buf_release(&text);
	plan_free(plan);
}
END_TEST

/* What two parties read to each other, what is shown of a share, and which plan
 * was signed; on a terminal of 80 columns. */
START_TEST(test_script_blanks)
{
	struct plan *plan = plan_of(BETWEEN);
	static const char *const lines[] = {
		"    SHA-256 of the file sub.csr, as it is read aloud:\n\n"
		"    ____ ____ ____ ____ ____ ____ ____ ____\n\n"
		"    ____ ____ ____ ____ ____ ____ ____ ____\n",
		"    SHA-256 of the file sub.pem, to read aloud:\n",
		"    SHA-256 of the file root.crl, where that list was "
		"signed:\n",
		"    SHA-256 of the backup's file:\n",
		"        1  anna                  ____ ____         [ ]\n",
		"        2  bert                  ____ ____         [ ]\n",
		"written:\nPlan p, version 1. SHA-256 of its file:\n      "
	};
	struct buf text;

	buf_init(&text, CEREMONYSCRIPT_MAX);
	UNIT_OK(ceremonyscript(plan, -1, false, &text, &err_));
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		ck_assert_msg(strstr(buf_cstr(&text), lines[i]) != NULL, "%s",
			      lines[i]);
	for (const char *s = buf_cstr(&text); *s; s += strcspn(s, "\n") + 1)
		ck_assert_msg(strcspn(s, "\n") <= 80, "%.100s", s);
	buf_release(&text);
	plan_free(plan);
}
END_TEST

START_TEST(test_script)
{
	struct plan *plan = the_plan();
	char groups[CEREMONYTEXT_GROUPS];
	struct buf text, html;

	buf_init(&text, CEREMONYSCRIPT_MAX);
	buf_init(&html, CEREMONYSCRIPT_MAX);
	UNIT_OK(ceremonyscript(plan, -1, false, &text, &err_));
	UNIT_OK(ceremonyscript(plan, -1, true, &html, &err_));
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
	ceremonytext_groups("CN=RootCA of the Example Company of Example "
			    "Town and Country,C=D",
			    groups);
	ck_assert_str_eq(groups, "CN=RootCA of the Example Company of Example "
				 "Town and Country,C=D");
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
	tcase_add_test(t, test_script_blanks);
	tcase_add_test(t, test_script);
	suite_add_tcase(s, t);
	return unit_run(s);
}
