#include "lib/flow/revocation.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/logged.h"
#include "lib/store/store_device.h"
#include "lib/store/store_revoke.h"
#include "lib/x509/cert.h"
#include "lib/x509/crl.h"
#include "lib/x509/issuer.h"

/* RFC 5280 5.3.1, those that are said of a device's certificate or ours. */
static const struct {
	const char *name;
	uint32_t reason;
} reasons[] = {
	{ "unspecified", 0 },	     { "keyCompromise", 1 },
	{ "cACompromise", 2 },	     { "affiliationChanged", 3 },
	{ "superseded", 4 },	     { "cessationOfOperation", 5 },
	{ "certificateHold", 6 },    { "removeFromCRL", 8 },
	{ "privilegeWithdrawn", 9 },
};
#define REASONS (sizeof(reasons) / sizeof(reasons[0]))

const char *revocation_reason_name(uint32_t reason)
{
	for (size_t i = 0; i < REASONS; i++)
		if (reasons[i].reason == reason)
			return reasons[i].name;
	return "";
}

bool revocation_reason_find(const char *name, uint32_t *reason)
{
	for (size_t i = 0; i < REASONS; i++)
		if (strcmp(reasons[i].name, name) == 0) {
			*reason = reasons[i].reason;
			return true;
		}
	return false;
}

/* ---- what would become of it ---- */

static enum pv_code plan_removal(const struct store_device *d,
				 enum revocation_done *done, struct err *err)
{
	if (d->state == STORE_REVOKED)
		return err_fail(err, PV_CONFLICT, "revoke.final",
				"name the one that is held with --serial, or "
				"give the device another certificate",
				"it is revoked, not held, and stays so");
	*done = d->state == STORE_SUSPENDED ? REVOCATION_RELEASED
					    : REVOCATION_NOTHING;
	return PV_OK;
}

enum pv_code revocation_plan(uint32_t reason, const struct store_device *d,
			     enum revocation_done *done, struct err *err)
{
	*done = REVOCATION_NOTHING;
	if (d->state == STORE_RESERVED || d->state == STORE_QUARANTINED)
		return err_fail(err, PV_CONFLICT, "revoke.open",
				"issue it again to finish it, or close its "
				"order with --give-up",
				"it has no certificate yet");
	if (d->state == STORE_RETIRED)
		return PV_OK;
	if (reason == STORE_REASON_REMOVE)
		return plan_removal(d, done, err);
	if (reason == STORE_REASON_HOLD)
		*done = d->state == STORE_ISSUED ? REVOCATION_HELD
						 : REVOCATION_NOTHING;
	else
		*done = d->state == STORE_REVOKED ? REVOCATION_NOTHING
						  : REVOCATION_REVOKED;
	return PV_OK;
}

/* ---- whose list it will be on; none of one with noRevAvail ---- */

struct issuer_row {
	uint32_t generation, shards;
};

static enum pv_code take_ca(void *ctx, const struct store_ca *ca,
			    struct err *err)
{
	struct issuer_row *row = ctx;

	(void)err;
	if (ca->generation == row->generation)
		row->shards = ca->shards;
	return PV_OK;
}

static enum pv_code find_issuer(const struct revocation *v,
				const struct store_device *d,
				struct store_revocation *r, struct err *err)
{
	struct issuer_row row = { d->s.ca_generation ? d->s.ca_generation : 1,
				  0 };
	const struct store_visit each = { &row, { .ca = take_ca } };
	const struct template *t = NULL;
	struct err why;
	enum pv_code rc =
		due_template(v->due, v->store, d->s.template_sha256, &t, err);

	if (rc != PV_OK || t->profile.no_rev_avail)
		return rc;
	err_init(&why);
	rc = store_ca_each(v->store, t->profile.issuer, &each, &why);
	if (rc == PV_NOT_FOUND || (rc == PV_OK && row.shards == 0))
		return logged_edited("the issuer of a certificate", err);
	if (rc != PV_OK) {
		*err = why;
		return rc;
	}
	snprintf(r->ca, sizeof(r->ca), "%s", t->profile.issuer);
	r->generation = row.generation;
	r->shard = x509_crl_shard((struct span){ d->s.serial, d->s.serial_len },
				  row.shards);
	return PV_OK;
}

/* A list may leave it out once it has ended. */
static enum pv_code find_end(const struct revocation *v,
			     const struct store_device *d,
			     struct store_revocation *r, struct err *err)
{
	CLEANUP(buf_release) struct buf der;
	struct x509_cert cert;
	struct err why;
	enum pv_code rc;

	buf_init(&der, X509_CERT_MAX);
	rc = store_cert_get(v->store, d->s.number, &der, err);
	if (rc == PV_OK)
		rc = logged_cert(v->store, d, buf_span(&der), err);
	if (rc != PV_OK)
		return rc;
	err_init(&why);
	if (x509_cert_decode(buf_span(&der), &cert, &why) != PV_OK)
		return logged_edited("a certificate", err);
	r->not_after_s = cert.not_after_s;
	return PV_OK;
}

/* ---- making it ---- */

static int64_t or_none(int64_t t)
{
	return t == STORE_NO_TIME ? LOG_NO_TIME : t;
}

static enum pv_code encode(const struct revocation *v,
			   const struct store_device *d,
			   const struct store_revocation *r, struct buf *entry,
			   struct err *err)
{
	char serial[2 * STORE_SERIAL_MAX + 1];
	struct log_revoke facts = { .serial = serial,
				    .device = d->s.device,
				    .reason = v->reason,
				    .ca = r->ca[0] ? r->ca : NULL,
				    .generation = r->generation,
				    .shard = r->shard,
				    .invalidity = or_none(r->invalidity_s),
				    .ends = or_none(r->not_after_s),
				    .nonce = v->nonce,
				    .by = v->by };
	struct log_entry e;

	if (r->revoked_ms != v->who.time_ms)
		facts.since_ms = r->revoked_ms;
	hex_encode(d->s.serial, d->s.serial_len, serial);
	log_cert_revoke(&e, &v->who, &facts);
	return log_entry_encode(&e, entry, err);
}

static enum pv_code release(const struct revocation *v,
			    const struct store_device *d, struct err *err)
{
	CLEANUP(buf_release) struct buf entry;
	struct store_revocation r = { .invalidity_s = STORE_NO_TIME,
				      .not_after_s = STORE_NO_TIME,
				      .revoked_ms = v->who.time_ms };
	enum pv_code rc = PV_OK;

	buf_init(&entry, LOG_ENTRY_MAX);
	if (d->has_cert)
		rc = find_issuer(v, d, &r, err);
	if (rc == PV_OK)
		rc = encode(v, d, &r, &entry, err);
	return rc == PV_OK ? store_unhold(v->store, d->s.number,
					  buf_span(&entry), err)
			   : rc;
}

/* What was held is revoked since then (X.509 8.5.2.2). */
static enum pv_code since_hold(const struct revocation *v,
			       const struct store_device *d,
			       struct store_revocation *r, struct err *err)
{
	struct store_revocation held;
	bool found = false;
	enum pv_code rc = PV_OK;

	if (d->state == STORE_SUSPENDED)
		rc = store_revocation_get(v->store, d->s.number, &held, &found,
					  err);
	if (rc == PV_OK && found)
		rc = logged_revocation(v->store, &held, err);
	if (rc == PV_OK && found)
		r->revoked_ms = held.revoked_ms;
	return rc;
}

static enum pv_code revoke(const struct revocation *v,
			   const struct store_device *d, struct err *err)
{
	CLEANUP(buf_release) struct buf entry;
	struct store_revocation r = { .number = d->s.number,
				      .reason = v->reason,
				      .revoked_ms = v->who.time_ms,
				      .invalidity_s = v->invalidity_s,
				      .not_after_s = STORE_NO_TIME,
				      .serial_len = d->s.serial_len };
	enum pv_code rc = since_hold(v, d, &r, err);

	buf_init(&entry, LOG_ENTRY_MAX);
	memcpy(r.serial, d->s.serial, d->s.serial_len);
	if (rc == PV_OK && d->has_cert)
		rc = find_issuer(v, d, &r, err);
	if (rc == PV_OK && d->has_cert)
		rc = find_end(v, d, &r, err);
	if (rc == PV_OK)
		rc = encode(v, d, &r, &entry, err);
	return rc == PV_OK ? store_revoke(v->store, &r, buf_span(&entry), err)
			   : rc;
}

enum pv_code revocation_make(const struct revocation *v,
			     const struct store_device *d,
			     enum revocation_done *done, struct err *err)
{
	enum pv_code rc = logged_device(v->store, d, err);

	if (rc == PV_OK)
		rc = revocation_plan(v->reason, d, done, err);
	if (rc == PV_OK && *done == REVOCATION_RELEASED)
		rc = release(v, d, err);
	else if (rc == PV_OK && *done != REVOCATION_NOTHING)
		rc = revoke(v, d, err);
	if (rc != PV_OK)
		err_object(err, d->s.device);
	return rc;
}
