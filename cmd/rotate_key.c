/* rotate bundle, kdf, store, log, log-ecdsa, event, ocsp: the next generation
 * of a key. */
#include <stdio.h>
#include <string.h>

#include "cmd/opts.h"
#include "cmd/out.h"
#include "cmd/rotate.h"
#include "cmd/session.h"
#include "lib/flow/ownkey.h"
#include "lib/flow/rotate_key.h"

struct key_opts {
	bool prepare, finish;
	struct opt_list approvals;
	const char *request;
};

static enum pv_code check(const struct key_opts *o, const char *purpose,
			  struct err *err)
{
	if (o->prepare && (o->finish || o->approvals.n > 0 || o->request))
		return err_fail(err, PV_USAGE, "usage.option",
				"see provctl rotate bundle --help",
				"--prepare stands alone: nothing is in use yet "
				"that people must approve");
	if (o->finish && !ownkey_is_log(purpose))
		return err_fail(err, PV_USAGE, "usage.option",
				"see provctl rotate bundle --help",
				"--finish goes with the log's keys");
	return PV_OK;
}

static enum pv_code show(const struct app *app, const char *purpose,
			 enum rotate_step step,
			 const struct rotate_key_report *r, struct err *err)
{
	static const char *const states[] = { "prepared", "in use", "alone" };

	if (app->json)
		return out_json(
			json_pack("{s:s, s:s, s:s, s:I, s:s, s:b, s:I, s:s}",
				  "key", purpose, "from", r->from, "to", r->to,
				  "generation", (json_int_t)r->generation,
				  "state", states[step], "made", r->made,
				  "manifests", (json_int_t)r->manifests,
				  "persons", r->persons),
			err);
	switch (step) {
	case ROTATE_PREPARE:
		printf("%s is prepared: export it, then run rotate %s\n", r->to,
		       purpose);
		break;
	case ROTATE_USE:
		if (r->from[0])
			printf("%s is in use in place of %s\n", r->to, r->from);
		else
			printf("%s is in use\n", r->to);
		if (strcmp(purpose, "ocsp") == 0)
			printf("answers are signed by it as they are made: "
			       "provctl rotate crl --all makes all\n");
		if (ownkey_is_log(purpose))
			printf("both sign until rotate %s --finish\n", purpose);
		break;
	case ROTATE_FINISH:
		printf("%s signs without %s\n", r->to, r->from);
		break;
	}
	if (r->manifests > 0)
		printf("%zu manifest%s signed anew\n", r->manifests,
		       err_s(r->manifests));
	if (r->persons[0])
		printf("approved by %s\n", r->persons);
	return PV_OK;
}

static enum pv_code rotate(const struct app *app, const char *purpose,
			   const struct key_opts *o, struct err *err)
{
	const struct approvals_want want = { .files = o->approvals.values,
					     .files_n = o->approvals.n,
					     .request_out = o->request };
	const struct rotate_key_opts opts = { .purpose = purpose,
					      .step = o->prepare
							      ? ROTATE_PREPARE
						      : o->finish
							      ? ROTATE_FINISH
							      : ROTATE_USE,
					      .want = &want };
	SESSION s = { .a = NULL };
	struct rotate_key_report r;
	enum pv_code rc = session_open(
		app,
		SESSION_STORE | SESSION_HSM | SESSION_ROTATES |
			(o->prepare ? SESSION_MAY(ROLE_OP_ROTATE_KEY)
				    : SESSION_GATED),
		&s, err);

	if (rc == PV_OK)
		rc = rotate_key(s.a, s.store, s.hsm, &opts, &r, err);
	if (rc == PV_OK)
		rc = session_checkpoint(app, &s, err);
	return rc == PV_OK ? show(app, purpose, opts.step, &r, err) : rc;
}

enum pv_code rotate_run_key(const struct app *app, int argc, char **argv,
			    struct err *err)
{
	struct key_opts o = { .prepare = false };
	const struct opt opts[] = {
		{ "prepare", 0, OPT_FLAG, &o.prepare, 0, 0 },
		{ "finish", 0, OPT_FLAG, &o.finish, 0, 0 },
		{ "approval", 0, OPT_LIST, &o.approvals, 0, 0 },
		{ "request", 0, OPT_STRING, &o.request, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 0, 0, &args, err);

	if (rc == PV_OK)
		rc = check(&o, argv[0], err);
	return rc == PV_OK ? rotate(app, argv[0], &o, err) : rc;
}
