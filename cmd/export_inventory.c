#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "cmd/export.h"
#include "cmd/opts.h"
#include "cmd/out_stream.h"
#include "cmd/session.h"
#include "lib/base/cleanup.h"
#include "lib/base/pvtime.h"
#include "lib/base/sha256.h"
#include "lib/flow/event.h"
#include "lib/flow/export.h"
#include "lib/flow/logged.h"
#include "lib/store/store_device.h"
#include "lib/x509/cert.h"

struct inventory {
	struct store *store;
	bool csv;
	FILE *to;
};

/* One device as text; empty where it has no certificate. */
struct row {
	char serial[2 * STORE_SERIAL_MAX + 1];
	char sha256[65];
	char created[PVTIME_RFC3339_LEN + 1];
	char from[PVTIME_RFC3339_LEN + 1], until[PVTIME_RFC3339_LEN + 1];
};

static void put_time(int64_t time_s, char out[PVTIME_RFC3339_LEN + 1])
{
	if (!pvtime_format(time_s, out))
		out[0] = '\0';
}

static enum pv_code fill_row(const struct store_device *d, struct span der,
			     struct row *r, struct err *err)
{
	struct x509_cert cert;
	uint8_t digest[32];
	enum pv_code rc;

	memset(r, 0, sizeof(*r));
	hex_encode(d->s.serial, d->s.serial_len, r->serial);
	put_time((int64_t)(d->s.created_ms / 1000), r->created);
	if (!der.len)
		return PV_OK;
	rc = sha256(der, digest, err);
	if (rc == PV_OK)
		rc = x509_cert_decode(der, &cert, err);
	if (rc != PV_OK)
		return rc;
	hex_encode(digest, sizeof(digest), r->sha256);
	put_time(cert.not_before_s, r->from);
	put_time(cert.not_after_s, r->until);
	return PV_OK;
}

/* Ids hold no quote's meaning but '"' and ',': RFC 4180 quoting. */
static void put_csv(FILE *to, const char *s, char end)
{
	if (!strpbrk(s, "\",")) {
		fprintf(to, "%s%c", s, end);
		return;
	}
	putc('"', to);
	for (; *s; s++) {
		if (*s == '"')
			putc('"', to);
		putc(*s, to);
	}
	fprintf(to, "\"%c", end);
}

/* Takes the reference; a lost byte is found when the output is ended. */
static enum pv_code put_json(FILE *to, json_t *value, struct err *err)
{
	if (!value)
		return err_fail(err, PV_INTERNAL, NULL, NULL,
				"cannot make the output");
	json_dumpf(value, to, JSON_COMPACT | JSON_PRESERVE_ORDER);
	json_decref(value);
	putc('\n', to);
	return PV_OK;
}

static enum pv_code put_device(void *ctx, const struct store_device *d,
			       struct span der, struct err *err)
{
	const struct inventory *in = ctx;
	const char *state = export_state_name(d->state);
	struct row r;
	enum pv_code rc = logged_device(in->store, d, err);

	if (rc == PV_OK && d->has_cert)
		rc = logged_cert(in->store, d, der, err);
	if (rc == PV_OK)
		rc = fill_row(d, der, &r, err);
	if (rc != PV_OK) {
		err_object(err, d->s.device);
		return rc;
	}
	if (!in->csv)
		return put_json(
			in->to,
			json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s?, s:s, "
				  "s:s?, s:s?, s:I}",
				  "device", d->s.device, "request",
				  d->s.request, "template", d->s.template_name,
				  "role", d->s.role, "state", state, "serial",
				  r.serial, "certificate_sha256",
				  der.len ? r.sha256 : NULL, "created",
				  r.created, "not_before",
				  der.len ? r.from : NULL, "not_after",
				  der.len ? r.until : NULL, "seq",
				  (json_int_t)d->seq),
			err);
	put_csv(in->to, d->s.device, ',');
	put_csv(in->to, d->s.request, ',');
	put_csv(in->to, d->s.template_name, ',');
	put_csv(in->to, d->s.role, ',');
	fprintf(in->to, "%s,%s,%s,%s,%s,%s,%llu\n", state, r.serial, r.sha256,
		r.created, r.from, r.until, (unsigned long long)d->seq);
	return PV_OK;
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
	const char *output = "-";
	const struct opt opts[] = {
		{ "csv", 0, OPT_FLAG, &in.csv, 0, 0 },
		{ "output", 'o', OPT_STRING, &output, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	const struct store_visit v = { .ctx = &in, .fn.device = put_device };
	CLEANUP(out_stream_release) struct out_stream out = OUT_STREAM_INIT;
	SESSION s = { .a = NULL };
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 0, 0, &args, err);

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
	in.store = s.store;
	in.to = out.to;
	if (in.csv)
		fputs("device,request,template,role,state,serial,"
		      "certificate_sha256,created,not_before,not_after,seq\n",
		      in.to);
	rc = store_device_each(s.store, 0, &v, err);
	if (rc == PV_OK && out.folder >= 0) {
		rc = out_stream_whole(&out, err);
		if (rc == PV_OK)
			rc = log_it(&s, output, err);
	}
	if (rc == PV_OK)
		rc = out_stream_end(&out, err);
	return rc == PV_OK ? session_checkpoint(app, &s, err) : rc;
}
