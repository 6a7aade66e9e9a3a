#include <stdio.h>
#include <string.h>

#include "cmd/opts.h"
#include "cmd/out.h"
#include "cmd/quarantine.h"
#include "cmd/session.h"
#include "lib/flow/quarantine.h"

static json_t *held_json(const struct store_held *h, bool bytes)
{
	json_t *o = json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:I}", "id",
			      (json_int_t)h->id, "state",
			      quarantine_state(h->state), "request", h->request,
			      "device", h->device, "rule", h->rule, "source",
			      h->source, "log_index", (json_int_t)h->put_index);

	if (o && bytes)
		json_object_set_new(
			o, "bytes",
			json_stringn((const char *)h->bytes.p, h->bytes.len));
	return o;
}

static enum pv_code list_one(void *ctx, const struct store_held *h,
			     struct err *err)
{
	const struct app *app = ctx;

	if (app->json)
		return out_json(held_json(h, false), err);
	printf("%llu %s", (unsigned long long)h->id,
	       quarantine_state(h->state));
	out_text(" ", h->device[0] ? h->device : "-");
	out_text(" request ", h->request);
	out_text(": ", h->rule);
	out_text(" (", h->source);
	puts(")");
	return PV_OK;
}

static enum pv_code show_one(void *ctx, const struct store_held *h,
			     struct err *err)
{
	const struct app *app = ctx;

	if (app->json)
		return out_json(held_json(h, true), err);
	printf("number   %llu, %s", (unsigned long long)h->id,
	       quarantine_state(h->state));
	out_text("\nrequest  ", h->request);
	out_text("\ndevice   ", h->device[0] ? h->device : "-");
	out_text("\nrule     ", h->rule);
	out_text("\nsource   ", h->source);
	printf("\nlog      entry %llu\nbytes    ",
	       (unsigned long long)h->put_index);
	out_safe(h->bytes);
	putchar('\n');
	return PV_OK;
}

/* id 0: the list, or what is known of device. */
static enum pv_code look(const struct app *app, bool all, uint64_t id,
			 const char *device, struct err *err)
{
	const struct store_visit v = { (void *)app,
				       { .held = id ? show_one : list_one } };
	SESSION s = { .a = NULL };
	enum pv_code rc = session_open(
		app, SESSION_STORE | SESSION_MAY(ROLE_OP_READ), &s, err);

	if (rc != PV_OK)
		return rc;
	if (id)
		return quarantine_get(s.store, id, &v, err);
	if (!device)
		rc = quarantine_each(s.store, all, &v, err);
	return rc == PV_OK ? quarantine_print_devices(app, s.store, device, err)
			   : rc;
}

static enum pv_code decide(const struct app *app, enum store_held_state state,
			   uint64_t id, const struct approvals_want *want,
			   struct err *err)
{
	SESSION s = { .a = NULL };
	struct quarantine_report r;
	enum pv_code rc =
		session_open(app, SESSION_STORE | SESSION_GATED, &s, err);

	if (rc == PV_OK)
		rc = quarantine_decide(s.a, s.store, id, state, want, &r, err);
	if (rc == PV_OK)
		rc = session_protect(app, &s, err);
	if (rc != PV_OK)
		return rc;
	if (app->json)
		return out_json(json_pack("{s:I, s:s, s:s, s:s, s:s, s:s}",
					  "id", (json_int_t)id, "state",
					  quarantine_state(state), "request",
					  r.request, "device", r.device, "rule",
					  r.rule, "persons", r.persons),
				err);
	printf("%llu %s: device %s, request %s, %s\n", (unsigned long long)id,
	       quarantine_state(state), r.device, r.request, r.rule);
	if (r.persons[0])
		printf("approved by %s\n", r.persons);
	return PV_OK;
}

static enum pv_code run(const struct app *app, int argc, char **argv,
			struct err *err)
{
	struct approvals_want want = { .op = QUORUM_RELEASE_QUARANTINE };
	struct opt_list approvals = { .n = 0 };
	bool all = false, asks, numbered;
	const char *device = NULL;
	const struct opt opts[] = {
		{ "all", 0, OPT_FLAG, &all, 0, 0 },
		{ "device", 0, OPT_STRING, &device, 0, 0 },
		{ "approval", 0, OPT_LIST, &approvals, 0, 0 },
		{ "request", 0, OPT_STRING, &want.request_out, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	struct opt_args args;
	uint64_t id = 0;
	const char *word;
	enum pv_code rc = opts_parse(opts, argc, argv, 1, 2, &args, err);

	if (rc != PV_OK)
		return rc;
	word = args.values[0];
	want.files = approvals.values;
	want.files_n = approvals.n;
	asks = approvals.n || want.request_out;
	if (args.n == 1 && !asks && !device && strcmp(word, "list") == 0)
		return look(app, all, 0, NULL, err);
	if (args.n == 1 && !asks && !all && device && strcmp(word, "show") == 0)
		return look(app, false, 0, device, err);
	if (args.n == 2 && !opts_number(args.values[1], 1, INT64_MAX, &id))
		return err_fail(err, PV_USAGE, "usage.value",
				"see provctl quarantine list",
				"what is held has a number");
	numbered = args.n == 2 && !all && !device;
	if (numbered && !asks && strcmp(word, "show") == 0)
		return look(app, true, id, NULL, err);
	if (numbered && strcmp(word, "release") == 0)
		return decide(app, STORE_RELEASED, id, &want, err);
	if (numbered && strcmp(word, "reject") == 0)
		return decide(app, STORE_REJECTED, id, &want, err);
	return err_fail(err, PV_USAGE, "usage.argument",
			"see provctl quarantine --help",
			"quarantine takes list, show ID, show --device DEVICE, "
			"release ID or reject ID");
}

const struct verb verb_quarantine = {
	.name = "quarantine",
	.summary = "suspect requests: list, show, release, reject",
	.help = quarantine_help,
	.parts = quarantine_parts,
	.token = true,
	.run = run,
};
