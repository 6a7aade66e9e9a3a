/*
 * ceremonycheck_approvals: what a transcript says of who approved its plan,
 * held against the signed note and the roster that lie beside it.
 *
 * Does not check: that the roster was the one in force, but for a plan that
 * sets it; whether the nonce was used before (the log says so).
 * Specification: formats.md 6.
 */
#ifndef PV_CEREMONY_CEREMONYCHECK_APPROVALS_H
#define PV_CEREMONY_CEREMONYCHECK_APPROVALS_H

#include "lib/ceremony/ceremonycheck.h"

/*
 * line: the event "approvals" of a transcript that r says began. PV_INTEGRITY:
 * "ceremony.order" (the plan sets a roster, and nobody approved it, or another
 * one did), "ceremony.file"; "ceremony.approval" (the note is of something
 * else, or not of so many). PV_NOT_FOUND: a file. Of in->dir -1 no file is
 * looked at.
 */
PV_MUST enum pv_code
ceremonycheck_approvals(const struct ceremonycheck *in,
			const struct ceremonycheck_report *r,
			const struct transcript_line *line, struct err *err);

/* line: the event "token" of a ceremony that makes an authority: it is reached by
 * the module that the approvals name. Codes as above. */
PV_MUST enum pv_code
ceremonycheck_approved_token(const struct ceremonycheck *in,
			     const struct ceremonycheck_report *r,
			     const struct transcript_line *line,
			     struct err *err);

#endif
