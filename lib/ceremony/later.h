/*
 * later: runs a later plan, one that does not begin with init-token, in the
 * home of an authority that is there. It is the ceremony that it was when the
 * authority was made (ceremony.h): the same folder below the home, transcript,
 * entries of the log, stops and ways on. What its steps name and do not make
 * has to be the authority's, and is looked for before the first step.
 *
 * A home in which a plan was rehearsed is rehearsed in for ever: what is made
 * by a throw-away key is no authority's. So a later plan is rehearsed in the
 * home of the rehearsal of the plan before it.
 *
 * Under a roster the plan's bytes need the quorum `ceremony', and a step that
 * is an operation of its own (a CA's or another key's next generation, a
 * template) needs that operation's approvals, too: a plan gets round nothing.
 *
 * Who goes on with one under a roster is who began it, or may have keys
 * rotated.
 *
 * Does not check: who begins one: people approve that.
 */
#ifndef PV_CEREMONY_LATER_H
#define PV_CEREMONY_LATER_H

#include "lib/ceremony/init.h"
#include "lib/flow/actor.h"

struct later_opts {
	const struct backends *backends;
	struct hsm_watch *watch; /* may be NULL */
	struct authority *a;	 /* as authority_open() gave it */
	struct store *store;	 /* held against the log and the checkpoint */
	const struct actor *who; /* acts on it */
	const struct log_point *covered; /* what that says */
	const char *templates_dir;
	const struct media *media; /* of what changes hands; or NULL */
	const char *plan;	   /* path of the plan's file */
	/* Path of the roster that it sets; NULL: none, or resume, which has it
	 * in the folder. */
	const char *roster;
	bool rehearse, resume;
	const char *rehearsal; /* home of one, of that plan; NULL: rehearse or
				* resume */
	const struct approvals_want *want;    /* files, request_out; or NULL */
	const struct ceremony_people *people; /* NULL: unattended, as a
					       * rehearsal always is */
	void (*told)(const void *ctx, const char *event,
		     const struct transcript_pair *pairs, size_t n);
	void (*progress)(const void *ctx, size_t step, size_t steps,
			 const char *text, const char *does);
	const void *progress_ctx;
};

/*
 * report->existing: that plan ran here to its end, nothing was done. PV_DENIED:
 * "ceremony.rehearsal" (to be run in a home of rehearsals, or rehearsed in
 * another one), "ceremony.roster" (nobody was asked, or under another roster),
 * "ceremony.age" (that was too long ago), "actor.role", "plan.rehearsed" (it
 * was approved with another rehearsal), "ceremony.other", codes of rehearsed()
 * and ceremony_window(); PV_CONFLICT: "ceremony.begun" (an interrupted run has
 * to be resumed), "ceremony.busy"; PV_INTEGRITY, "ceremony.folder" (the log has
 * steps of it, and its folder is gone); PV_NOT_FOUND: "plan.unknown" (the
 * authority has no such CA or key), nothing to resume; "plan.roster"
 * (PV_DENIED: none was given, or not the plan's); PV_INPUT: the plan,
 * "plan.kind", "plan.issuer"; codes of plantemplate_bound() and
 * plantemplate_check(), of ceremony_ready_people() and ceremony_ready_media(),
 * of approvals_gate() and of ceremony_run().
 */
PV_MUST enum pv_code later_run(const struct later_opts *opts,
			       struct init_report *report, struct err *err);

#endif
