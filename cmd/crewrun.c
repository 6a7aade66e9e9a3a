#include "cmd/crewrun.h"

#include <stdio.h>

#include "cmd/harden.h"
#include "cmd/issue_summary.h"
#include "cmd/out.h"
#include "lib/base/cleanup.h"
#include "lib/flow/outcome.h"

static enum pv_code put_lines(void *ctx, struct span lines, struct err *err)
{
	const struct crewrun *c = ctx;

	return c->out ? PV_OK : out_bytes(lines, err);
}

/* Finishing may take as long as the token takes: say that it was heard. */
static void tell_interrupted(const void *ctx)
{
	const struct crewrun *c = ctx;

	if (c->progress.drawn)
		fputc('\n', stderr);
	out_note(c->app, "provctl: interrupted: finishing what is under way; "
			 "once more ends now (resumable)");
}

static enum pv_code show(void *ctx, const struct issue_counts *n,
			 struct err *err)
{
	struct crewrun *c = ctx;

	progress_update(&c->progress,
			issue_answered(&c->past) + issue_answered(n), c->total);
	return c->out ? PV_OK : out_flush(err);
}

enum pv_code crewrun_open(struct crewrun *c, struct err *err)
{
	const struct results_opts to = { .out_dir = c->out,
					 .bundle_file = c->output,
					 .line = put_lines,
					 .flush = show,
					 .ctx = c };

	progress_init(&c->progress, c->label, c->app->quiet || c->one);
	return results_new(&to, &c->results, err);
}

static void add(struct issue_counts *to, const struct issue_counts *n)
{
	to->issued += n->issued;
	to->existing += n->existing;
	to->denied += n->denied;
	to->quarantined += n->quarantined;
	to->failed += n->failed;
	to->conflicts += n->conflicts;
	to->superseded += n->superseded;
	to->unlocked |= n->unlocked;
	if (n->switched.code != PV_OK)
		to->switched = n->switched;
}

enum pv_code crewrun_go(struct crewrun *c, const struct authority *a,
			struct issue_opts *opts, struct err *err)
{
	struct issue_sink sink = results_sink(c->results);
	struct issue_counts n = { 0 };
	enum pv_code rc;

	c->past = c->n;
	opts->interrupted = tell_interrupted;
	opts->interrupted_ctx = c;
	rc = issue_run(a, c->app->backends, opts, &sink, &n, err);
	add(&c->n, &n);
	return rc;
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

enum pv_code crewrun_close(struct crewrun *c, enum pv_code rc, struct err *err)
{
	struct err late;
	enum pv_code finished;

	err_init(&late);
	finished = results_finish(c->results, &late);
	progress_end(&c->progress, issue_answered(&c->n), c->total);
	if (c->n.unlocked)
		out_note(c->app, HARDEN_UNLOCKED);
	if (c->n.switched.code != PV_OK)
		out_note(c->app,
			 "provctl: warning: went on with the next token: %s",
			 c->n.switched.message);
	return finished == PV_OK ? rc : worse(rc, &late, err);
}

void crewrun_release(struct crewrun *c)
{
	results_free(TAKE(c->results));
}
