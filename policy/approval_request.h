/*
 * approval_request: the file that asks for approvals. It carries the subject's
 * bytes, so that whoever approves it, on a machine without the authority,
 * hashes and renders them itself; nothing else in it is about the subject. The
 * context is for people, comes from the requester and is not signed.
 *
 * Does not check: that log and root are the authority's, that it has expired
 * (approval_count() does), that the subject is well-formed for its operation.
 * Specification: policy.md, "Officers".
 */
#ifndef PV_POLICY_APPROVAL_REQUEST_H
#define PV_POLICY_APPROVAL_REQUEST_H

#include "lib/base/json.h"
#include "policy/approval.h"

#define APPROVAL_REQUEST_FORMAT "provctl/approval-request/v1"
#define APPROVAL_REQUEST_MAX (512u * 1024u) /* bytes of the file */
#define APPROVAL_SUBJECT_MAX (256u * 1024u) /* bytes; the largest template */
#define APPROVAL_CONTEXT_MAX 32u	    /* facts */
#define APPROVAL_FACT_NAME_MAX 32u	    /* a-z and _ */
#define APPROVAL_FACT_MAX (96u * 1024u)	    /* bytes of one */

struct approval_request {
	struct approval approval; /* subject is the hash of the bytes below */
	uint8_t *subject;	  /* owned, at least one byte */
	size_t subject_len;
	json_t *context; /* object of texts; borrowed from doc; may be NULL */
	struct json_doc *doc;
};

/*
 * Parses a request file. *out is owned by the caller, NULL on failure.
 * PV_INPUT with pointer, line and column in the message, rule "json.*" or
 * "approval_request.*"; PV_INTERNAL for memory.
 */
PV_MUST enum pv_code approval_request_parse(struct span text,
					    struct approval_request **out,
					    struct err *err);
void approval_request_free(struct approval_request *request);

/*
 * Appends the file for an approval of subject, ended by LF. context is an
 * object of texts or NULL. PV_INTERNAL, rule "approval_request.subject", when
 * a->subject is not subject's hash; as approval_text_put() for the rest. What
 * is written parses.
 */
PV_MUST enum pv_code approval_request_put(struct buf *out,
					  const struct approval *a,
					  struct span subject,
					  const json_t *context,
					  struct err *err);

#endif
