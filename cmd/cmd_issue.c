/* issue: one device, a batch, or a co-process (cli.md). */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/app.h"
#include "cmd/harden.h"
#include "cmd/issue_input.h"
#include "cmd/issue_summary.h"
#include "cmd/opts.h"
#include "cmd/out.h"
#include "cmd/session.h"
#include "cmd/term.h"
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/flow/issue.h"
#include "lib/flow/outcome.h"
#include "lib/flow/results.h"

CLEANUP_PTR(struct results, results_free);
CLEANUP_PTR(struct authority, authority_close);

struct issue_cmd {
	const struct app *app;
	const struct issue_cmd_opts *o;
	struct progress progress;
	uint64_t total; /* requests, 0: not known */
};

static enum pv_code put_lines(void *ctx, struct span lines, struct err *err)
{
	const struct issue_cmd *c = ctx;

	return c->o->out ? PV_OK : out_bytes(lines, err);
}

/* Finishing may take as long as the token takes: say that it was heard. */
static void tell_interrupted(const void *ctx)
{
	const struct issue_cmd *c = ctx;

	if (c->progress.drawn)
		fputc('\n', stderr);
	out_note(c->app, "provctl: interrupted: finishing what is under way; "
			 "once more ends now (resumable)");
}

static enum pv_code show(void *ctx, const struct issue_counts *n,
			 struct err *err)
{
	struct issue_cmd *c = ctx;

	progress_update(&c->progress, issue_answered(n), c->total);
	return c->o->out ? PV_OK : out_flush(err);
}

/* A late failure counts as one line's does: the worst is told. Who interrupted
 * the run is told that. */
static enum pv_code worse(enum pv_code rc, const struct err *late,
			  struct err *err)
{
	if (rc == PV_INTERRUPTED ||
	    outcome_rank(late->code) <= outcome_rank(rc))
		return rc;
	*err = *late;
	return late->code;
}

static enum pv_code run_issue(struct issue_cmd *c, const struct authority *a,
			      struct issue_opts *opts, struct err *err)
{
	const struct results_opts to = { .out_dir = c->o->out,
					 .bundle_file = c->o->output,
					 .line = put_lines,
					 .flush = show,
					 .ctx = c };
	CLEANUP(cleanup_results_free) struct results *results = NULL;
	struct issue_counts n = { 0 };
	struct issue_sink sink;
	struct err late;
	enum pv_code rc = results_new(&to, &results, err), finished;

	if (rc != PV_OK)
		return rc;
	progress_init(&c->progress, "issue",
		      c->app->quiet || c->o->device != NULL);
	if (c->progress.fd >= 0)
		c->total = issue_count_rows(&opts->source);
	opts->interrupted = tell_interrupted;
	opts->interrupted_ctx = c;
	sink = results_sink(results);
	rc = issue_run(a, c->app->backends, opts, &sink, &n, err);
	err_init(&late);
	finished = results_finish(results, &late);
	progress_end(&c->progress, issue_answered(&n), c->total);
	if (n.unlocked)
		out_note(c->app, HARDEN_UNLOCKED);
	if (n.switched.code != PV_OK)
		out_note(c->app,
			 "provctl: warning: went on with the next token: %s",
			 n.switched.message);
	if (!c->o->device)
		issue_summary(c->app, c->o->from, &n, rc == PV_OK);
	return finished == PV_OK ? rc : worse(rc, &late, err);
}

/* The station signs for itself here and now, as who acts does. */
static enum pv_code open_home(const struct app *app,
			      const struct issue_cmd_opts *o,
			      struct authority **a, struct actor_claim *claim,
			      struct actor_claim *station, struct err *err)
{
	const struct officerkey_from from = { .backends = app->backends,
					      .name = o->station,
					      .key = o->station_key,
					      .pin_source = o->station_pin,
					      .softhsm_conf =
						      app->softhsm_conf };
	OFFICERKEY k = { .token = false };
	struct note_signer signer = officerkey_signer(&k);
	enum pv_code rc = PV_OK;

	memset(station, 0, sizeof(*station));
	if (o->station_key)
		rc = officerkey_open(&from, &k, err);
	if (rc == PV_OK)
		rc = session_home(app, a, claim, err);
	if (rc == PV_OK && o->station_key)
		rc = actor_claim((*a)->origin, "station", k.token, &signer,
				 station, err);
	return rc;
}

static enum pv_code run(const struct app *app, int argc, char **argv,
			struct err *err)
{
	CLEANUP(cleanup_authority_close) struct authority *a = NULL;
	struct actor_claim claim, station;
	CLEANUP(issue_one_release) struct issue_one one = { 0 };
	struct issue_cmd_opts o = { 0 };
	struct issue_cmd c = { .app = app, .o = &o };
	struct issue_opts opts = { .source = { .fd = -1, .folder = -1 } };
	enum pv_code rc = issue_parse(argc, argv, &o, err);

	if (rc == PV_OK)
		rc = open_home(app, &o, &a, &claim, &station, err);
	if (rc == PV_OK)
		rc = o.device ? issue_set_one(&o, &one, &opts.source, err)
			      : issue_set_rows(&o, a->pin_source, &opts.source,
					       err);
	opts.template_name = o.template_name;
	opts.order = o.order;
	opts.station = o.station;
	opts.claim = &claim;
	opts.station_claim = &station;
	opts.jobs = (unsigned)o.jobs;
	opts.batch = !o.device;
	opts.in_order = !o.stream;
	if (rc == PV_OK)
		rc = run_issue(&c, a, &opts, err);
	fd_cleanup(&opts.source.fd);
	fd_cleanup(&opts.source.folder);
	return rc;
}

const struct verb verb_issue = {
	.name = "issue",
	.summary = "certify devices and seal their bundles",
	.help = issue_help,
	.run = run,
};
