#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cmd/audit.h"
#include "cmd/audit_findings.h"
#include "cmd/opts.h"
#include "cmd/session.h"
#include "lib/base/fileio.h"
#include "lib/flow/reconcile.h"

#define OUT_DEFAULT "out" /* in the home */

CLEANUP_PTR(struct reconcile, reconcile_free);

struct reconcile_args {
	struct opt_list out, reports;
	bool no_out, no_token;
};

/* Folders are held from before the view of the store until they were read. */
struct folders {
	int fd[OPTS_LIST_MAX];
	const char *name[OPTS_LIST_MAX];
	size_t n;
};

static void folders_close(struct folders *f)
{
	for (size_t i = 0; i < f->n; i++)
		fd_cleanup(&f->fd[i]);
	f->n = 0;
}

static enum pv_code parse(int argc, char **argv, struct reconcile_args *in,
			  struct err *err)
{
	const struct opt opts[] = {
		{ "out", 0, OPT_LIST, &in->out, 0, 0 },
		{ "report", 0, OPT_LIST, &in->reports, 0, 0 },
		{ "no-out", 0, OPT_FLAG, &in->no_out, 0, 0 },
		{ "no-token", 0, OPT_FLAG, &in->no_token, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 0, 0, &args, err);

	if (rc == PV_OK && in->no_out && in->out.n)
		rc = err_fail(err, PV_USAGE, "usage.option", "see --help",
			      "--out and --no-out exclude each other");
	return rc;
}

/* ---- sources ---- */

static enum pv_code add_folder(struct folders *f, int dir, const char *path,
			       struct err *err)
{
	int fd = -1;
	enum pv_code rc = dir_open(dir, path, &fd, err);

	if (rc != PV_OK)
		return rc;
	f->fd[f->n] = fd;
	f->name[f->n++] = path;
	return reconcile_hold(fd, path, err);
}

/* init makes it; a run has written there when it holds what a run makes. */
static bool default_is_used(const struct authority *a)
{
	return faccessat(a->home_fd, OUT_DEFAULT "/certs", F_OK, 0) == 0 ||
	       faccessat(a->home_fd, OUT_DEFAULT "/bundles", F_OK, 0) == 0;
}

static enum pv_code hold_folders(const struct authority *a,
				 const struct reconcile_args *in,
				 struct folders *f, struct err *err)
{
	enum pv_code rc = PV_OK;

	if (!in->no_out && !in->out.n && default_is_used(a))
		return add_folder(f, a->home_fd, OUT_DEFAULT, err);
	for (size_t i = 0; rc == PV_OK && i < in->out.n; i++)
		rc = add_folder(f, AT_FDCWD, in->out.values[i], err);
	return rc;
}

static enum pv_code read_folders(struct reconcile *r, struct folders *f,
				 struct err *err)
{
	enum pv_code rc = PV_OK;

	for (size_t i = 0; rc == PV_OK && i < f->n; i++)
		rc = reconcile_out(r, f->fd[i], f->name[i], err);
	folders_close(f);
	return rc;
}

/* The name says the form, as with `issue --from'. */
static enum rows_format format_of(const char *path)
{
	const char *end = strrchr(path, '.');

	return end && strcasecmp(end, ".csv") == 0 ? ROWS_CSV : ROWS_JSONL;
}

static enum pv_code read_reports(struct reconcile *r,
				 const struct opt_list *paths, struct err *err)
{
	enum pv_code rc = PV_OK;

	for (size_t i = 0; rc == PV_OK && i < paths->n; i++) {
		CLEANUP(fd_cleanup) int fd = -1;
		const char *path = paths->values[i];

		rc = file_open(AT_FDCWD, path, FILEIO_NOFOLLOW, &fd, err);
		if (rc == PV_OK)
			rc = reconcile_report(r, fd, format_of(path), path,
					      err);
	}
	return rc;
}

/* ---- the run ---- */

static enum pv_code verdict_error(enum pv_code verdict, uint64_t n,
				  struct err *err)
{
	if (verdict == PV_OK)
		return PV_OK;
	return err_fail(err, verdict, "reconcile.found",
			verdict == PV_INTEGRITY
				? "stop issuing and compare with a backup"
				: "see each line; provctl(1), RECONCILING",
			"%llu finding%s", (unsigned long long)n, err_s(n));
}

static enum pv_code reconcile(struct session *s,
			      const struct reconcile_args *in,
			      const struct reconcile_opts *opts,
			      struct reconcile_counts *counts,
			      enum pv_code *verdict, struct err *err)
{
	CLEANUP(cleanup_reconcile_free) struct reconcile *r = NULL;
	CLEANUP(folders_close) struct folders folders = { .n = 0 };
	enum pv_code rc = hold_folders(s->a, in, &folders, err);

	if (rc == PV_OK)
		rc = reconcile_new(s->a, s->store, opts, &r, err);
	if (rc == PV_OK && s->hsm) {
		rc = reconcile_token(r, &s->tokens, err);
		/* What others wrote is read without PIN and login. */
		session_leave_token(s);
	}
	if (rc == PV_OK)
		rc = read_folders(r, &folders, err);
	if (rc == PV_OK)
		rc = read_reports(r, &in->reports, err);
	return rc == PV_OK ? reconcile_finish(r, counts, verdict, err) : rc;
}

enum pv_code audit_run_reconcile(const struct app *app, int argc, char **argv,
				 struct err *err)
{
	SESSION s = { .a = NULL };
	struct progress progress;
	struct reconcile_args in = { .no_out = false };
	struct reconcile_counts counts;
	struct findings_view view = { .app = app, .progress = &progress };
	const struct reconcile_opts opts = { .found = findings_show,
					     .progress = findings_progress,
					     .ctx = &view,
					     .tell_never_exported =
						     app->verbose };
	enum pv_code verdict = PV_INTERNAL;
	enum pv_code rc = parse(argc, argv, &in, err);

	if (rc == PV_OK)
		rc = session_open(app,
				  SESSION_STORE | SESSION_MAY(ROLE_OP_AUDIT) |
					  (in.no_token ? 0 : SESSION_HSM),
				  &s, err);
	if (rc != PV_OK)
		return rc;
	progress_init(&progress, "reconcile", app->quiet || app->json);
	rc = reconcile(&s, &in, &opts, &counts, &verdict, err);
	progress_clear(&progress);
	if (rc == PV_OK)
		rc = findings_summary(app, &counts, !in.no_token, err);
	return rc == PV_OK
		       ? verdict_error(verdict, findings_count(&counts), err)
		       : rc;
}
