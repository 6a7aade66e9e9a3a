/* rotate ca: the next generation of a CA. */
#include <stdio.h>
#include <string.h>

#include "cmd/opts.h"
#include "cmd/out.h"
#include "cmd/rotate.h"
#include "cmd/session.h"
#include "lib/base/pvtime.h"
#include "lib/flow/publish.h"
#include "lib/flow/rotate_ca.h"

struct ca_opts {
	const char *name, *at, *template_name, *request;
	bool withdraw;
	struct opt_list approvals;
};

static enum pv_code show(const struct app *app, const struct ca_opts *o,
			 const struct rotate_ca_report *r, struct err *err)
{
	if (app->json)
		return out_json(
			json_pack("{s:s, s:I, s:s, s:s, s:s, s:s*, s:s*, "
				  "s:s*, s:s, s:b}",
				  "ca", o->name, "generation",
				  (json_int_t)r->generation, "key", r->label,
				  "template", r->template_name, "serial",
				  r->serial, "new_signed_by_old",
				  r->crossed ? r->new_old : NULL,
				  "old_signed_by_new",
				  r->crossed ? r->old_new : NULL, "takes_over",
				  o->at, "persons", r->persons, "withdrawn",
				  r->withdrawn),
			err);
	if (r->resumed)
		printf("a rotation that was cut off is ended:\n");
	if (r->moved || r->withdrawn) {
		printf("%s generation %u, key %s\n", o->name, r->generation,
		       r->label);
		if (r->moved)
			printf("issuing moves to it at %s\n", o->at);
		else
			printf("it is withdrawn: it never issues\n");
		if (r->persons[0])
			printf("approved by %s\n", r->persons);
		return PV_OK;
	}
	printf("%s generation %u (serial %s), key %s\n", o->name, r->generation,
	       r->serial, r->label);
	if (o->at)
		printf("issuing moves to it at %s\n", o->at);
	else
		printf("it issues from now on\n");
	if (r->root)
		printf("CAs below it stay under the old one until they are "
		       "rotated; new bundles carry both roots\n");
	if (r->resumed)
		return PV_OK;
	if (r->crossed)
		printf("cross-certificates: provctl export chain --ca %s "
		       "--all\n",
		       o->name);
	else
		printf("no cross-certificates: the old certificate is over or "
		       "revoked\n");
	if (r->persons[0])
		printf("approved by %s\n", r->persons);
	return PV_OK;
}

static enum pv_code parse_at(const char *at, uint64_t *ms, struct err *err)
{
	int64_t s;

	*ms = 0;
	if (!at)
		return PV_OK;
	if (!pvtime_parse(at, strlen(at), &s) || s <= 0)
		return err_fail(err, PV_USAGE, "usage.option",
				"see provctl rotate ca --help",
				"give --at as 2026-01-31T00:00:00Z");
	*ms = (uint64_t)s * 1000;
	return PV_OK;
}

/* The lists that new certificates name. It stands whatever becomes of them:
 * the next run makes them. */
static enum pv_code publish(struct session *s, struct err *err)
{
	const struct publish_job job = { .a = s->a,
					 .store = s->store,
					 .tokens = &s->tokens,
					 .covered = &s->log.last };
	struct publish_report report;
	enum pv_code rc = publish_run(&job, &report, err);

	if (rc != PV_OK)
		err_prefix(err, "the CA has its new key, but publishing");
	return rc;
}

static enum pv_code rotate(const struct app *app, const struct ca_opts *o,
			   struct err *err)
{
	const struct approvals_want want = { .files = o->approvals.values,
					     .files_n = o->approvals.n,
					     .request_out = o->request };
	struct rotate_ca_opts opts = { .ca = o->name,
				       .template_name = o->template_name,
				       .withdraw = o->withdraw,
				       .want = &want };
	SESSION s = { .a = NULL };
	struct rotate_ca_report r;
	struct err why;
	enum pv_code rc = parse_at(o->at, &opts.active_ms, err), made;

	if (rc == PV_OK)
		rc = session_open(app,
				  SESSION_STORE | SESSION_HSM | SESSION_GATED |
					  SESSION_ROTATES,
				  &s, err);
	if (rc == PV_OK)
		rc = rotate_ca(s.a, s.store, &s.tokens, &opts, &r, err);
	if (rc != PV_OK)
		return rc;
	err_init(&why);
	made = publish(&s, &why);
	rc = session_checkpoint(app, &s, err);
	if (rc == PV_OK && made != PV_OK) {
		*err = why;
		rc = made;
	}
	return rc == PV_OK ? show(app, o, &r, err) : rc;
}

enum pv_code rotate_run_ca(const struct app *app, int argc, char **argv,
			   struct err *err)
{
	struct ca_opts o = { .name = NULL };
	const struct opt opts[] = {
		{ "at", 0, OPT_STRING, &o.at, 0, 0 },
		{ "withdraw", 0, OPT_FLAG, &o.withdraw, 0, 0 },
		{ "template", 0, OPT_STRING, &o.template_name, 0, 0 },
		{ "approval", 0, OPT_LIST, &o.approvals, 0, 0 },
		{ "request", 0, OPT_STRING, &o.request, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 1, 1, &args, err);

	if (rc == PV_OK && o.withdraw && (o.at || o.template_name))
		rc = err_fail(err, PV_USAGE, "usage.option",
			      "see provctl rotate ca --help",
			      "--withdraw goes without --at and --template");
	if (rc != PV_OK)
		return rc;
	o.name = args.values[0];
	return rotate(app, &o, err);
}
