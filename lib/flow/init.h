/*
 * init: makes the home of a new authority and runs a plan in it. provctl.json
 * is written last: a home without it is an init that did not end, and every
 * other verb says that there is no authority.
 */
#ifndef PV_FLOW_INIT_H
#define PV_FLOW_INIT_H

#include "lib/flow/ceremony.h"

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
	const char *module;	/* absolute path */
	const char *token_uri;	/* not with softhsm */
	const char *pin_source; /* not with softhsm */
	void (*progress)(const void *ctx, size_t step, size_t steps,
			 const char *text);
	const void *progress_ctx;
};

struct init_report {
	char home[AUTHORITY_PATH_MAX];
	char name[AUTHORITY_NAME_MAX];
	char plan[PLAN_NAME_MAX + 1];
	size_t steps, keys;
	bool touched; /* something was made, also after a failure */
};

/*
 * PV_CONFLICT "authority.exists" (one is there), "init.folder" (a link, not
 * empty, or an init was interrupted there: the hint says so), PV_DENIED
 * "init.folder" (another user's), "file.writable" (plan or template that others
 * can write), PV_INPUT (name, origin, plan, roster), PV_USAGE, codes of the
 * plan's steps. Nothing is made when the plan or a name is wrong.
 */
PV_MUST enum pv_code init_authority(const struct init_opts *opts,
				    struct init_report *report,
				    struct err *err);

#endif
