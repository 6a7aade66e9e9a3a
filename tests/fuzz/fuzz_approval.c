/*
 * Any bytes as the text of an approval and as a request for one. A text that
 * parses is the only one for what it says; a request that parses, and is not
 * so large that indenting passes the bound, is written again as one that says
 * the same.
 */
#include <string.h>

#include "policy/approval_request.h"
#include "tests/fuzz/fuzz.h"

static void check_text(struct span text)
{
	struct approval a;
	struct buf again;
	struct err err;

	err_init(&err);
	if (approval_text_parse(text, &a, &err) != PV_OK) {
		FUZZ_CHECK(err.code == PV_INPUT && err.message[0]);
		FUZZ_CHECK(a.log[0] == '\0' && a.requester[0] == '\0');
		return;
	}
	buf_init(&again, APPROVAL_TEXT_MAX);
	FUZZ_CHECK(approval_text_put(&again, &a, &err) == PV_OK);
	FUZZ_CHECK(span_equal(buf_span(&again), text));
	buf_release(&again);
}

static void check_request(struct span text)
{
	struct approval_request *q, *back;
	struct span subject;
	struct buf again;
	struct err err;

	err_init(&err);
	if (approval_request_parse(text, &q, &err) != PV_OK) {
		FUZZ_CHECK(!q && err.code == PV_INPUT && err.message[0]);
		return;
	}
	if (text.len > APPROVAL_REQUEST_MAX / 2) {
		approval_request_free(q);
		return;
	}
	subject = (struct span){ q->subject, q->subject_len };
	FUZZ_CHECK(subject.len > 0 && subject.len <= APPROVAL_SUBJECT_MAX);
	buf_init(&again, 2 * APPROVAL_REQUEST_MAX);
	FUZZ_CHECK(approval_request_put(&again, &q->approval, subject,
					q->context, &err) == PV_OK);
	FUZZ_CHECK(approval_request_parse(buf_span(&again), &back, &err) ==
		   PV_OK);
	FUZZ_CHECK(memcmp(&q->approval, &back->approval, sizeof(q->approval)) ==
		   0);
	approval_request_free(back);
	approval_request_free(q);
	buf_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct span bytes = { data, len };

	check_text(bytes);
	check_request(bytes);
	return 0;
}
