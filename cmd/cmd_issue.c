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

static enum pv_code parse(int argc, char **argv, struct issue_cmd_opts *o,
			  struct err *err)
{
	const struct opt table[] = {
		{ "template", 0, OPT_STRING, &o->template_name, 0, 0 },
		{ "order", 0, OPT_STRING, &o->order, 0, 0 },
		{ "station", 0, OPT_STRING, &o->station, 0, 0 },
		{ "device", 0, OPT_STRING, &o->device, 0, 0 },
		{ "csr", 0, OPT_STRING, &o->csr, 0, 0 },
		{ "key", 0, OPT_STRING, &o->key, 0, 0 },
		{ "role", 0, OPT_STRING, &o->role, 0, 0 },
		{ "seal-key", 0, OPT_STRING, &o->seal_key, 0, 0 },
		{ "seal-key-sig", 0, OPT_STRING, &o->seal_sig, 0, 0 },
		{ "set", 0, OPT_LIST, &o->sets, 0, 0 },
		{ "output", 'o', OPT_STRING, &o->output, 0, 0 },
		{ "from", 0, OPT_STRING, &o->from, 0, 0 },
		{ "out", 0, OPT_STRING, &o->out, 0, 0 },
		{ "jobs", 0, OPT_NUMBER, &o->jobs, 1, ISSUE_JOBS_MAX },
		{ "stream", 0, OPT_FLAG, &o->stream, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	struct opt_args args;
	enum pv_code rc = opts_parse(table, argc, argv, 0, 0, &args, err);
	int forms = (o->device != NULL) + (o->from != NULL) + o->stream;

	if (rc != PV_OK)
		return rc;
	if (!o->template_name || forms != 1)
		return err_fail(err, PV_USAGE, "usage.issue",
				"see provctl issue --help",
				"give --template and one of --device, --from, "
				"--stream");
	if (!o->device && (o->csr || o->key || o->role || o->seal_key ||
			   o->seal_sig || o->sets.n > 0 || o->output))
		return err_fail(err, PV_USAGE, "usage.issue",
				"put it into the requests",
				"--csr, --key, --role, --seal-key, --set and "
				"-o go with --device");
	if (o->key && (strcmp(o->key, "host") != 0 || o->csr))
		return err_fail(err, PV_USAGE, "usage.issue",
				"give --csr FILE or --key host",
				"--key takes only \"host\", without --csr");
	if (o->out && o->output)
		return err_fail(err, PV_USAGE, "usage.issue", NULL,
				"--out and -o exclude each other");
	return PV_OK;
}

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

static enum pv_code run(const struct app *app, int argc, char **argv,
			struct err *err)
{
	CLEANUP(cleanup_authority_close) struct authority *a = NULL;
	struct actor_claim claim;
	CLEANUP(issue_one_release) struct issue_one one = { 0 };
	struct issue_cmd_opts o = { 0 };
	struct issue_cmd c = { .app = app, .o = &o };
	struct issue_opts opts = { .source = { .fd = -1, .folder = -1 } };
	enum pv_code rc = parse(argc, argv, &o, err);

	if (rc == PV_OK)
		rc = session_home(app, &a, &claim, err);
	if (rc == PV_OK)
		rc = o.device ? issue_set_one(&o, &one, &opts.source, err)
			      : issue_set_rows(&o, a->pin_source, &opts.source,
					       err);
	opts.template_name = o.template_name;
	opts.order = o.order;
	opts.station = o.station;
	opts.claim = &claim;
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
