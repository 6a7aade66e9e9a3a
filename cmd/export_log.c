#include <stdio.h>

#include "cmd/export.h"
#include "cmd/opts.h"
#include "cmd/out.h"
#include "cmd/session.h"
#include "cmd/term.h"
#include "lib/flow/exportlog.h"

static void show_progress(void *ctx, uint64_t done, uint64_t total)
{
	progress_update(ctx, done, total);
}

static enum pv_code say(const struct app *app, const char *dir,
			const struct exportlog *x, struct err *err)
{
	if (app->json)
		return out_json(json_pack("{s:I, s:I, s:I}", "entries",
					  (json_int_t)x->entries, "new",
					  (json_int_t)x->added, "files",
					  (json_int_t)x->files),
				err);
	out_note(app,
		 "export: %s has %llu entries, %llu of them new, %llu files",
		 dir, (unsigned long long)x->entries,
		 (unsigned long long)x->added, (unsigned long long)x->files);
	return PV_OK;
}

/*
 * Not an entry of the log: it would make the folder old at once, and every
 * run would have something to write. What is given out is the log itself.
 */
enum pv_code export_run_log(const struct app *app, int argc, char **argv,
			    struct err *err)
{
	const char *dir = NULL;
	const struct opt opts[] = {
		{ "out", 0, OPT_STRING, &dir, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	struct progress progress;
	struct exportlog x = { .progress = show_progress, .ctx = &progress };
	SESSION s = { .a = NULL };
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 0, 0, &args, err);

	if (rc == PV_OK && !dir)
		rc = err_fail(err, PV_USAGE, "usage.option", "see --help",
			      "--out is missing");
	if (rc == PV_OK)
		rc = session_open(app, SESSION_STORE, &s, err);
	if (rc == PV_OK)
		rc = session_checkpoint(app, &s, err);
	if (rc != PV_OK)
		return rc;
	progress_init(&progress, "export", app->quiet || app->json);
	rc = export_log(s.a, s.store, dir, &x, err);
	progress_clear(&progress);
	return rc == PV_OK ? say(app, dir, &x, err) : rc;
}
