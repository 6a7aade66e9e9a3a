/*
 * approve: an officer's side of an approval, on any machine: no authority, no
 * store. What is signed is made from the request's own bytes, and so is what
 * the officer reads (approval_render.h).
 *
 * Does not check: that the officer is one (the authority does, with the roster
 * in force).
 * Specification: policy.md, "Officers"; formats.md 6.
 */
#ifndef PV_FLOW_APPROVE_H
#define PV_FLOW_APPROVE_H

#include "policy/approval_request.h"

#define APPROVE_TEXT_MAX (4u * 1024u * 1024u) /* bytes that are shown */

/* *q is the caller's (approval_request_free()). PV_DENIED, "approval.expired";
 * PV_INPUT; PV_NOT_FOUND; PV_STORAGE. */
PV_MUST enum pv_code approve_load(const char *path, struct approval_request **q,
				  struct err *err);
/*
 * Compares with what the officer knows from elsewhere. vkey: the log's, or
 * NULL; root: file of the root's certificate (PEM), or NULL. PV_INTEGRITY,
 * "approval.other".
 */
PV_MUST enum pv_code approve_compare(const struct approval_request *q,
				     const char *vkey, const char *root,
				     struct err *err);
/* Appends all that is to be read before signing, fit for a terminal. Codes of
 * approval_render(). */
PV_MUST enum pv_code approve_show(const struct approval_request *q,
				  struct buf *out, struct err *err);
/* The note, into the empty out. PV_DENIED, "approval.requester": nobody
 * approves what they asked for; the signer's codes. */
PV_MUST enum pv_code approve_sign(const struct approval_request *q,
				  const struct note_signer *signer,
				  struct buf *out, struct err *err);

#endif
