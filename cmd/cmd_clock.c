#include <stdio.h>
#include <string.h>

#include "cmd/opts.h"
#include "cmd/out.h"
#include "cmd/session.h"
#include "lib/base/pvtime.h"
#include "lib/flow/clockaccept.h"

static const char help[] =
	"usage: provctl clock accept --until TIME [--approval NOTE]...\n"
	"         [--request FILE]\n"
	"\n"
	"A clock that is ahead of the log's newest entry by more than\n"
	"clock_max_step_days denies. When it is right (the machine stood still "
	"for\n"
	"long), this takes it: one entry steps to the time that it is now, if "
	"that\n"
	"is not past TIME (as 2026-01-31T00:00:00Z), and all goes on from "
	"there. "
	"No\n"
	"decision lets the clock go back before the newest entry, or before "
	"the "
	"time\n"
	"that witnesses vouch for. status says what the clock is held "
	"against.\n"
	"\n"
	"Under a roster it needs approvals and writes the request for them, to "
	"FILE\n"
	"or below the home's requests/; `provctl approve --help`.\n"
	"\n"
	"example: provctl -C acme clock accept --until 2026-06-01T00:00:00Z\n";

struct clock_opts {
	const char *until;
	struct opt_list approvals;
	const char *request;
};

static enum pv_code show(const struct app *app, const struct clock_accepted *r,
			 struct err *err)
{
	char from[PVTIME_RFC3339_LEN + 1], now[PVTIME_RFC3339_LEN + 1];

	if (!pvtime_format(r->from_s, from) || !pvtime_format(r->now_s, now))
		return err_fail(err, PV_INTERNAL, NULL, NULL,
				"a time cannot be printed");
	if (app->json)
		return out_json(json_pack("{s:b, s:s, s:s, s:s}", "accepted",
					  !r->needless, "newest_entry", from,
					  "now", now, "persons", r->persons),
				err);
	if (r->needless)
		printf("the clock is within bounds: there is nothing to "
		       "accept\n");
	else
		printf("the clock is accepted: from %s to %s\n", from, now);
	if (r->persons[0])
		printf("approved by %s\n", r->persons);
	return PV_OK;
}

static enum pv_code accept(const struct app *app, const struct clock_opts *o,
			   struct err *err)
{
	const struct approvals_want want = { .files = o->approvals.values,
					     .files_n = o->approvals.n,
					     .request_out = o->request };
	SESSION s = { .a = NULL };
	struct clock_accepted r;
	int64_t until_s;
	enum pv_code rc;

	if (!o->until || !pvtime_parse(o->until, strlen(o->until), &until_s))
		return err_fail(err, PV_USAGE, "usage.option",
				"see provctl clock --help",
				"give --until as 2026-01-31T00:00:00Z");
	rc = session_open(app, SESSION_STORE | SESSION_GATED, &s, err);
	if (rc == PV_OK)
		rc = clock_accept(s.a, s.store, until_s, &want, &r, err);
	if (rc == PV_OK)
		rc = session_protect(app, &s, err);
	return rc == PV_OK ? show(app, &r, err) : rc;
}

static enum pv_code run(const struct app *app, int argc, char **argv,
			struct err *err)
{
	struct clock_opts o = { .until = NULL };
	const struct opt opts[] = {
		{ "until", 0, OPT_STRING, &o.until, 0, 0 },
		{ "approval", 0, OPT_LIST, &o.approvals, 0, 0 },
		{ "request", 0, OPT_STRING, &o.request, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 1, 1, &args, err);

	if (rc == PV_OK && strcmp(args.values[0], "accept") != 0)
		rc = err_fail(err, PV_USAGE, "usage.argument",
			      "see provctl clock --help",
			      "clock does not know \"%.40s\"", args.values[0]);
	return rc == PV_OK ? accept(app, &o, err) : rc;
}

const struct verb verb_clock = {
	.name = "clock",
	.summary = "accept a clock that is far ahead of the log",
	.help = help,
	.token = true,
	.run = run,
};
