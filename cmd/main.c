/*
 * provctl: the table of verbs, global options and exit status. Everything
 * else is in cmd_<verb>.c (thin) and lib/flow (the work).
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/app.h"
#include "cmd/backends.h"
#include "cmd/guard.h"
#include "cmd/harden.h"
#include "cmd/opts.h"
#include "cmd/out.h"
#include "lib/base/secret.h"

static const struct verb *const verbs[] = {
	&verb_init,   &verb_ceremony,	&verb_officer, &verb_approve,
	&verb_policy, &verb_order,	&verb_secret,  &verb_issue,
	&verb_export, &verb_attest,	&verb_revoke,  &verb_rotate,
	&verb_audit,  &verb_quarantine, &verb_clock,   &verb_config,
	&verb_status,
};
#define VERBS_N (sizeof(verbs) / sizeof(verbs[0]))

static void print_usage(FILE *to)
{
	fputs("usage: provctl [-C DIR] [--json] [-q | -v] <verb> ...\n\n", to);
	for (size_t i = 0; i < VERBS_N; i++)
		fprintf(to, "  %-10s %s\n", verbs[i]->name, verbs[i]->summary);
	fputs("\n  -C DIR     the authority's folder (default $PROVCTL_HOME or "
	      ".)\n"
	      "  --as NAME --key FILE|URI [--pin-source S]\n"
	      "             act as that officer, with the officer's own key\n"
	      "  --json     results and errors as JSON on standard output\n"
	      "  -q, -v     say less, say more\n"
	      "  --help     this, or `provctl <verb> --help'\n"
	      "  --version\n"
	      "\nexample: provctl init acme --softhsm && provctl -C acme "
	      "status\n",
	      to);
}

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < VERBS_N; i++)
		if (strcmp(verbs[i]->name, name) == 0)
			return verbs[i];
	return NULL;
}

static bool wants_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0 ||
		    strcmp(argv[i], "-h") == 0)
			return true;
	return false;
}

/* Of the part that is named first, where a verb has several. */
static const char *help_of(const struct verb *verb, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		for (const struct verb_part *p = verb->parts; p && p->name; p++)
			if (strcmp(argv[i], p->name) == 0)
				return p->help;
	return verb->help;
}

/* Whatever the verb: argv is no place for a PIN. */
static enum pv_code refuse_pins(int argc, char **argv, struct err *err)
{
	for (int i = 1; i < argc; i++)
		if (opts_is_pin(argv[i]))
			return err_fail(err, PV_USAGE, "usage.pin",
					"set pin_source in provctl.json: "
					"prompt, file:PATH, fd:N or "
					"systemd:NAME",
					"a PIN is never taken from the command "
					"line");
	return PV_OK;
}

static enum pv_code set_up(const struct app *app, struct err *err)
{
	enum secret_heap heap = SECRET_HEAP_UNLOCKED;
	enum pv_code rc = secret_setup(&heap, err);

	if (rc == PV_OK && heap == SECRET_HEAP_UNLOCKED)
		out_note(app, HARDEN_UNLOCKED);
	return rc;
}

static bool uses_token(const struct verb *verb, int argc, char **argv)
{
	return verb->token ||
	       (verb->token_of && argc > 1 && verb->token_of(argv[1]));
}

static enum pv_code run_verb(struct app *app, int argc, char **argv,
			     struct err *err)
{
	const struct verb *verb;
	enum pv_code rc;

	if (argc < 1)
		return err_fail(err, PV_USAGE, "usage.verb",
				"see provctl --help", "no verb");
	verb = find_verb(argv[0]);
	if (!verb)
		return err_fail(err, PV_USAGE, "usage.verb",
				"see provctl --help", "unknown verb %.40s",
				argv[0]);
	app->verb = verb->name;
	if (wants_help(argc, argv)) {
		fputs(help_of(verb, argc, argv), stdout);
		return PV_OK;
	}
	if (uses_token(verb, argc, argv)) {
		enum pv_code code = PV_INTERNAL;

		rc = guard_enter(&app->guard, &code, err);
		/* The child has said what there was to say. */
		if (rc == PV_OK && !app->guard)
			exit((int)code);
		if (rc != PV_OK)
			return rc;
	}
	rc = set_up(app, err);
	return rc == PV_OK ? verb->run(app, argc, argv, err) : rc;
}

/* Of --help and --version, nothing is lost when nobody reads on. */
static bool only_prose(int argc, char **argv)
{
	return wants_help(argc, argv) ||
	       (argc == 2 && strcmp(argv[1], "--version") == 0);
}

static enum pv_code run(struct app *app, int argc, char **argv, struct err *err)
{
	const char *home = getenv("PROVCTL_HOME");
	bool help = false, version = false;
	const struct opt opts[] = {
		{ "directory", 'C', OPT_STRING, &app->home, 0, 0 },
		{ "as", 0, OPT_STRING, &app->as, 0, 0 },
		{ "key", 0, OPT_STRING, &app->key, 0, 0 },
		{ "pin-source", 0, OPT_STRING, &app->pin_source, 0, 0 },
		{ "json", 0, OPT_FLAG, &app->json, 0, 0 },
		{ "quiet", 'q', OPT_FLAG, &app->quiet, 0, 0 },
		{ "verbose", 'v', OPT_FLAG, &app->verbose, 0, 0 },
		{ "help", 'h', OPT_FLAG, &help, 0, 0 },
		{ "version", 0, OPT_FLAG, &version, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	int next = argc;
	enum pv_code rc = refuse_pins(argc, argv, err);

	app->home = home && *home ? home : ".";
	if (rc == PV_OK)
		rc = opts_parse_until(opts, argc, argv, &next, err);
	if (rc != PV_OK)
		return rc;
	if (!app->as != !app->key || (app->pin_source && !app->key))
		return err_fail(err, PV_USAGE, "usage.option", "see --help",
				"--as and --key go together, --pin-source with "
				"them");
	if (app->quiet && app->verbose)
		return err_fail(err, PV_USAGE, "usage.option", NULL,
				"-q and -v exclude each other");
	if (version)
		puts(PACKAGE_STRING);
	else if (help)
		print_usage(stdout);
	else
		return run_verb(app, argc - next, argv + next, err);
	return PV_OK;
}

int main(int argc, char **argv)
{
	struct app app = { .backends = &app_backends,
			   .softhsm_conf = getenv("SOFTHSM2_CONF") };
	struct err err;
	enum pv_code rc;

	err_init(&err);
	rc = harden_process(&err);
	if (rc == PV_OK)
		rc = run(&app, argc, argv, &err);
	if (rc == PV_OK)
		rc = out_flush(&err);
	if (rc == PV_INTERRUPTED && only_prose(argc, argv))
		rc = PV_OK;
	if (rc != PV_OK) {
		/* A code without a cause still says what it was. */
		err.code = rc;
		out_error(&app, &err);
	}
	return (int)rc;
}
