#include "cmd/inventory.h"

#include <string.h>

#include <jansson.h>

#include "lib/base/cleanup.h"
#include "lib/base/pvtime.h"
#include "lib/base/sha256.h"
#include "lib/flow/export.h"
#include "lib/flow/logged.h"
#include "lib/flow/revocation.h"
#include "lib/log/lifecycle.h"
#include "lib/store/store_revoke.h"
#include "lib/x509/cert.h"

const char inventory_head[] =
	"device,request,template,role,state,serial,certificate_sha256,created,"
	"not_before,not_after,seq,revoked,reason,retired\n";

/* One device as text; empty where it has no certificate. */
struct row {
	char serial[2 * STORE_SERIAL_MAX + 1];
	char sha256[65];
	char created[PVTIME_RFC3339_LEN + 1];
	char from[PVTIME_RFC3339_LEN + 1], until[PVTIME_RFC3339_LEN + 1];
	bool revoked; /* or held */
	uint64_t revoked_ms;
	const char *reason;
	char when[PVTIME_RFC3339_LEN + 1];
	bool retired;
	uint64_t retired_ms;
	char since[PVTIME_RFC3339_LEN + 1];
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

static enum pv_code fill_revocation(struct store *store,
				    const struct store_device *d, struct row *r,
				    struct err *err)
{
	struct store_revocation v;
	enum pv_code rc;

	if (d->revoke_index == STORE_NO_INDEX)
		return PV_OK;
	rc = store_revocation_get(store, d->s.number, &v, &r->revoked, err);
	if (rc != PV_OK || !r->revoked)
		return rc;
	r->revoked_ms = v.revoked_ms;
	r->reason = revocation_reason_name(v.reason);
	put_time((int64_t)(v.revoked_ms / 1000), r->when);
	return PV_OK;
}

/* When, by its entry: a row has the place of that alone. */
static enum pv_code fill_retirement(struct store *store,
				    const struct store_device *d, struct row *r,
				    struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	struct log_entry e;
	enum pv_code rc;

	if (d->state != STORE_RETIRED || d->retire_index == STORE_NO_INDEX)
		return PV_OK;
	buf_init(&room, LOG_ENTRY_MAX);
	rc = logged_entry(store, d->retire_index, LOG_DEVICE_RETIRE,
			  d->s.device, &room, &e, err);
	if (rc != PV_OK)
		return rc;
	r->retired = true;
	r->retired_ms = e.time_ms;
	put_time((int64_t)(e.time_ms / 1000), r->since);
	return PV_OK;
}

static bool asked_by_name(const struct inventory *in,
			  const struct store_device *d)
{
	return (!in->device || strcmp(in->device, d->s.device) == 0) &&
	       (!in->state ||
		strcmp(in->state, export_state_name(d->state)) == 0) &&
	       (!in->template ||
		strcmp(in->template, d->s.template_name) == 0) &&
	       (!in->order || strcmp(in->order, d->s.order) == 0);
}

static bool asked_by_time(const struct inventory *in,
			  const struct store_device *d, const struct row *r)
{
	uint64_t since_ms = (uint64_t)in->since_s * 1000;

	return in->since_s < 0 || d->s.reserved_ms >= since_ms ||
	       (r->revoked && r->revoked_ms >= since_ms) ||
	       (r->retired && r->retired_ms >= since_ms);
}

enum pv_code inventory_put(void *ctx, const struct store_device *d,
			   struct span der, struct err *err)
{
	struct inventory *in = ctx;
	const char *state = export_state_name(d->state);
	struct row r = { .revoked = false };
	enum pv_code rc;

	if (!asked_by_name(in, d))
		return PV_OK;
	rc = fill_revocation(in->store, d, &r, err);
	if (rc == PV_OK)
		rc = fill_retirement(in->store, d, &r, err);
	if (rc == PV_OK && !asked_by_time(in, d, &r))
		return PV_OK;
	if (rc == PV_OK)
		rc = logged_device(in->store, d, err);
	if (rc == PV_OK && d->has_cert)
		rc = logged_cert(in->store, d, der, err);
	if (rc == PV_OK)
		rc = crl_words_device(&in->words, d, err);
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
				  "s:s?, s:s?, s:I, s:s?, s:s?, s:s?}",
				  "device", d->s.device, "request",
				  d->s.request, "template", d->s.template_name,
				  "role", d->s.role, "state", state, "serial",
				  r.serial, "certificate_sha256",
				  der.len ? r.sha256 : NULL, "created",
				  r.created, "not_before",
				  der.len ? r.from : NULL, "not_after",
				  der.len ? r.until : NULL, "seq",
				  (json_int_t)d->seq, "revoked",
				  r.revoked ? r.when : NULL, "reason",
				  r.revoked ? r.reason : NULL, "retired",
				  r.retired ? r.since : NULL),
			err);
	put_csv(in->to, d->s.device, ',');
	put_csv(in->to, d->s.request, ',');
	put_csv(in->to, d->s.template_name, ',');
	put_csv(in->to, d->s.role, ',');
	fprintf(in->to, "%s,%s,%s,%s,%s,%s,%llu,%s,%s,%s\n", state, r.serial,
		r.sha256, r.created, r.from, r.until,
		(unsigned long long)d->seq, r.when, r.revoked ? r.reason : "",
		r.since);
	return PV_OK;
}
