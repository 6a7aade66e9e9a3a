#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/app.h"
#include "cmd/guard.h"
#include "cmd/opts.h"
#include "cmd/out.h"
#include "cmd/pin.h"
#include "lib/ceremony/init.h"

#define DEFAULT_PLAN "plans/softhsm-demo.json"
#define PATH_CAP 4096

static const char help[] =
	"usage: provctl init DIR --softhsm [--name NAME] [--origin ORIGIN]\n"
	"                [--templates DIR] [--plan FILE] [--roster FILE]\n"
	"       provctl init DIR --module PATH --token URI [--pin-source S] "
	"...\n"
	"\n"
	"Makes an authority in the new folder DIR: store, log, keys in a "
	"token,\n"
	"a demo CA and the adopted templates that the plan names.\n"
	"\n"
	"  --softhsm        make a SoftHSM token below DIR with random PINs\n"
	"  --module PATH    PKCS#11 module (absolute) of an initialised token\n"
	"  --token URI      which token: pkcs11:token=NAME, never with a PIN\n"
	"  --pin-source S   prompt (default), file:PATH, fd:N, systemd:NAME\n"
	"  --name NAME      of the authority (default: the folder's name)\n"
	"  --origin ORIGIN  of the log (default: the name)\n"
	"  --templates DIR  where the plan's templates are\n"
	"  --roster FILE    the officers: what people decide needs their "
	"approvals\n"
	"  --plan FILE      the plan (default: plans/softhsm-demo.json there)\n"
	"\n"
	"example: provctl init acme --softhsm\n";

struct init_args {
	bool softhsm;
	const char *name, *origin, *templates, *plan, *roster;
	const char *module, *token, *pin_source;
};

static enum pv_code check(const struct init_args *in, struct err *err)
{
	if (in->softhsm && (in->module || in->token || in->pin_source))
		return err_fail(err, PV_USAGE, "usage.option", "see --help",
				"--softhsm excludes --module, --token and "
				"--pin-source");
	if (!in->softhsm && (!in->module || !in->token))
		return err_fail(err, PV_USAGE, "usage.option", "see --help",
				"give --softhsm, or --module and --token");
	if (in->softhsm && !PV_SOFTHSM_MODULE[0])
		return err_fail(err, PV_NOT_FOUND, "init.softhsm",
				"install softhsm2 and configure again",
				"this build knows no SoftHSM module");
	if (!in->softhsm && in->module[0] != '/') {
		err_object(err, "--module");
		return err_fail(err, PV_DENIED, "config.module",
				"give the absolute path of the PKCS#11 module",
				"--module takes an absolute path");
	}
	if (!in->softhsm && strncmp(in->token, "pkcs11:", 7) != 0) {
		err_object(err, "--token");
		return err_fail(err, PV_INPUT, "config.token",
				"write it as in RFC 7512: pkcs11:token=NAME",
				"--token takes a PKCS#11 URI");
	}
	if (!in->softhsm && (strstr(in->token, "pin-value") ||
			     strstr(in->token, "pin-source"))) {
		err_object(err, "--token");
		return err_fail(err, PV_INPUT, "config.token",
				"take it out; use --pin-source",
				"--token holds a PIN, or where one is");
	}
	if (in->pin_source && !pin_source_valid(in->pin_source))
		return err_fail(err, PV_USAGE, "usage.value",
				"use prompt, file:PATH, fd:N or systemd:NAME",
				"--pin-source is none of the known forms");
	return PV_OK;
}

/* A build that was not installed has its templates elsewhere. */
static enum pv_code check_plan(const struct init_args *in, const char *plan,
			       struct err *err)
{
	if (in->plan || access(plan, F_OK) == 0 || errno != ENOENT)
		return PV_OK;
	err_object(err, plan);
	return err_fail(err, PV_NOT_FOUND, "init.plan",
			"`make install', or give --templates DIR (the "
			"templates/ of the sources)",
			"the default plan is not there");
}

static void show_step(const void *ctx, size_t step, size_t steps,
		      const char *text, const char *does)
{
	(void)does;
	out_note(ctx, "[%zu/%zu] %s", step + 1, steps, text);
}

static enum pv_code print_report(const struct app *app,
				 const struct init_report *r, struct err *err)
{
	if (app->json)
		return out_json(json_pack("{s:s, s:s, s:s, s:I, s:I}", "home",
					  r->home, "name", r->name, "plan",
					  r->plan, "steps",
					  (json_int_t)r->steps, "keys",
					  (json_int_t)r->keys),
				err);
	if (!app->quiet)
		printf("authority %s in %s: %zu key%s, %zu step%s of plan %s\n",
		       r->name, r->home, r->keys, err_s(r->keys), r->steps,
		       err_s(r->steps), r->plan);
	return PV_OK;
}

static enum pv_code run(const struct app *app, int argc, char **argv,
			struct err *err)
{
	struct init_args in = { .templates = PV_TEMPLATES_DIR };
	const struct opt opts[] = {
		{ "softhsm", 0, OPT_FLAG, &in.softhsm, 0, 0 },
		{ "name", 0, OPT_STRING, &in.name, 0, 0 },
		{ "origin", 0, OPT_STRING, &in.origin, 0, 0 },
		{ "templates", 0, OPT_STRING, &in.templates, 0, 0 },
		{ "plan", 0, OPT_STRING, &in.plan, 0, 0 },
		{ "roster", 0, OPT_STRING, &in.roster, 0, 0 },
		{ "module", 0, OPT_STRING, &in.module, 0, 0 },
		{ "token", 0, OPT_STRING, &in.token, 0, 0 },
		{ "pin-source", 0, OPT_STRING, &in.pin_source, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	char plan[PATH_CAP], dir[PATH_CAP];
	struct init_report report;
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 1, 1, &args, err);

	if (rc == PV_OK)
		rc = check(&in, err);
	if (rc != PV_OK)
		return rc;
	snprintf(plan, sizeof(plan), "%.3000s/" DEFAULT_PLAN, in.templates);
	rc = check_plan(&in, plan, err);
	if (rc != PV_OK)
		return rc;
	snprintf(dir, sizeof(dir), "%s", args.values[0]);
	for (size_t n = strlen(dir); n > 1 && dir[n - 1] == '/'; n--)
		dir[n - 1] = '\0';
	const struct init_opts job = {
		.backends = app->backends,
		.watch = app->guard ? &app->guard->watch : NULL,
		.dir = dir,
		.name = in.name,
		.origin = in.origin,
		.templates_dir = in.templates,
		.plan = in.plan ? in.plan : plan,
		.roster = in.roster,
		.softhsm = in.softhsm,
		.module = in.softhsm ? PV_SOFTHSM_MODULE : in.module,
		.tokens = &in.token,
		.tokens_n = in.token ? 1 : 0,
		.pin_source = in.pin_source,
		.progress = show_step,
		.progress_ctx = app,
	};
	guard_hold_signals();
	rc = init_authority(&job, &report, err);
	if (rc == PV_OK)
		return print_report(app, &report, err);
	if (report.touched)
		out_note(app,
			 "%s is incomplete: `provctl ceremony resume' goes on, "
			 "or remove it before the next try",
			 dir);
	return rc;
}

const struct verb verb_init = {
	.name = "init",
	.summary = "make an authority: folder, keys, CA, templates",
	.help = help,
	.token = true,
	.run = run,
};
