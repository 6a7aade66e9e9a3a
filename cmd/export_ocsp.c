/* export ocsp: the published answer about a device. */
#include <stdio.h>

#include "cmd/export.h"
#include "cmd/opts.h"
#include "cmd/session.h"
#include "cmd/table.h"
#include "lib/base/base64.h"
#include "lib/base/mem.h"
#include "lib/base/pvtime.h"
#include "lib/flow/exportcrl.h"
#include "lib/flow/revocation.h"
#include "lib/x509/ocsp_read.h"

#define ROW_ROOM (4 * X509_OCSP_MAX)

static const char *const columns[] = { "device",      "serial",	 "state",
				       "revoked",     "reason",	 "this_update",
				       "next_update", "response" };

static const char *time_of(int64_t time_s, char out[PVTIME_RFC3339_LEN + 1])
{
	return pvtime_format(time_s, out) ? out : NULL;
}

static enum pv_code put_row(const char *device, struct span der, bool csv,
			    struct buf *out, struct err *err)
{
	const struct table to = { csv, columns,
				  sizeof(columns) / sizeof(columns[0]), out };
	char serial[2 * X509_CRL_SERIAL_MAX + 1];
	char when[3][PVTIME_RFC3339_LEN + 1];
	char whole[BASE64_LEN(X509_OCSP_MAX) + 1];
	struct x509_ocsp r;
	enum pv_code rc = x509_ocsp_decode(der, &r, err);
	const struct x509_ocsp_status *st = &r.status;

	if (rc != PV_OK)
		return rc;
	const struct table_cell row[] = {
		{ .text = device },
		{ .text = serial },
		{ .text = st->revoked ? "revoked" : "good" },
		{ .text = st->revoked ? time_of(st->revoked_s, when[0])
				      : NULL },
		{ .text = st->revoked ? revocation_reason_name(st->reason)
				      : NULL },
		{ .text = time_of(r.this_s, when[1]) },
		{ .text = time_of(r.next_s, when[2]) },
		{ .text = whole }
	};

	hex_encode(st->serial.p,
		   st->serial.len < X509_CRL_SERIAL_MAX ? st->serial.len
							: X509_CRL_SERIAL_MAX,
		   serial);
	base64_encode(der.p, der.len, whole);
	table_begin(&to);
	return table_row(&to, row, err);
}

/* DER, as it is published, or what it says. */
enum pv_code export_run_ocsp(const struct app *app, int argc, char **argv,
			     struct err *err)
{
	const char *device = NULL, *output = "-";
	bool jsonl = false, csv = false;
	const struct opt opts[] = {
		{ "device", 0, OPT_STRING, &device, 0, 0 },
		{ "jsonl", 0, OPT_FLAG, &jsonl, 0, 0 },
		{ "csv", 0, OPT_FLAG, &csv, 0, 0 },
		{ "output", 'o', OPT_STRING, &output, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	CLEANUP(buf_release) struct buf der;
	CLEANUP(buf_release) struct buf row;
	SESSION s = { .a = NULL };
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 0, 0, &args, err);

	buf_init(&der, X509_OCSP_MAX);
	buf_init(&row, ROW_ROOM);
	if (rc == PV_OK && (!device || (jsonl && csv)))
		rc = err_fail(err, PV_USAGE, "usage.option", "see --help",
			      device ? "one form at a time: --jsonl, --csv"
				     : "--device is missing");
	if (rc == PV_OK)
		rc = session_open(
			app, SESSION_STORE | SESSION_MAY(ROLE_OP_EXPORT_PUBLIC),
			&s, err);
	if (rc == PV_OK)
		rc = session_witnessed(&s, NULL, err);
	if (rc == PV_OK)
		rc = export_ocsp(s.a, s.store, device, pvtime_now_s(), &der,
				 err);
	if (rc == PV_OK && (jsonl || csv))
		rc = put_row(device, buf_span(&der), csv, &row, err);
	return rc == PV_OK
		       ? export_give(app, &s, device, "ocsp", output, 0644,
				     buf_span(jsonl || csv ? &row : &der), err)
		       : rc;
}
