/* issue: one device, a batch, or a co-process (cli.md). */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/crewrun.h"
#include "cmd/guard.h"
#include "cmd/issue_input.h"
#include "cmd/issue_summary.h"
#include "cmd/publish.h"
#include "cmd/session.h"
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/flow/outcome.h"
#include "lib/flow/stationclaim.h"

static enum pv_code publish(void *ctx, struct guard *g, struct err *err)
{
	struct app app = *(const struct app *)ctx;
	SESSION s = { .a = NULL };
	enum pv_code rc;

	app.guard = g;
	rc = session_open(&app, SESSION_STORE | SESSION_MAY(ROLE_OP_ISSUE), &s,
			  err);
	return rc == PV_OK ? publish_changes(&app, &s, err) : rc;
}

/* What was replaced is revoked: the crew is gone, the lists are to follow, in a
 * process that ends when the token does not answer. What fails late counts as
 * one line's failure does. */
static enum pv_code publish_late(const struct app *app, enum pv_code rc,
				 struct err *err)
{
	struct app own = *app;
	struct err late;
	enum pv_code made;

	err_init(&late);
	made = guard_run(publish, &own, &late);
	if (made == PV_HSM_TEMP && strcmp(late.rule, "hsm.timeout") == 0)
		err_prefix(&late, PUBLISH_BEHIND);
	if (outcome_rank(made) <= outcome_rank(rc)) {
		if (made != PV_OK)
			err_prefix(err, PUBLISH_BEHIND);
		return rc;
	}
	*err = late;
	return made;
}

static enum pv_code run_issue(const struct app *app,
			      const struct issue_cmd_opts *o,
			      const struct authority *a,
			      struct issue_opts *opts, struct err *err)
{
	CLEANUP(crewrun_release)
	struct crewrun c = { .app = app,
			     .label = "issue",
			     .out = o->out,
			     .output = o->output,
			     .one = o->device != NULL };
	enum pv_code rc = crewrun_open(&c, err);

	if (rc != PV_OK)
		return rc;
	if (c.progress.fd >= 0)
		c.total = issue_count_rows(&opts->source);
	rc = crewrun_go(&c, a, opts, err);
	rc = crewrun_close(&c, rc, err);
	if (!o->device)
		issue_summary(app, o->from, &c.n, rc == PV_OK);
	return c.n.superseded > 0 ? publish_late(app, rc, err) : rc;
}

/* Where requests come from. */
static enum pv_code open_source(const struct issue_cmd_opts *o,
				const struct authority *a,
				struct issue_one *one, struct reader_opts *src,
				struct err *err)
{
	return o->device ? issue_set_one(o, one, src, err)
			 : issue_set_rows(o, a->pin_source, src, err);
}

/* The station signs for itself, here and now, for what comes from there. */
static enum pv_code claim_station(const struct issue_cmd_opts *o,
				  const struct authority *a,
				  struct reader_opts *src, struct officerkey *k,
				  struct stationclaim *c, struct err *err)
{
	enum pv_code rc =
		o->stream ? PV_OK : issue_own_rows(a->home_fd, src, err);
	const struct stationclaim_run run = { .log = a->origin,
					      .order = o->order,
					      .station = o->station,
					      .fd = src->fd,
					      .stream = o->stream };
	const struct note_signer signer = officerkey_signer(k);

	return rc == PV_OK ? stationclaim_make(&run, &signer, c, err) : rc;
}

struct opened { /* before anything is issued */
	struct authority *a;
	struct actor_claim claim;
	struct stationclaim station;
	struct issue_one one;
	struct reader_opts source;
};

static void opened_release(struct opened *x)
{
	authority_close(x->a);
	stationclaim_release(&x->station);
	issue_one_release(&x->one);
	fd_cleanup(&x->source.fd);
	fd_cleanup(&x->source.folder);
}

static enum pv_code open_all(const struct app *app,
			     const struct issue_cmd_opts *o, struct opened *x,
			     struct err *err)
{
	OFFICERKEY k = { .token = false };
	enum pv_code rc = PV_OK;

	if (o->station_key)
		rc = session_person(app, o->station, o->station_key,
				    o->station_pin, &k, err);
	if (rc == PV_OK)
		rc = session_home(app, &x->a, &x->claim, err);
	if (rc == PV_OK)
		rc = open_source(o, x->a, &x->one, &x->source, err);
	if (rc == PV_OK && o->station_key)
		rc = claim_station(o, x->a, &x->source, &k, &x->station, err);
	return rc;
}

static enum pv_code run(const struct app *app, int argc, char **argv,
			struct err *err)
{
	CLEANUP(opened_release)
	struct opened x = { .source = { .fd = -1, .folder = -1 } };
	struct issue_cmd_opts o = { 0 };
	struct issue_opts opts = { .jobs = 0 };
	enum pv_code rc = issue_parse(argc, argv, &o, err);

	if (rc == PV_OK)
		rc = open_all(app, &o, &x, err);
	if (rc != PV_OK)
		return rc;
	opts.source = x.source;
	opts.template_name = o.template_name;
	opts.order = o.order;
	opts.station = o.station;
	opts.claim = &x.claim;
	opts.station_claim = &x.station;
	opts.jobs = (unsigned)o.jobs;
	opts.batch = !o.device;
	opts.in_order = !o.stream;
	return run_issue(app, &o, x.a, &opts, err);
}

const struct verb verb_issue = {
	.name = "issue",
	.summary = "certify devices and seal their bundles",
	.help = issue_help,
	.run = run,
};
