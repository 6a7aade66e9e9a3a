#include <stdio.h>
#include <string.h>

#include "cmd/export.h"
#include "cmd/opts.h"
#include "cmd/out.h"
#include "cmd/session.h"
#include "lib/base/pem.h"
#include "lib/base/pvtime.h"
#include "lib/flow/exportcrl.h"
#include "lib/x509/crl.h"
#include "lib/x509/ocsp.h"

#define PEM_ROOM (2 * X509_CRL_MAX)

struct crl_opts {
	const char *ca, *output;
	bool der;
};

static enum pv_code give(const struct app *app, struct session *s,
			 const struct crl_opts *o, struct span der,
			 struct err *err)
{
	CLEANUP(buf_release) struct buf pem;

	if (o->der)
		return export_give(app, s, o->ca, "crl", o->output, 0644, der,
				   err);
	buf_init(&pem, PEM_ROOM);
	pem_encode(&pem, "X509 CRL", der);
	if (buf_check(&pem, err) != PV_OK)
		return err->code;
	return export_give(app, s, o->ca, "crl", o->output, 0644,
			   buf_span(&pem), err);
}

enum pv_code export_run_crl(const struct app *app, int argc, char **argv,
			    struct err *err)
{
	struct crl_opts o = { .output = "-" };
	uint64_t shard = UINT64_MAX;
	const struct opt opts[] = {
		{ "ca", 0, OPT_STRING, &o.ca, 0, 0 },
		{ "shard", 0, OPT_NUMBER, &shard, 0, UINT32_MAX },
		{ "der", 0, OPT_FLAG, &o.der, 0, 0 },
		{ "output", 'o', OPT_STRING, &o.output, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	CLEANUP(buf_release) struct buf der;
	SESSION s = { .a = NULL };
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 0, 0, &args, err);

	buf_init(&der, X509_CRL_MAX);
	if (rc == PV_OK && !o.ca)
		rc = err_fail(err, PV_USAGE, "usage.option", "see --help",
			      "--ca is missing");
	if (rc == PV_OK)
		rc = session_open(
			app, SESSION_STORE | SESSION_MAY(ROLE_OP_EXPORT_PUBLIC),
			&s, err);
	if (rc == PV_OK)
		rc = session_witnessed(&s, NULL, err);
	if (rc == PV_OK)
		rc = export_crl(s.a, s.store, o.ca,
				shard == UINT64_MAX ? -1 : (int64_t)shard,
				pvtime_now_s(), &der, err);
	return rc == PV_OK ? give(app, &s, &o, buf_span(&der), err) : rc;
}

/* DER, as it is published. */
enum pv_code export_run_ocsp(const struct app *app, int argc, char **argv,
			     struct err *err)
{
	const char *device = NULL, *output = "-";
	const struct opt opts[] = {
		{ "device", 0, OPT_STRING, &device, 0, 0 },
		{ "output", 'o', OPT_STRING, &output, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	CLEANUP(buf_release) struct buf der;
	SESSION s = { .a = NULL };
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 0, 0, &args, err);

	buf_init(&der, X509_OCSP_MAX);
	if (rc == PV_OK && !device)
		rc = err_fail(err, PV_USAGE, "usage.option", "see --help",
			      "--device is missing");
	if (rc == PV_OK)
		rc = session_open(
			app, SESSION_STORE | SESSION_MAY(ROLE_OP_EXPORT_PUBLIC),
			&s, err);
	if (rc == PV_OK)
		rc = session_witnessed(&s, NULL, err);
	if (rc == PV_OK)
		rc = export_ocsp(s.a, s.store, device, pvtime_now_s(), &der,
				 err);
	return rc == PV_OK ? export_give(app, &s, device, "ocsp", output, 0644,
					 buf_span(&der), err)
			   : rc;
}
