#include "policy/approval_request.h"

#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/sha256.h"
#include "tests/unit/casefiles.h"

static struct span span_of(const char *s)
{
	return (struct span){ (const uint8_t *)s, strlen(s) };
}

static enum pv_code parse_case(struct span text, struct err *err)
{
	struct approval_request *q = NULL;
	enum pv_code rc = approval_request_parse(text, &q, err);

	ck_assert((rc == PV_OK) == (q != NULL));
	approval_request_free(q);
	return rc;
}

static void want_init(struct approval *a, struct span subject)
{
	memset(a, 0, sizeof(*a));
	snprintf(a->log, sizeof(a->log), "example.org/factory");
	memset(a->root, 0x11, sizeof(a->root));
	a->operation = QUORUM_ORDER;
	UNIT_OK(sha256(subject, a->subject, &err_));
	snprintf(a->requester, sizeof(a->requester), "alice");
	memset(a->nonce, 0x3a, sizeof(a->nonce));
	a->expires_s = 1800000000;
}

START_TEST(round_trip)
{
	static const char subject[] = "{\"order\":\"o-1\"}\n";
	struct approval_request *q;
	struct approval a;
	struct buf b;
	json_t *context = json_pack("{s:s}", "why", "line 3 needs 10 more");

	want_init(&a, span_of(subject));
	buf_init(&b, APPROVAL_REQUEST_MAX);
	UNIT_OK(approval_request_put(&b, &a, span_of(subject), context, &err_));
	UNIT_OK(approval_request_parse(buf_span(&b), &q, &err_));
	ck_assert_mem_eq(&q->approval, &a, sizeof(a));
	ck_assert_uint_eq(q->subject_len, strlen(subject));
	ck_assert_mem_eq(q->subject, subject, q->subject_len);
	ck_assert(json_equal(q->context, context));
	approval_request_free(q);
	buf_reset(&b);
	UNIT_OK(approval_request_put(&b, &a, span_of(subject), NULL, &err_));
	UNIT_OK(approval_request_parse(buf_span(&b), &q, &err_));
	ck_assert_ptr_null(q->context);
	approval_request_free(q);
	approval_request_free(NULL);
	json_decref(context);
	buf_release(&b);
}
END_TEST

/* The subject's hash is of the bytes that stand there, nothing else. */
START_TEST(hash_of_what_is_there)
{
	struct approval_request *q;
	struct approval a;
	struct buf b;
	char *at;

	want_init(&a, span_of("abc"));
	buf_init(&b, APPROVAL_REQUEST_MAX);
	UNIT_OK(approval_request_put(&b, &a, span_of("abc"), NULL, &err_));
	buf_cstr(&b);
	at = strstr((char *)b.data, "YWJj");
	ck_assert_ptr_nonnull(at);
	at[3] = 'k'; /* abd */
	UNIT_OK(approval_request_parse(buf_span(&b), &q, &err_));
	ck_assert_mem_eq(q->subject, "abd", 3);
	ck_assert_mem_ne(q->approval.subject, a.subject, 32);
	want_init(&a, span_of("abd"));
	ck_assert_mem_eq(q->approval.subject, a.subject, 32);
	approval_request_free(q);
	buf_release(&b);
}
END_TEST

START_TEST(put_refused)
{
	json_t *bad = json_pack("{s:s}", "why", "a\xE2\x80\xAE");
	json_t *number = json_pack("{s:i}", "why", 1);
	struct approval a;
	struct err err;
	struct buf b;

	buf_init(&b, APPROVAL_REQUEST_MAX);
	want_init(&a, span_of("abc"));
	err_init(&err);
	unit_refused(approval_request_put(&b, &a, span_of("abd"), NULL, &err),
		     PV_INTERNAL, "approval_request.subject", &err);
	err_init(&err);
	unit_refused(approval_request_put(&b, &a, span_of("abc"), bad, &err),
		     PV_INPUT, "approval_request.text", &err);
	err_init(&err);
	unit_refused(approval_request_put(&b, &a, span_of("abc"), number, &err),
		     PV_INPUT, "approval_request.type", &err);
	a.expires_s = UINT64_MAX;
	err_init(&err);
	unit_refused(approval_request_put(&b, &a, span_of("abc"), NULL, &err),
		     PV_INPUT, "approval.text", &err);
	want_init(&a, span_of(""));
	err_init(&err);
	unit_refused(approval_request_put(&b, &a, span_of(""), NULL, &err),
		     PV_INPUT, "approval_request.length", &err);
	ck_assert_uint_eq(b.len, 0);
	json_decref(bad);
	json_decref(number);
	buf_release(&b);
}
END_TEST

START_TEST(largest)
{
	struct approval_request *q;
	struct span subject;
	struct approval a;
	struct err err;
	struct buf b, out;

	buf_init(&b, APPROVAL_SUBJECT_MAX + 1);
	memset(buf_room(&b, APPROVAL_SUBJECT_MAX + 1), 'x',
	       APPROVAL_SUBJECT_MAX + 1);
	buf_commit(&b, APPROVAL_SUBJECT_MAX + 1);
	buf_init(&out, APPROVAL_REQUEST_MAX);
	subject = buf_span(&b);
	want_init(&a, subject);
	err_init(&err);
	ck_assert_int_eq(approval_request_put(&out, &a, subject, NULL, &err),
			 PV_INPUT);
	subject.len--;
	want_init(&a, subject);
	UNIT_OK(approval_request_put(&out, &a, subject, NULL, &err_));
	UNIT_OK(approval_request_parse(buf_span(&out), &q, &err_));
	ck_assert_uint_eq(q->subject_len, APPROVAL_SUBJECT_MAX);
	approval_request_free(q);
	buf_release(&out);
	buf_release(&b);
}
END_TEST

START_TEST(invalid_files)
{
	casefiles_refused("approval_request", 27, parse_case);
}
END_TEST

START_TEST(strict)
{
	json_t *context = json_pack("{s:s}", "why", "because");
	struct approval a;
	struct buf b;
	json_t *root;

	want_init(&a, span_of("abc"));
	buf_init(&b, APPROVAL_REQUEST_MAX);
	UNIT_OK(approval_request_put(&b, &a, span_of("abc"), NULL, &err_));
	root = json_loads(buf_cstr(&b), 0, NULL);
	casefiles_strict(root, parse_case);
	json_object_set_new(root, "context", context);
	ck_assert(casefiles_accepted(root, parse_case));
	casefiles_nulls(root, root, parse_case);
	json_decref(root);
	buf_release(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("approval_request");
	TCase *t = tcase_create("approval_request");

	tcase_add_test(t, round_trip);
	tcase_add_test(t, hash_of_what_is_there);
	tcase_add_test(t, put_refused);
	tcase_add_test(t, largest);
	tcase_add_test(t, invalid_files);
	tcase_add_test(t, strict);
	suite_add_tcase(s, t);
	return unit_run(s);
}
