/* ceremony rehearse, run, resume: a plan makes an authority. */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cmd/ceremony.h"
#include "cmd/guard.h"
#include "cmd/opts.h"
#include "cmd/out.h"
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/ceremony/init.h"
#include "lib/ceremony/mediabox.h"
#include "policy/binding.h"

static enum pv_code parse(const struct app *app, int argc, char **argv,
			  struct ceremony_args *in, struct err *err)
{
	const struct opt opts[] = {
		{ "home", 0, OPT_STRING, &in->home, 0, 0 },
		{ "binding", 0, OPT_STRING, &in->binding, 0, 0 },
		{ "rehearsal", 0, OPT_STRING, &in->rehearsal, 0, 0 },
		{ "answers", 0, OPT_STRING, &in->answers, 0, 0 },
		{ "templates", 0, OPT_STRING, &in->templates, 0, 0 },
		{ "name", 0, OPT_STRING, &in->name, 0, 0 },
		{ "origin", 0, OPT_STRING, &in->origin, 0, 0 },
		{ "roster", 0, OPT_STRING, &in->roster, 0, 0 },
		{ "media", 0, OPT_STRING, &in->media, 0, 0 },
		{ "approval", 0, OPT_LIST, &in->approvals, 0, 0 },
		{ "request", 0, OPT_STRING, &in->request, 0, 0 },
		{ "new-pin-source", 0, OPT_STRING, &in->new_pin_source, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	struct opt_args args;
	enum pv_code rc;

	*in = (struct ceremony_args){ .home = app->home,
				      .templates = PV_TEMPLATES_DIR };
	rc = opts_parse(opts, argc, argv, 1, 1, &args, err);
	if (rc != PV_OK)
		return rc;
	in->rehearse = strcmp(argv[0], "rehearse") == 0;
	in->resume = strcmp(argv[0], "resume") == 0;
	in->plan = args.values[0];
	snprintf(in->dir, sizeof(in->dir), "%s", in->home);
	for (size_t n = strlen(in->dir); n > 1 && in->dir[n - 1] == '/'; n--)
		in->dir[n - 1] = '\0';
	return PV_OK;
}

static enum pv_code check(const struct ceremony_args *in, struct err *err)
{
	bool run = !in->rehearse && !in->resume;

	if (run && (!in->binding || !in->rehearsal))
		return err_fail(err, PV_USAGE, "usage.option",
				"see provctl ceremony run --help",
				"run takes --binding and --rehearsal");
	if (in->rehearse && (in->binding || in->rehearsal || in->answers))
		return err_fail(err, PV_USAGE, "usage.option",
				"see provctl ceremony run --help",
				"a rehearsal has a throw-away token of its "
				"own, and asks nobody");
	if (in->resume &&
	    (in->rehearsal || in->name || in->origin || in->roster))
		return err_fail(err, PV_USAGE, "usage.option",
				"see provctl ceremony run --help",
				"resume goes on as it was begun");
	if (!run && (in->approvals.n > 0 || in->request))
		return err_fail(err, PV_USAGE, "usage.option",
				"see provctl ceremony run --help",
				"approvals are given to run, and kept from "
				"then on");
	if (in->new_pin_source)
		return err_fail(err, PV_USAGE, "usage.option",
				"see provctl ceremony run --help",
				"--new-pin-source is for a step rotate-pin");
	if (in->rehearse && !PV_SOFTHSM_MODULE[0])
		return err_fail(err, PV_NOT_FOUND, "init.softhsm",
				"install softhsm2 and configure again",
				"this build knows no SoftHSM module");
	return PV_OK;
}

/* It makes an authority; else one is there. */
static enum pv_code is_first(const char *path, bool *first, struct err *err)
{
	struct plan *plan = NULL;
	enum pv_code rc = ceremony_read_plan(path, &plan, err);

	*first = rc == PV_OK && plan_is_first(plan);
	plan_free(plan);
	return rc;
}

static enum pv_code read_binding(const char *path, struct binding *b,
				 struct err *err)
{
	CLEANUP(buf_release) struct buf text;
	enum pv_code rc;

	buf_init(&text, BINDING_SIZE_MAX);
	rc = file_read(AT_FDCWD, path, FILEIO_NOT_WRITABLE_BY_OTHERS, &text,
		       err);
	err_object(err, path); /* places in it are named path#/pointer */
	if (rc == PV_OK)
		rc = binding_parse(buf_span(&text), b, err);
	if (rc == PV_OK && err)
		err->object[0] = '\0';
	return rc;
}

enum pv_code ceremony_report(const struct app *app, const struct init_report *r,
			     struct err *err)
{
	if (app->json)
		return out_json(
			json_pack("{s:s, s:s, s:s, s:I, s:I, s:b}", "home",
				  r->home, "name", r->name, "plan", r->plan,
				  "steps", (json_int_t)r->steps, "keys",
				  (json_int_t)r->keys, "existing", r->existing),
			err);
	if (app->quiet)
		return PV_OK;
	if (r->existing)
		printf("plan %s ran in %s already: nothing done\n", r->plan,
		       r->home);
	else
		printf("authority %s in %s: %zu key%s, %zu step%s of plan %s\n",
		       r->name, r->home, r->keys, err_s(r->keys), r->steps,
		       err_s(r->steps), r->plan);
	return PV_OK;
}

enum pv_code ceremony_run_plan(const struct app *app, int argc, char **argv,
			       struct err *err)
{
	struct ceremony_screen screen = { .tty = -1 };
	CEREMONY_ROOM room = { .screen = &screen };
	struct binding b = { .tokens_n = 0 };
	const char *tokens[BINDING_TOKENS_MAX];
	char bound[65];
	struct init_report r;
	CLEANUP(mediabox_stop) struct mediabox box = MEDIABOX_INIT;
	struct ceremony_args in;
	bool first = false;
	enum pv_code rc = parse(app, argc, argv, &in, err);

	/* Before there is anything that it must not have. */
	if (rc == PV_OK && in.media)
		rc = mediabox_start(&box, err);
	in.medium = (struct media){ .dir = in.media, .box = &box };
	if (rc == PV_OK)
		rc = is_first(in.plan, &first, err);
	if (rc == PV_OK && !first)
		return ceremony_run_later(app, &in, err);
	if (rc == PV_OK)
		rc = check(&in, err);
	if (rc == PV_OK && in.binding)
		rc = read_binding(in.binding, &b, err);
	if (rc == PV_OK)
		rc = ceremony_room_open(&room, app, in.answers, err);
	if (rc != PV_OK)
		return rc;
	for (size_t i = 0; i < b.tokens_n; i++)
		tokens[i] = b.tokens[i];
	hex_encode(b.sha256, sizeof(b.sha256), bound);
	const struct init_opts job = {
		.backends = app->backends,
		.watch = app->guard ? &app->guard->watch : NULL,
		.dir = in.dir,
		.name = in.name,
		.origin = in.origin,
		.templates_dir = in.templates,
		.plan = in.plan,
		.roster = in.roster,
		.media = in.media ? &in.medium : NULL,
		.softhsm = in.rehearse,
		.module = in.rehearse ? PV_SOFTHSM_MODULE : b.module,
		.tokens = tokens,
		.tokens_n = b.tokens_n,
		.binding_sha256 = in.binding ? bound : NULL,
		.pin_source = b.pin_source,
		.so_pin_source = b.so_pin_source[0] ? b.so_pin_source : NULL,
		.mode = in.rehearse ? "rehearsal" : "run",
		.rehearsal = in.rehearsal,
		.approvals = in.approvals.values,
		.approvals_n = in.approvals.n,
		.request_out = in.request,
		.people = in.rehearse ? NULL : &room.people,
		.progress = ceremony_show_step,
		.told = ceremony_show_line,
		.progress_ctx = &room,
	};
	guard_hold_signals();
	rc = in.resume ? init_resume(&job, &r, err)
		       : init_authority(&job, &r, err);
	if (rc == PV_OK)
		return ceremony_report(app, &r, err);
	if (r.touched)
		out_note(app,
			 "%s is incomplete: `provctl ceremony resume' "
			 "goes on",
			 in.dir);
	return rc;
}
