/* audit verify: the authority at hand, or an exported log. */
#include <stdio.h>
#include <string.h>

#include "cmd/audit.h"
#include "cmd/opts.h"
#include "cmd/out.h"
#include "cmd/session.h"
#include "cmd/term.h"
#include "lib/flow/audit.h"

#define OPEN_SHOWN_MAX 20 /* open intents named without --verbose */

/* What the callbacks of one audit need. */
struct view {
	const struct app *app;
	struct progress *progress;
	json_t *open; /* list for --json, else NULL */
	uint64_t *shown;
};

static void show_open(const void *ctx, const char *device, const char *serial)
{
	const struct view *v = ctx;

	if (v->open) {
		json_array_append_new(v->open,
				      json_pack("{s:s, s:s}", "object", device,
						"serial", serial));
		return;
	}
	if ((*v->shown)++ >= OPEN_SHOWN_MAX && !v->app->verbose)
		return;
	progress_clear(v->progress);
	out_note(v->app, "open intent: %s, serial %s", device, serial);
}

/* What the list left out, and what to do about it. */
static void show_rest(const struct view *v, bool well)
{
	uint64_t shown = *v->shown;

	if (v->open || !shown)
		return;
	if (shown > OPEN_SHOWN_MAX && !v->app->verbose)
		out_note(v->app, "... and %llu more (-v shows all)",
			 (unsigned long long)(shown - OPEN_SHOWN_MAX));
	if (well)
		out_note(v->app, "  next: run the interrupted `provctl issue' "
				 "again; it completes them");
}

static void show_progress(const void *ctx, uint64_t done, uint64_t total)
{
	const struct view *v = ctx;

	progress_update(v->progress, done, total);
}

static enum pv_code print_counts(const struct app *app,
				 const struct audit_counts *c, json_t *open,
				 struct err *err)
{
	char root[2 * STORE_HASH + 1];

	hex_encode(c->root, sizeof(c->root), root);
	if (app->json)
		return out_json(
			json_pack("{s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:I, "
				  "s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:O}",
				  "entries", (json_int_t)c->entries, "root",
				  root, "devices", (json_int_t)c->devices,
				  "credentials", (json_int_t)c->credentials,
				  "certificates", (json_int_t)c->certificates,
				  "bundles", (json_int_t)c->bundles, "cas",
				  (json_int_t)c->cas, "keys",
				  (json_int_t)c->keys, "templates",
				  (json_int_t)c->templates, "open_intents",
				  (json_int_t)c->open_intents, "quarantined",
				  (json_int_t)c->quarantined, "revoked",
				  (json_int_t)c->revoked, "retired",
				  (json_int_t)c->retired, "checkpoints",
				  (json_int_t)c->checkpoints, "uncovered",
				  (json_int_t)c->uncovered, "open", open),
			err);
	printf("log and store agree: %llu entr%s, root %s\n",
	       (unsigned long long)c->entries, err_ies(c->entries), root);
	out_devices(c->devices, c->credentials);
	printf(", %llu certificate%s, %llu bundle%s, %llu CA%s, %llu key%s, "
	       "%llu template%s, %llu open intent%s, %llu in quarantine, "
	       "%llu revoked, %llu device%s retired\n",
	       (unsigned long long)c->certificates, err_s(c->certificates),
	       (unsigned long long)c->bundles, err_s(c->bundles),
	       (unsigned long long)c->cas, err_s(c->cas),
	       (unsigned long long)c->keys, err_s(c->keys),
	       (unsigned long long)c->templates, err_s(c->templates),
	       (unsigned long long)c->open_intents, err_s(c->open_intents),
	       (unsigned long long)c->quarantined,
	       (unsigned long long)c->revoked, (unsigned long long)c->retired,
	       err_s(c->retired));
	printf("%llu checkpoint%s, %llu entr%s that none covers yet\n",
	       (unsigned long long)c->checkpoints, err_s(c->checkpoints),
	       (unsigned long long)c->uncovered, err_ies(c->uncovered));
	return PV_OK;
}

static void json_cleanup(json_t **o)
{
	json_decref(*o);
}

static enum pv_code verify(const struct app *app, bool strict, struct err *err)
{
	CLEANUP(json_cleanup) json_t *open = app->json ? json_array() : NULL;
	SESSION s = { .a = NULL };
	struct progress progress;
	struct audit_counts counts;
	uint64_t shown = 0;
	struct view view = { app, &progress, open, &shown };
	const struct audit_opts opts = { .open_intent = show_open,
					 .progress = show_progress,
					 .ctx = &view };
	enum pv_code rc = session_open(app, SESSION_AUDIT, &s, err);

	if (rc != PV_OK)
		return rc;
	progress_init(&progress, "audit", app->quiet || app->json);
	rc = audit_verify(s.a, s.store, &opts, &counts, err);
	progress_clear(&progress);
	show_rest(&view, rc == PV_OK && !strict);
	if (rc == PV_OK)
		rc = print_counts(app, &counts, open, err);
	if (rc == PV_OK && strict && counts.open_intents)
		rc = err_fail(err, PV_INTEGRITY, "audit.open",
			      "run the interrupted `provctl issue' again",
			      "%llu intent%s without a result",
			      (unsigned long long)counts.open_intents,
			      err_s(counts.open_intents));
	return rc;
}

static enum pv_code check_opts(const char *log, bool strict,
			       const struct opt_list *keys,
			       const struct opt_list *witnesses,
			       struct err *err)
{
	if (log && strict)
		return err_fail(err, PV_USAGE, "usage.option", "see --help",
				"--strict is about the store, not --log");
	if (!log && (keys->n || witnesses->n))
		return err_fail(err, PV_USAGE, "usage.option", "see --help",
				"--key and --witness go with --log");
	return PV_OK;
}

enum pv_code audit_run_verify(const struct app *app, int argc, char **argv,
			      struct err *err)
{
	struct opt_list keys = { .n = 0 };
	struct opt_list witnesses = { .n = 0 };
	const char *log = NULL;
	bool strict = false;
	const struct opt opts[] = {
		{ "strict", 0, OPT_FLAG, &strict, 0, 0 },
		{ "log", 0, OPT_STRING, &log, 0, 0 },
		{ "key", 0, OPT_LIST, &keys, 0, 0 },
		{ "witness", 0, OPT_LIST, &witnesses, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 1, 1, &args, err);

	if (rc == PV_OK && strcmp(args.values[0], "verify") != 0)
		rc = err_fail(err, PV_USAGE, "usage.argument", "see --help",
			      "audit does not know \"%.40s\"", args.values[0]);
	if (rc == PV_OK)
		rc = check_opts(log, strict, &keys, &witnesses, err);
	if (rc != PV_OK)
		return rc;
	return log ? audit_folder(app, log, &keys, &witnesses, err)
		   : verify(app, strict, err);
}
