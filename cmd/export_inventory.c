#include <stdio.h>
#include <string.h>

#include "cmd/export.h"
#include "cmd/inventory.h"
#include "cmd/opts.h"
#include "cmd/out_stream.h"
#include "cmd/session.h"
#include "lib/base/cleanup.h"
#include "lib/flow/event.h"
#include "lib/flow/export.h"

static enum pv_code check(struct inventory *in, const char *since,
			  struct err *err)
{
	enum store_state s = STORE_RESERVED;

	in->since_s = -1;
	if (since && export_since(since, &in->since_s, err) != PV_OK)
		return PV_USAGE;
	while (in->state && s <= STORE_QUARANTINED &&
	       strcmp(in->state, export_state_name(s)) != 0)
		s++;
	if (s > STORE_QUARANTINED)
		return err_fail(err, PV_USAGE, "usage.option",
				"reserved, issued, suspended (held), revoked, "
				"retired or quarantined",
				"no device is ever \"%.40s\"", in->state);
	return PV_OK;
}

/* All of it as of one moment. */
static enum pv_code put_all(const struct session *s, struct inventory *in,
			    struct err *err)
{
	const struct store_visit v = { .ctx = in, .fn.device = inventory_put };
	STORE_TXN txn = STORE_TXN_INIT;
	enum pv_code rc = store_begin(s->store, STORE_READ, &txn, err);

	in->store = s->store;
	in->words = (struct crl_words){ .a = s->a,
					.store = s->store,
					.upto = &s->log.last };
	if (in->csv)
		fputs(inventory_head, in->to);
	if (rc == PV_OK)
		rc = store_device_each(s->store, 0, &v, err);
	crl_words_release(&in->words);
	return rc;
}

static enum pv_code log_it(const struct session *s, const char *output,
			   struct err *err)
{
	return event_export(s->store, "inventory", "inventory",
			    export_to(output), err);
}

enum pv_code export_run_inventory(const struct app *app, int argc, char **argv,
				  struct err *err)
{
	struct inventory in = { .csv = false };
	bool jsonl = false; /* also without it */
	const char *output = "-", *since = NULL;
	const struct opt opts[] = {
		{ "device", 0, OPT_STRING, &in.device, 0, 0 },
		{ "state", 0, OPT_STRING, &in.state, 0, 0 },
		{ "template", 0, OPT_STRING, &in.template, 0, 0 },
		{ "order", 0, OPT_STRING, &in.order, 0, 0 },
		{ "since", 0, OPT_STRING, &since, 0, 0 },
		{ "jsonl", 0, OPT_FLAG, &jsonl, 0, 0 },
		{ "csv", 0, OPT_FLAG, &in.csv, 0, 0 },
		{ "output", 'o', OPT_STRING, &output, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	CLEANUP(out_stream_release) struct out_stream out = OUT_STREAM_INIT;
	SESSION s = { .a = NULL };
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 0, 0, &args, err);

	if (rc == PV_OK && jsonl && in.csv)
		rc = err_fail(err, PV_USAGE, "usage.option",
			      "see `provctl export --help'",
			      "one form at a time: --jsonl, --csv");
	if (rc == PV_OK)
		rc = check(&in, since, err);
	if (rc == PV_OK)
		rc = session_open(
			app, SESSION_STORE | SESSION_MAY(ROLE_OP_EXPORT_PUBLIC),
			&s, err);
	if (rc == PV_OK)
		rc = session_witnessed(&s, NULL, err);
	if (rc == PV_OK)
		rc = out_stream_open(&out, output, err);
	/* To a file nothing leaves before its end. */
	if (rc == PV_OK && out.folder < 0)
		rc = log_it(&s, output, err);
	if (rc != PV_OK)
		return rc;
	in.to = out.to;
	rc = put_all(&s, &in, err);
	if (rc == PV_OK && out.folder >= 0) {
		rc = out_stream_whole(&out, err);
		if (rc == PV_OK)
			rc = log_it(&s, output, err);
	}
	if (rc == PV_OK)
		rc = out_stream_end(&out, err);
	return rc == PV_OK ? session_checkpoint(app, &s, err) : rc;
}
