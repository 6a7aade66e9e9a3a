/* The text that officers sign. */
#include "tests/unit/approval_want.h"
#include "tests/unit/people.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define TEXT                                                                   \
	"provctl approval/v1\n"                                                \
	"log example.org/factory\n"                                            \
	"root 1111111111111111111111111111111111111111111111111111111111111"   \
	"111\n"                                                                \
	"operation adopt\n"                                                    \
	"subject sha256:22222222222222222222222222222222222222222222222222222" \
	"22222222222\n"                                                        \
	"requester os:1000\n"                                                  \
	"nonce 33333333333333333333333333333333\n"                             \
	"expires 2027-01-15T09:00:00Z\n"

START_TEST(text_known)
{
	struct approval a, again;
	struct buf b;

	want_init(&a);
	buf_init(&b, APPROVAL_TEXT_MAX);
	UNIT_OK(approval_text_put(&b, &a, &err_));
	ck_assert_str_eq(buf_cstr(&b), TEXT);
	UNIT_OK(approval_text_parse(buf_span(&b), &again, &err_));
	ck_assert_mem_eq(&a, &again, sizeof(a));
	buf_release(&b);
}
END_TEST

START_TEST(text_longest)
{
	struct approval a, again;
	struct buf b;

	want_init(&a);
	memset(a.log, 'l', NOTE_NAME_MAX);
	memset(a.requester, 'r', APPROVAL_REQUESTER_MAX);
	a.operation = QUORUM_RELEASE_QUARANTINE;
	a.expires_s = 253402300799;
	buf_init(&b, APPROVAL_TEXT_MAX);
	UNIT_OK(approval_text_put(&b, &a, &err_));
	UNIT_OK(approval_text_parse(buf_span(&b), &again, &err_));
	ck_assert_mem_eq(&a, &again, sizeof(a));
	buf_release(&b);
}
END_TEST

/* Only what makes the root is approved without one, in one way. */
START_TEST(text_no_root)
{
	struct approval a, again;
	struct buf b;
	char *at;

	want_init(&a);
	memset(a.root, 0, sizeof(a.root));
	a.operation = QUORUM_CEREMONY;
	buf_init(&b, 2 * APPROVAL_TEXT_MAX);
	UNIT_OK(approval_text_put(&b, &a, &err_));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&b), "\nroot -\noperation "
						   "ceremony\n"));
	UNIT_OK(approval_text_parse(buf_span(&b), &again, &err_));
	ck_assert_mem_eq(&a, &again, sizeof(a));
	ck_assert(!approval_has_root(&again));
	at = strstr((char *)b.data, "ceremony\n");
	memcpy(at, "ceremon\n", 8);
	ck_assert_int_eq(approval_text_parse(buf_span(&b), &again, NULL),
			 PV_INPUT);
	buf_reset(&b);
	buf_printf(&b, "%s", TEXT);
	at = strstr((char *)b.data, "root ");
	memset(at + 5, '0', 64);
	ck_assert_int_eq(approval_text_parse(buf_span(&b), &again, NULL),
			 PV_INPUT);
	buf_release(&b);
}
END_TEST

static void refused_field(const struct approval *a)
{
	struct err err;
	struct buf b;

	buf_init(&b, APPROVAL_TEXT_MAX);
	err_init(&err);
	unit_refused(approval_text_put(&b, a, &err), PV_INPUT, "approval.text",
		     &err);
	ck_assert_uint_eq(b.len, 0);
	buf_release(&b);
}

START_TEST(text_refused_fields)
{
	static const char *const logs[] = { "",	   "a b",	    "a\nb",
					    "a+b", "a\xE2\x80\xAE", "a\xFF" };
	static const char *const requesters[] = { "", "a b", "a\n", ".a",
						  "a\xC3\xA4" };
	struct approval a;

	for (size_t i = 0; i < COUNT(logs); i++) {
		want_init(&a);
		snprintf(a.log, sizeof(a.log), "%s", logs[i]);
		refused_field(&a);
	}
	for (size_t i = 0; i < COUNT(requesters); i++) {
		want_init(&a);
		snprintf(a.requester, sizeof(a.requester), "%s", requesters[i]);
		refused_field(&a);
	}
	want_init(&a);
	memset(a.root, 0, sizeof(a.root));
	refused_field(&a);
	want_init(&a);
	a.operation = QUORUM_OPS;
	refused_field(&a);
	want_init(&a);
	a.expires_s = 253402300800;
	refused_field(&a);
	a.expires_s = UINT64_MAX;
	refused_field(&a);
}
END_TEST

static bool text_parses(const char *text, size_t len)
{
	static const struct approval zero;
	struct span s = { (const uint8_t *)text, len };
	struct approval a;
	struct err err;

	err_init(&err);
	if (approval_text_parse(s, &a, &err) == PV_OK)
		return true;
	ck_assert_int_eq(err.code, PV_INPUT);
	ck_assert_str_eq(err.rule, "approval.text");
	ck_assert_mem_eq(&a, &zero, sizeof(a));
	return false;
}

/* Cut anywhere, continued, or changed in form without a change of meaning. */
START_TEST(text_one_form)
{
	char s[sizeof(TEXT) + 64];

	for (size_t i = 0; i < strlen(TEXT); i++) {
		ck_assert(!text_parses(TEXT, i));
		memcpy(s, TEXT, i); /* one byte more, anywhere */
		s[i] = ' ';
		memcpy(s + i + 1, TEXT + i, sizeof(TEXT) - i);
		ck_assert(!text_parses(s, sizeof(TEXT)));
		s[i] = '\0';
		ck_assert(!text_parses(s, sizeof(TEXT)));
	}
	ck_assert(!text_parses(TEXT "\n", strlen(TEXT) + 1));
	ck_assert(!text_parses(TEXT "note x\n", strlen(TEXT) + 7));
	memcpy(s, TEXT, sizeof(TEXT));
	s[strlen(TEXT) - 2] = 'z'; /* T and Z are capitals */
	ck_assert(!text_parses(s, strlen(TEXT)));
	for (size_t i = 0; i < strlen(TEXT); i++) {
		memcpy(s, TEXT, sizeof(TEXT));
		s[i] = (char)(s[i] | 0x80);
		ck_assert(!text_parses(s, strlen(TEXT)));
	}
}
END_TEST

START_TEST(text_hex_is_lower_case)
{
	char s[sizeof(TEXT)];
	char *at;

	memcpy(s, TEXT, sizeof(s));
	at = strstr(s, "nonce ");
	at[6] = 'a';
	ck_assert(text_parses(s, strlen(s)));
	at[6] = 'A';
	ck_assert(!text_parses(s, strlen(s)));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("approval_text");
	TCase *t = tcase_create("approval_text");

	tcase_add_test(t, text_known);
	tcase_add_test(t, text_longest);
	tcase_add_test(t, text_no_root);
	tcase_add_test(t, text_refused_fields);
	tcase_add_test(t, text_one_form);
	tcase_add_test(t, text_hex_is_lower_case);
	suite_add_tcase(s, t);
	return unit_run(s);
}
