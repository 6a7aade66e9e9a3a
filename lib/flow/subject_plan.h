/*
 * subject_plan: the text that officers approve for a ceremony (approvals.h):
 * not only which plan, but of which rehearsal and for what.
 *
 *   ceremony
 *   name NAME, version N
 *   plan sha256:HEX         of its bytes; the templates are bound in them
 *   authority NAME
 *   rehearsal HEX           head of its transcript; "-": it is one itself
 *
 * and of one that makes an authority, which nothing remembers yet:
 *
 *   module PATH
 *   token URI               for each, as the binding names it
 *   home HOST:PATH          of the authority to be
 *
 * Does not check: that host and module are what they say; what is on the token:
 * people compare its serial number, which the transcript has.
 * Specification: policy.md, "Officers".
 */
#ifndef PV_FLOW_SUBJECT_PLAN_H
#define PV_FLOW_SUBJECT_PLAN_H

#include <jansson.h>

#include "lib/flow/authority.h"
#include "lib/log/transcript.h"
#include "policy/plan.h"

#define SUBJECT_PLAN_MAX 8192u /* bytes of the text */

struct subject_plan {
	const struct plan *plan;
	const char *authority;
	const struct transcript_head *rehearsed; /* NULL: it is a rehearsal */
	const struct authority *first; /* module and tokens; NULL: later one */
	const char
		*home; /* of a first one: path as subject_plan_home() has it */
};
/* Appends it. PV_INPUT, "plan.place": module, token or home has a control
 * character; codes of buf_check(). */
PV_MUST enum pv_code subject_plan(const struct subject_plan *s, struct buf *out,
				  struct err *err);
/* The path that a folder has, or will have once it is made. PV_INPUT,
 * "init.folder". */
PV_MUST enum pv_code subject_plan_home(const char *dir,
				       char out[AUTHORITY_PATH_MAX],
				       struct err *err);
/* The text has that line. */
PV_MUST bool subject_plan_says(struct span text, const char *line);
/* It is of a plan with that SHA-256. */
PV_MUST bool subject_plan_is_of(struct span text, const uint8_t sha256[32]);
/* Both say the same but for the home. */
PV_MUST bool subject_plan_same_but_home(struct span a, struct span b);
/* For who approves it: the plan and the roster, which may be empty, by their
 * bytes. *out is the caller's. PV_INTERNAL. */
PV_MUST enum pv_code subject_plan_context(struct span plan, struct span roster,
					  json_t **out, struct err *err);

#endif
