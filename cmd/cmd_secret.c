/* secret: values that many devices share, sealed by the store key. */
#include <stdio.h>
#include <string.h>

#include "cmd/opts.h"
#include "cmd/out.h"
#include "cmd/secret.h"
#include "cmd/session.h"
#include "lib/base/cleanup.h"
#include "lib/flow/secrets.h"

CLEANUP_PTR(struct authority, authority_close);

/* The value before the PIN: what is not good enough costs no login. */
static enum pv_code read_value(const struct app *app,
			       const struct secret_opts *o,
			       struct secret *value, struct err *err)
{
	CLEANUP(cleanup_authority_close) struct authority *a = NULL;
	enum pv_code rc = authority_open(app->home, &a, err);

	return rc == PV_OK ? secret_input(o->from, a->pin_source, o->name,
					  value, err)
			   : rc;
}

static enum pv_code put(const struct app *app, const struct secret_opts *o,
			bool rotate, struct err *err)
{
	CLEANUP(approvals_release) struct approvals got = { .needed = 0 };
	SECRET value = SECRET_INIT;
	const struct secrets_ask ask = { .type = rotate ? LOG_SECRET_ROTATE
							: LOG_SECRET_ADD,
					 .name = o->name,
					 .value = &value };
	SESSION s = { .a = NULL };
	uint64_t version = 1;
	size_t len;
	enum pv_code rc = read_value(app, o, &value, err);

	len = value.len;
	if (rc == PV_OK)
		rc = session_open(app,
				  SESSION_STORE | SESSION_HSM | SESSION_GATED,
				  &s, err);
	if (rc == PV_OK)
		rc = secrets_gate(s.a, s.store, &ask, &o->want, &got, err);
	if (rc == PV_OK && rotate)
		rc = secrets_rotate(s.a, s.store, s.hsm, o->name, &value,
				    &version, &got, err);
	else if (rc == PV_OK)
		rc = secrets_add(s.a, s.store, s.hsm, o->name, &value, &got,
				 err);
	secret_release(&value);
	if (rc == PV_OK)
		rc = session_protect(app, &s, err);
	if (rc != PV_OK)
		return rc;
	if (app->json)
		return out_json(json_pack("{s:s, s:I, s:I}", "secret", o->name,
					  "version", (json_int_t)version,
					  "bytes", (json_int_t)len),
				err);
	printf("%s version %llu stored (%zu byte%s)\n", o->name,
	       (unsigned long long)version, len, err_s(len));
	return PV_OK;
}

static enum pv_code add(const struct app *app, const struct secret_opts *o,
			struct err *err)
{
	return put(app, o, false, err);
}

static enum pv_code rotate(const struct app *app, const struct secret_opts *o,
			   struct err *err)
{
	return put(app, o, true, err);
}

static enum pv_code destroy(const struct app *app, const struct secret_opts *o,
			    struct err *err)
{
	CLEANUP(approvals_release) struct approvals got = { .needed = 0 };
	const struct secrets_ask ask = { .type = LOG_SECRET_DESTROY,
					 .name = o->name,
					 .version = o->version };
	SESSION s = { .a = NULL };
	uint64_t n = 0;
	enum pv_code rc =
		session_open(app, SESSION_STORE | SESSION_GATED, &s, err);

	if (rc == PV_OK)
		rc = secrets_gate(s.a, s.store, &ask, &o->want, &got, err);
	if (rc == PV_OK)
		rc = secrets_destroy(s.store, o->name, o->version, &n, &got,
				     err);
	if (rc == PV_OK)
		rc = session_protect(app, &s, err);
	if (rc != PV_OK)
		return rc;
	if (app->json)
		return out_json(json_pack("{s:s, s:I}", "secret", o->name,
					  "destroyed", (json_int_t)n),
				err);
	if (n == 0)
		printf("%s was destroyed before\n", o->name);
	else
		printf("%s: %llu version%s destroyed\n", o->name,
		       (unsigned long long)n, n == 1 ? "" : "s");
	return PV_OK;
}

static const struct secret_verb {
	const char *name;
	size_t args; /* behind the name */
	bool from, version;
	enum pv_code (*run)(const struct app *app, const struct secret_opts *o,
			    struct err *err);
} verbs[] = {
	{ "add", 1, true, false, add },
	{ "rotate", 1, true, false, rotate },
	{ "list", 0, false, false, secret_run_list },
	{ "destroy", 1, false, true, destroy },
};

static enum pv_code check(const struct secret_verb *v,
			  const struct opt_args *args,
			  const struct secret_opts *o, struct err *err)
{
	if (args->n != v->args + 1)
		return err_fail(err, PV_USAGE, "usage.argument",
				"see provctl secret --help",
				"secret %s takes %s", v->name,
				v->args ? "one NAME: no value is taken from "
					  "the command line"
					: "no NAME");
	if ((o->from && !v->from) || (o->version && !v->version))
		return err_fail(err, PV_USAGE, "usage.option",
				"see provctl secret --help",
				"secret %s does not take --%s", v->name,
				o->from ? "from" : "version");
	if (v->args == 0 && (o->approvals.n > 0 || o->want.request_out))
		return err_fail(err, PV_USAGE, "usage.option",
				"see provctl secret --help",
				"secret %s needs no approvals", v->name);
	return PV_OK;
}

static enum pv_code run(const struct app *app, int argc, char **argv,
			struct err *err)
{
	struct secret_opts o = { .name = NULL };
	const struct opt opts[] = {
		{ "from", 0, OPT_STRING, &o.from, 0, 0 },
		{ "version", 0, OPT_NUMBER, &o.version, 1, UINT32_MAX },
		{ "approval", 0, OPT_LIST, &o.approvals, 0, 0 },
		{ "request", 0, OPT_STRING, &o.want.request_out, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 1, 3, &args, err);

	if (rc != PV_OK)
		return rc;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verbs[i].name, args.values[0]) != 0)
			continue;
		o.want.files = o.approvals.values;
		o.want.files_n = o.approvals.n;
		o.name = args.n > 1 ? args.values[1] : NULL;
		rc = check(&verbs[i], &args, &o, err);
		return rc == PV_OK ? verbs[i].run(app, &o, err) : rc;
	}
	return err_fail(err, PV_USAGE, "usage.argument",
			"see provctl secret --help",
			"secret does not know \"%.40s\"", args.values[0]);
}

const struct verb verb_secret = {
	.name = "secret",
	.summary = "stored secrets: add, rotate, list, destroy",
	.help = secret_help,
	.parts = secret_parts,
	.token = true,
	.run = run,
};
