#include <stdio.h>
#include <string.h>

#include "cmd/opts.h"
#include "cmd/out.h"
#include "cmd/session.h"
#include "lib/flow/settings.h"

static const char help[] =
	"usage: provctl config show\n"
	"       provctl config accept [--approval NOTE]... [--request FILE]\n"
	"\n"
	"What of provctl.json and the file witnesses guards the decisions of "
	"people:\n"
	"all of it but jobs, sessions_per_token, hsm_timeout_s, templates and "
	"telemetry.\n"
	"The log says what of it was accepted: at init, with the first "
	"roster, and by\n"
	"accept.\n"
	"\n"
	"  show      what is configured: + marks what was not accepted, - what "
	"was and\n"
	"            is not there any more\n"
	"  accept    takes it as it is now: what is changed ends any other "
	"command with\n"
	"            4 under a roster, and another module without one, too\n"
	"\n"
	"Under a roster accept needs approvals and writes the request for "
	"them, to FILE\n"
	"or below the home's requests/; `provctl approve --help`.\n"
	"\n"
	"Each has its own help: provctl config accept --help\n"
	"\n"
	"example: provctl -C acme config accept --approval alice.note\n";

static const char show_help[] =
	"usage: provctl config show\n"
	"\n"
	"What of provctl.json and the file witnesses guards decisions, a line "
	"each: +\n"
	"marks what was not accepted, - what was and is not there any more.\n"
	"\n"
	"example: provctl -C acme config show\n";

static const char accept_help[] =
	"usage: provctl config accept [--approval NOTE]... [--request FILE]\n"
	"\n"
	"Takes provctl.json and the file witnesses as they are now. Under a "
	"roster it\n"
	"needs approvals and writes the request for them, to FILE or below the "
	"home's\n"
	"requests/; `provctl approve --help'.\n"
	"\n"
	"example: provctl -C acme config accept --approval alice.note\n";

static const struct verb_part parts[] = {
	{ "show", show_help },
	{ "accept", accept_help },
	{ NULL, NULL },
};

static enum pv_code accept(const struct app *app,
			   const struct approvals_want *want, struct err *err)
{
	SESSION s = { .a = NULL };
	struct settings_accepted r;
	enum pv_code rc = session_open(
		app, SESSION_STORE | SESSION_GATED | SESSION_SETTINGS, &s, err);

	if (rc == PV_OK)
		rc = settings_accept(s.a, s.store, want, &r, err);
	if (rc == PV_OK)
		rc = session_protect(app, &s, err);
	if (rc != PV_OK)
		return rc;
	if (app->json)
		return out_json(json_pack("{s:b, s:s}", "existing", r.existing,
					  "persons", r.persons),
				err);
	printf("the configuration is accepted%s\n",
	       r.existing ? " already" : "");
	if (r.persons[0])
		printf("approved by %s\n", r.persons);
	return PV_OK;
}

struct listing {
	struct span accepted, now;
	json_t *lines; /* NULL: printed */
};

static enum pv_code put_line(const struct listing *l, struct span line,
			     char mark, struct err *err)
{
	if (!l->lines) {
		printf("%c %.*s\n", mark, (int)line.len, (const char *)line.p);
		return PV_OK;
	}
	if (json_array_append_new(l->lines,
				  json_pack("{s:s%, s:b, s:b}", "line",
					    (const char *)line.p, line.len,
					    "configured", mark != '-',
					    "accepted", mark != '+')) == 0)
		return PV_OK;
	return err_fail(err, PV_INTERNAL, "memory", NULL, "out of memory");
}

/* Lines of text that other has not, or that both have. */
static enum pv_code put_lines(const struct listing *l, struct span text,
			      struct span other, bool both, char mark,
			      struct err *err)
{
	struct span line;
	enum pv_code rc = PV_OK;

	while (rc == PV_OK && settings_next(&text, &line))
		if (settings_has(other, line) == both)
			rc = put_line(l, line, mark, err);
	return rc;
}

static enum pv_code put_all(const struct listing *l, struct err *err)
{
	enum pv_code rc = put_lines(l, l->now, l->accepted, true, ' ', err);

	if (rc == PV_OK)
		rc = put_lines(l, l->accepted, l->now, false, '-', err);
	return rc == PV_OK ? put_lines(l, l->now, l->accepted, false, '+', err)
			   : rc;
}

static enum pv_code show(const struct app *app, struct err *err)
{
	CLEANUP(buf_release) struct buf now, accepted;
	SESSION s = { .a = NULL };
	struct listing l = { .lines = app->json ? json_array() : NULL };
	bool found;
	enum pv_code rc = session_open(app,
				       SESSION_STORE | SESSION_SETTINGS |
					       SESSION_MAY(ROLE_OP_READ),
				       &s, err);

	buf_init(&now, SETTINGS_MAX);
	buf_init(&accepted, SETTINGS_MAX);
	if (rc == PV_OK)
		rc = settings_now(s.a, &now, err);
	if (rc == PV_OK)
		rc = settings_expected(s.store, false, &accepted, &found, err);
	l.now = buf_span(&now);
	l.accepted = buf_span(&accepted);
	if (rc == PV_OK)
		rc = put_all(&l, err);
	if (rc == PV_OK && l.lines)
		return out_json(json_pack("{s:o}", "settings", l.lines), err);
	json_decref(l.lines);
	return rc;
}

static enum pv_code run(const struct app *app, int argc, char **argv,
			struct err *err)
{
	struct approvals_want want = { .op = QUORUM_CONFIG_ACCEPT };
	struct opt_list approvals = { .n = 0 };
	const struct opt opts[] = {
		{ "approval", 0, OPT_LIST, &approvals, 0, 0 },
		{ "request", 0, OPT_STRING, &want.request_out, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 1, 1, &args, err);

	want.files = approvals.values;
	want.files_n = approvals.n;
	if (rc == PV_OK && strcmp(args.values[0], "accept") == 0)
		return accept(app, &want, err);
	if (rc == PV_OK && strcmp(args.values[0], "show") == 0)
		return show(app, err);
	if (rc != PV_OK)
		return rc;
	return err_fail(err, PV_USAGE, "usage.argument",
			"see provctl config --help",
			"config does not know \"%.40s\"", args.values[0]);
}

const struct verb verb_config = {
	.name = "config",
	.summary = "accept what of provctl.json guards decisions",
	.help = help,
	.parts = parts,
	.token = true,
	.run = run,
};
