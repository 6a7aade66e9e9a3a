#include <stdio.h>
#include <string.h>

#include "cmd/audit.h"
#include "cmd/opts.h"
#include "cmd/out.h"
#include "cmd/session.h"
#include "cmd/term.h"
#include "lib/base/pvtime.h"
#include "lib/flow/anomalies.h"

struct view {
	const struct app *app;
	struct progress progress;
};

static const char *time_text(uint64_t time_ms, char out[PVTIME_RFC3339_LEN + 1])
{
	if (time_ms == 0 || !pvtime_format((int64_t)(time_ms / 1000), out))
		out[0] = '\0';
	return out;
}

static enum pv_code print_one(void *ctx, const struct anomaly *a,
			      struct err *err)
{
	struct view *v = ctx;
	char when[PVTIME_RFC3339_LEN + 1];

	progress_clear(&v->progress);
	time_text(a->time_ms, when);
	if (v->app->json)
		return out_json(
			json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:s}",
				  "anomaly", tpl_watch_name(a->watch),
				  "template", a->template_name, "object",
				  a->object, "count", (json_int_t)a->count,
				  "threshold", (json_int_t)a->threshold,
				  "first", (json_int_t)a->first, "last",
				  (json_int_t)a->last, "time", when),
			err);
	printf("%s %s %s: %llu, threshold %llu, log entries %llu to %llu%s%s\n",
	       tpl_watch_name(a->watch), a->template_name, a->object,
	       (unsigned long long)a->count, (unsigned long long)a->threshold,
	       (unsigned long long)a->first, (unsigned long long)a->last,
	       when[0] ? ", " : "", when);
	return PV_OK;
}

static void print_progress(void *ctx, uint64_t done, uint64_t total)
{
	struct view *v = ctx;

	progress_update(&v->progress, done, total);
}

static enum pv_code print_end(const struct app *app,
			      const struct anomalies_report *r, struct err *err)
{
	if (app->json)
		return out_json(json_pack("{s:I, s:I, s:I}", "anomalies",
					  (json_int_t)r->found, "entries",
					  (json_int_t)r->entries, "untracked",
					  (json_int_t)r->untracked),
				err);
	printf("%llu anomal%s in %llu entr%s\n", (unsigned long long)r->found,
	       err_ies(r->found), (unsigned long long)r->entries,
	       err_ies(r->entries));
	if (r->untracked > 0)
		printf("%llu entr%s more than is counted at once may hide "
		       "others\n",
		       (unsigned long long)r->untracked, err_ies(r->untracked));
	return PV_OK;
}

enum pv_code audit_run_anomalies(const struct app *app, int argc, char **argv,
				 struct err *err)
{
	struct view v = { .app = app };
	struct anomalies_opts o = { .sink = { print_one, &v },
				    .progress = print_progress };
	const char *since = NULL;
	const struct opt opts[] = {
		{ "since", 0, OPT_STRING, &since, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	struct anomalies_report r;
	struct opt_args args;
	SESSION s = { .a = NULL };
	int64_t now_ms = pvtime_now_ms(), since_s = 0;
	enum pv_code rc = opts_parse(opts, argc, argv, 0, 0, &args, err);

	if (rc == PV_OK && since &&
	    !pvtime_parse(since, strlen(since), &since_s))
		rc = err_fail(err, PV_USAGE, "usage.value", NULL,
			      "--since takes a time like "
			      "2026-01-31T23:59:59Z");
	if (rc == PV_OK)
		rc = session_open(app,
				  SESSION_STORE | SESSION_MAY(ROLE_OP_AUDIT),
				  &s, err);
	if (rc != PV_OK)
		return rc;
	o.since_ms = (uint64_t)since_s * 1000;
	o.now_ms = now_ms < 0 ? 0 : (uint64_t)now_ms;
	progress_init(&v.progress, "audit", app->quiet || app->json);
	rc = anomalies_find(s.store, &o, &r, err);
	progress_clear(&v.progress);
	return rc == PV_OK ? print_end(app, &r, err) : rc;
}
