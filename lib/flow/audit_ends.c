/* What became of devices: rows against the entries that changed them. */
#include <string.h>

#include "lib/flow/audit_impl.h"
#include "lib/flow/logged.h"
#include "lib/store/store_history.h"
#include "lib/store/store_revoke.h"

static bool is_of(const struct store_revocation *r,
		  const struct store_device *d)
{
	return r->serial_len == d->s.serial_len &&
	       memcmp(r->serial, d->s.serial, r->serial_len) == 0;
}

static enum pv_code check_revocation(struct audit *au,
				     const struct store_device *d,
				     const char *serial, struct err *err)
{
	const struct serialset *log = &au->log.serials;
	bool revoked = d->revoke_index != STORE_NO_INDEX;
	bool held = revoked && d->reason == STORE_REASON_HOLD;
	struct store_revocation r;
	struct log_entry e;
	bool found = false;
	enum pv_code rc;

	if (serialset_get(log, d->s.number, SERIAL_REVOKED) != revoked ||
	    serialset_get(log, d->s.number, SERIAL_ON_HOLD) != held)
		return audit_fail(err, d->s.device, "audit.state",
				  "what the log says was revoked or held is "
				  "not so in the store");
	if (!revoked)
		return PV_OK;
	rc = audit_entry(au, d->revoke_index, LOG_CERT_REVOKE, serial, &e, err);
	if (rc == PV_OK)
		rc = store_revocation_get(au->store, d->s.number, &r, &found,
					  err);
	if (rc == PV_OK &&
	    (!found || !logged_revocation_fits(&e, &r) || !is_of(&r, d) ||
	     !logged_text_is(&e, "device", d->s.device)))
		rc = audit_fail(err, d->s.device, "audit.revoke",
				"its revocation is not what was logged");
	au->counts->revoked++;
	return rc;
}

static enum pv_code check_retired(struct audit *au,
				  const struct store_device *d, struct err *err)
{
	struct log_entry e;

	if (d->retire_index == STORE_NO_INDEX)
		return PV_OK;
	au->counts->retired += d->first == d->s.number;
	return audit_entry(au, d->retire_index, LOG_DEVICE_RETIRE, d->s.device,
			   &e, err);
}

static enum pv_code check_left(struct audit *au, const struct store_device *d,
			       const char *serial, struct err *err)
{
	struct log_entry e;
	uint64_t index = STORE_NO_INDEX;
	enum pv_code rc = PV_OK;

	if (d->s.replaces != 0)
		rc = store_left(au->store, d->s.number, &index, err);
	if (rc != PV_OK || index == STORE_NO_INDEX)
		return rc;
	rc = audit_entry(au, index, LOG_DEVICE_ROLLBACK, d->s.device, &e, err);
	if (rc == PV_OK && !logged_text_is(&e, "serial", serial))
		rc = audit_fail(err, d->s.device, "audit.rollback",
				"another credential was left");
	au->rollbacks++;
	return rc;
}

struct receipt_pass {
	struct audit *au;
	const struct store_device *d;
};

static enum pv_code take_receipt(void *ctx, const struct store_receipt *r,
				 struct err *err)
{
	const struct receipt_pass *p = ctx;
	struct log_entry e;
	enum pv_code rc = audit_entry(p->au, r->log_index, LOG_RECEIPT,
				      p->d->s.device, &e, err);

	if (rc == PV_OK && (!logged_uint_is(&e, "seq", r->seq) ||
			    !logged_uint_is(&e, "result", r->result)))
		rc = audit_fail(err, p->d->s.device, "audit.receipt",
				"a receipt is not what was logged");
	p->au->receipts++;
	return rc;
}

enum pv_code audit_ends(struct audit *au, const struct store_device *d,
			const char *serial, struct err *err)
{
	struct receipt_pass p = { au, d };
	const struct store_visit v = { &p, { .receipt = take_receipt } };
	enum pv_code rc = check_revocation(au, d, serial, err);

	if (rc == PV_OK)
		rc = check_retired(au, d, err);
	if (rc == PV_OK)
		rc = check_left(au, d, serial, err);
	return rc == PV_OK ? store_receipt_each(au->store, d->s.number, &v, err)
			   : rc;
}

/* ---- rows of nobody: neither of a device nor of a CA ---- */

static enum pv_code take_revocation(void *ctx, const struct store_revocation *r,
				    struct err *err)
{
	struct audit *au = ctx;
	char serial[2 * STORE_SERIAL_MAX + 1];

	hex_encode(r->serial, r->serial_len, serial);
	return serialset_get(&au->log.serials, r->number, SERIAL_REVOKED)
		       ? PV_OK
		       : audit_fail(err, serial, "audit.state",
				    "the store says that it is revoked, the "
				    "log does not");
}

static enum pv_code take_issuer(void *ctx, const struct store_ca *ca,
				struct err *err)
{
	struct audit *au = ctx;
	const struct store_visit v = { au, { .revocation = take_revocation } };
	enum pv_code rc = PV_OK;

	for (uint32_t i = 0; rc == PV_OK && i < ca->shards; i++)
		rc = store_revocation_each(au->store, ca->name, ca->generation,
					   i, 0, &v, err);
	return rc;
}

enum pv_code audit_revocations(struct audit *au, struct err *err)
{
	const struct store_visit v = { au, { .ca = take_issuer } };

	return store_ca_each(au->store, NULL, &v, err);
}

static enum pv_code same_number(uint64_t logged, uint64_t kept,
				const char *rule, const char *what,
				struct err *err)
{
	if (logged == kept)
		return PV_OK;
	return audit_fail(
		err, "store", rule, "the log has %llu %s, the store has %llu",
		(unsigned long long)logged, what, (unsigned long long)kept);
}

/* Every row has an entry of its own: as many of either are the same ones. */
enum pv_code audit_ends_counted(struct audit *au, struct err *err)
{
	enum pv_code rc = same_number(au->log.retires, au->counts->retired,
				      "audit.state", "retired devices", err);

	if (rc == PV_OK)
		rc = same_number(au->log.receipts, au->receipts,
				 "audit.receipt", "receipts", err);
	if (rc == PV_OK)
		rc = same_number(au->log.rollbacks, au->rollbacks,
				 "audit.rollback", "credentials that were left",
				 err);
	return rc;
}
