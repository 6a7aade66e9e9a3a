/* rotate due: every device whose time has come. */
#include <unistd.h>

#include "cmd/crewrun.h"
#include "cmd/issue_summary.h"
#include "cmd/opts.h"
#include "cmd/out.h"
#include "cmd/publish.h"
#include "cmd/rotate.h"
#include "cmd/session.h"
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/flow/outcome.h"
#include "lib/flow/rotate.h"

CLEANUP_PTR(struct authority, authority_close);
CLEANUP_PTR(struct rotate_due, rotate_due_free);

struct due_run {
	const struct app *app;
	struct crewrun c;
	uint64_t jobs, waiting;
	struct err worst; /* of the runs, and of damaged rows */
};

/* Listed on standard output, for whoever brings the CSRs. */
static enum pv_code put_waiting(void *ctx, const char *device,
				const struct err *why, struct err *err)
{
	struct due_run *r = ctx;

	r->waiting++;
	if (why->code != PV_DENIED)
		outcome_note(&r->worst, why);
	return out_json(json_pack("{s:s, s:s, s:{s:i, s:s, s:s, s:s}}",
				  "device", device, "status", "waiting",
				  "error", "code", (int)why->code, "rule",
				  why->rule, "message", why->message, "hint",
				  why->hint),
			err);
}

/* What ends all runs, not one of them. */
static bool ends_all(enum pv_code rc)
{
	return rc == PV_INTERRUPTED || rc == PV_HSM_TEMP ||
	       rc == PV_HSM_FATAL || rc == PV_STORAGE || rc == PV_INTERNAL;
}

static enum pv_code run_input(struct due_run *r, const struct authority *a,
			      const struct actor_claim *claim,
			      struct rotate_input *in, struct err *err)
{
	struct issue_opts opts = { .template_name = in->template_name,
				   .claim = claim,
				   .rotate = true,
				   .batch = true,
				   .in_order = true,
				   .jobs = (unsigned)r->jobs,
				   .source = { .fd = in->fd,
					       .folder = -1,
					       .rotate = true,
					       .renewal = true } };
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = crewrun_go(&r->c, a, &opts, &why);
	fd_cleanup(&in->fd);
	outcome_note(&r->worst, &why);
	if (ends_all(rc))
		*err = why;
	return ends_all(rc) ? rc : PV_OK;
}

static enum pv_code run_all(struct due_run *r, const struct authority *a,
			    const struct actor_claim *claim, struct err *err)
{
	const struct rotate_sink sink = { r, put_waiting };
	CLEANUP(cleanup_rotate_due_free) struct rotate_due *due = NULL;
	struct rotate_input in = { .fd = -1 };
	enum pv_code rc = rotate_due_new(a, r->app->backends, &sink, &due, err);

	while (rc == PV_OK) {
		rc = rotate_due_next(due, &in, err);
		if (rc != PV_OK || in.fd < 0)
			break;
		rc = run_input(r, a, claim, &in, err);
	}
	fd_cleanup(&in.fd);
	return rc;
}

/* The lists that are due, too, whatever became of the devices. */
static enum pv_code make_lists(struct due_run *r, struct err *err)
{
	SESSION s = { .a = NULL };
	struct publish_job job = { .look = false };
	struct publish_report done;
	struct err late;
	enum pv_code rc = session_open(r->app,
				       SESSION_STORE | SESSION_HSM |
					       SESSION_MAY(ROLE_OP_ROTATE),
				       &s, err);

	if (rc != PV_OK)
		return rc;
	job.a = s.a;
	job.store = s.store;
	job.tokens = &s.tokens;
	job.covered = &s.log.last;
	err_init(&late);
	if (publish_run(&job, &done, &late) == PV_OK)
		publish_told(r->app, &done);
	else
		outcome_note(&r->worst, &late);
	return session_checkpoint(r->app, &s, err);
}

static void summary(const struct due_run *r)
{
	issue_summary(r->app, NULL, &r->c.n, false);
	if (r->waiting > 0)
		out_note(r->app,
			 "provctl: %llu waiting for what their devices have to "
			 "give",
			 (unsigned long long)r->waiting);
}

enum pv_code rotate_run_due(const struct app *app, int argc, char **argv,
			    struct err *err)
{
	CLEANUP(cleanup_authority_close) struct authority *a = NULL;
	struct due_run r = { .app = app,
			     .c = { .app = app, .label = "rotate" } };
	const struct opt opts[] = {
		{ "jobs", 0, OPT_NUMBER, &r.jobs, 1, ISSUE_JOBS_MAX },
		{ "out", 0, OPT_STRING, &r.c.out, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	struct actor_claim claim;
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 0, 0, &args, err);

	err_init(&r.worst);
	if (rc == PV_OK)
		rc = session_home(app, &a, &claim, err);
	if (rc == PV_OK)
		rc = crewrun_open(&r.c, err);
	if (rc == PV_OK) {
		rc = run_all(&r, a, &claim, err);
		if (rc == PV_OK)
			rc = make_lists(&r, err);
		if (rc == PV_OK && r.worst.code != PV_OK) {
			*err = r.worst;
			rc = err->code;
		}
		rc = crewrun_close(&r.c, rc, err);
		summary(&r);
	}
	crewrun_release(&r.c);
	return rc;
}
