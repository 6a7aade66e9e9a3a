/*
 * init: makes the home of a new authority and runs a plan in it. provctl.json
 * is written last: a home without it is an init that did not end, and every
 * other verb says that there is no authority. What the run began with is kept
 * in the ceremony's folder (ceremony.h) before its first step, so that
 * init_resume() goes on where a crash or people stopped it: home.json (what
 * provctl.json will be, but for the keys), mode, rehearsed (the head of a run's
 * rehearsal), plan.json, roster.json, approvals.note, approved.txt.
 */
#ifndef PV_CEREMONY_INIT_H
#define PV_CEREMONY_INIT_H

#include "lib/ceremony/ceremony.h"

#define INIT_NAME_MAX 32 /* a token's label: 32 bytes */

struct init_opts {
	const struct backends *backends;
	struct hsm_watch *watch; /* told of calls to the token; may be NULL */
	const char *dir;
	const char *name;   /* NULL: the folder's own name */
	const char *origin; /* of the log; NULL: the name */
	const char *templates_dir;
	const char *plan;   /* path of the plan's file */
	const char *roster; /* path of the first roster; NULL: none yet */
	/* A SoftHSM token below the home, or an existing token elsewhere. */
	bool softhsm;
	const char *module;	   /* absolute path */
	const char *const *tokens; /* URIs; this and the rest: no softhsm */
	size_t tokens_n;
	const char *pin_source;
	const char *binding_sha256; /* of the file that says so; may be NULL */
	const char
		*so_pin_source; /* the plan's token is new; NULL: it is not */
	const char *mode;	/* "run" or "rehearsal"; NULL: an init */
	const struct media *media; /* of what changes hands; NULL: none */
	const char *rehearsal; /* home of one, of that plan; NULL: not needed */
	/* Of a run whose plan sets a roster: signed notes of its people, and
	 * where to ask for them (approvals_gate_first()). */
	const char *const *approvals;
	size_t approvals_n;
	const char *request_out;
	const struct ceremony_people *people; /* NULL: unattended */
	void (*told)(const void *ctx, const char *event,
		     const struct transcript_pair *pairs, size_t n);
	void (*progress)(const void *ctx, size_t step, size_t steps,
			 const char *text, const char *does);
	const void *progress_ctx;
};

struct init_report {
	char home[AUTHORITY_PATH_MAX];
	char name[AUTHORITY_NAME_MAX];
	char plan[PLAN_NAME_MAX + 1];
	size_t steps, keys;
	bool existing; /* that plan ran here already: nothing was done */
	bool touched;  /* something was made, also after a failure */
};

/*
 * With a mode, a plan that ran to its end in that folder is not run again:
 * report->existing. PV_CONFLICT "authority.exists" (one is there),
 * "init.folder" (a link, not empty, or an init was interrupted there: the hint
 * says so), PV_DENIED "init.folder" (another user's), "file.writable" (plan or
 * template that others can write), PV_INPUT (name, origin, plan, roster),
 * "binding.label" (a token that is to be initialised gets another one),
 * PV_USAGE, PV_DENIED "plan.roster" (not the plan's), codes of the plan's
 * steps, of rehearsed(), plantemplate_bound(), plantemplate_check(), the token,
 * ceremony_ready_people() and ceremony_ready_media(), and, for a run of a plan
 * that sets a roster, of approvals_gate_first(). Nothing is made when the plan
 * or a name is wrong, or an approval, the token, the medium or the terminal
 * missing.
 */
PV_MUST enum pv_code init_authority(const struct init_opts *opts,
				    struct init_report *report,
				    struct err *err);
/*
 * Goes on with what an interrupted init_authority() left in dir, with the same
 * plan; of opts backends, dir, plan, templates_dir, so_pin_source, media and
 * people count, and module and tokens, where there are any, have to be those of
 * the beginning (PV_DENIED, "ceremony.binding"). PV_DENIED "ceremony.other" (it
 * was begun with another plan),
 * "plan.roster" (the roster in the folder is not the plan's), "plan.rehearsed"
 * (a run whose folder or transcript says of no rehearsal, or not of the same),
 * PV_CONFLICT "authority.exists", "ceremony.busy", PV_NOT_FOUND (there is
 * nothing to go on with), codes of the plan's steps.
 */
PV_MUST enum pv_code init_resume(const struct init_opts *opts,
				 struct init_report *report, struct err *err);

#endif
