#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cmd/export.h"
#include "cmd/opts.h"
#include "cmd/out.h"
#include "cmd/session.h"
#include "cmd/table.h"
#include "lib/base/fileio.h"
#include "lib/base/pem.h"
#include "lib/base/pvtime.h"
#include "lib/flow/exportcrl.h"
#include "lib/flow/revocation.h"

#define PEM_ROOM (2 * X509_CRL_MAX)
#define ROWS_ROOM (512u * 1024u * 1024u)

struct crl_opts {
	const char *ca, *output, *since;
	uint64_t shard; /* UINT64_MAX: none */
	bool der, jsonl, csv;
};

/* ---- the list itself ---- */

/* What the file holds now, as far as it is a list; else nothing. */
static void read_former(const char *path, struct buf *der)
{
	CLEANUP(buf_release) struct buf got;

	buf_init(&got, PEM_ROOM);
	if (strcmp(path, "-") == 0 ||
	    file_read(AT_FDCWD, path, FILEIO_NOFOLLOW, &got, NULL) != PV_OK)
		return;
	if (!pem_is(buf_span(&got), "X509 CRL"))
		buf_put(der, got.data, got.len);
	else if (pem_decode(buf_span(&got), "X509 CRL", der, NULL) != PV_OK)
		buf_reset(der);
}

static enum pv_code give_list(const struct app *app, struct session *s,
			      const struct crl_opts *o, struct err *err)
{
	CLEANUP(buf_release) struct buf der;
	CLEANUP(buf_release) struct buf pem;
	CLEANUP(buf_release) struct buf former;
	bool older = false;
	enum pv_code rc;

	buf_init(&former, X509_CRL_MAX);
	read_former(o->output, &former);
	buf_init(&der, X509_CRL_MAX);
	buf_init(&pem, PEM_ROOM);
	rc = export_crl(s->a, s->store, o->ca,
			o->shard == UINT64_MAX ? -1 : (int64_t)o->shard,
			pvtime_now_s(), buf_span(&former), &older, &der, err);
	if (rc == PV_OK && !o->der) {
		pem_encode(&pem, "X509 CRL", buf_span(&der));
		rc = buf_check(&pem, err);
	}
	if (rc != PV_OK)
		return rc;
	return (older ? export_renew
		      : export_give)(app, s, o->ca, "crl", o->output, 0644,
				     buf_span(o->der ? &der : &pem), err);
}

/* ---- who is on it ---- */

static const char *const columns[] = { "ca",	 "generation", "shard",
				       "number", "serial",     "revoked",
				       "reason", "invalidity" };

struct revoked {
	struct table to;
	int64_t since_s;
};

static const char *time_of(int64_t time_s, char out[PVTIME_RFC3339_LEN + 1])
{
	return pvtime_format(time_s, out) ? out : NULL;
}

static enum pv_code put_list(void *ctx, const struct export_crl_list *l,
			     struct err *err)
{
	char serial[2 * X509_CRL_SERIAL_MAX + 1];
	char when[PVTIME_RFC3339_LEN + 1], from[PVTIME_RFC3339_LEN + 1];
	struct span entries = l->crl->entries;
	struct revoked *r = ctx;
	struct x509_crl_entry e;
	enum pv_code rc = PV_OK;

	while (rc == PV_OK && x509_crl_next(&entries, &e)) {
		const struct table_cell row[] = {
			{ .text = l->ca },
			{ NULL, true, l->generation },
			{ NULL, true, l->shard },
			{ NULL, true, l->crl->number },
			{ .text = serial },
			{ .text = time_of(e.revoked_s, when) },
			{ .text = revocation_reason_name(e.reason) },
			{ .text = e.invalidity_s < 0
					  ? NULL
					  : time_of(e.invalidity_s, from) }
		};

		hex_encode(e.serial, e.serial_len, serial);
		if (e.revoked_s >= r->since_s)
			rc = table_row(&r->to, row, err);
	}
	return rc;
}

static enum pv_code give_rows(const struct app *app, struct session *s,
			      const struct crl_opts *o, int64_t since_s,
			      struct err *err)
{
	CLEANUP(buf_release) struct buf out;
	struct revoked r = { .to = { o->csv, columns,
				     sizeof(columns) / sizeof(columns[0]),
				     &out },
			     .since_s = since_s };
	enum pv_code rc;

	buf_init(&out, ROWS_ROOM);
	table_begin(&r.to);
	rc = export_crl_each(s->a, s->store, o->ca,
			     o->shard == UINT64_MAX ? -1 : (int64_t)o->shard,
			     pvtime_now_s(), put_list, &r, err);
	return rc == PV_OK ? export_give(app, s, o->ca, "crl", o->output, 0644,
					 buf_span(&out), err)
			   : rc;
}

static enum pv_code check(const struct crl_opts *o, int64_t *since_s,
			  struct err *err)
{
	*since_s = 0;
	if (!o->ca)
		return err_fail(err, PV_USAGE, "usage.option", "see --help",
				"--ca is missing");
	if (o->der + o->jsonl + o->csv > 1)
		return err_fail(err, PV_USAGE, "usage.option", "see --help",
				"one form at a time: --der, --jsonl, --csv");
	if (!o->since)
		return PV_OK;
	if (!o->jsonl && !o->csv)
		return err_fail(err, PV_USAGE, "usage.option", "see --help",
				"--since goes with --jsonl or --csv: a list is "
				"signed as a whole");
	return export_since(o->since, since_s, err);
}

enum pv_code export_run_crl(const struct app *app, int argc, char **argv,
			    struct err *err)
{
	struct crl_opts o = { .output = "-", .shard = UINT64_MAX };
	const struct opt opts[] = {
		{ "ca", 0, OPT_STRING, &o.ca, 0, 0 },
		{ "shard", 0, OPT_NUMBER, &o.shard, 0, UINT32_MAX },
		{ "der", 0, OPT_FLAG, &o.der, 0, 0 },
		{ "jsonl", 0, OPT_FLAG, &o.jsonl, 0, 0 },
		{ "csv", 0, OPT_FLAG, &o.csv, 0, 0 },
		{ "since", 0, OPT_STRING, &o.since, 0, 0 },
		{ "output", 'o', OPT_STRING, &o.output, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	SESSION s = { .a = NULL };
	struct opt_args args;
	int64_t since_s = 0;
	enum pv_code rc = opts_parse(opts, argc, argv, 0, 0, &args, err);

	if (rc == PV_OK)
		rc = check(&o, &since_s, err);
	if (rc == PV_OK)
		rc = session_open(
			app, SESSION_STORE | SESSION_MAY(ROLE_OP_EXPORT_PUBLIC),
			&s, err);
	if (rc == PV_OK)
		rc = session_witnessed(&s, NULL, err);
	if (rc != PV_OK)
		return rc;
	return o.jsonl || o.csv ? give_rows(app, &s, &o, since_s, err)
				: give_list(app, &s, &o, err);
}
