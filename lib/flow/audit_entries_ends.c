/* What a log says by itself of the ends of credentials and devices. */
#include "lib/flow/audit_entries_ends.h"

static enum pv_code wrong(const struct log_entry *e, const char *what,
			  struct err *err)
{
	char object[160];

	return audit_fail(err, audit_object(e, object), "audit.revoke", "%s",
			  what);
}

/* Held, and let go of again, or revoked since then. */
static enum pv_code after_hold(struct audit_entries *au,
			       const struct log_entry *e, uint32_t number,
			       uint64_t reason, struct err *err)
{
	const struct log_fact *since = log_fact_find(e, "since", LOG_UINT);

	if (reason == STORE_REASON_HOLD)
		return wrong(e, "it was held already", err);
	serialset_clear(&au->serials, number, SERIAL_ON_HOLD);
	if (reason == STORE_REASON_REMOVE)
		serialset_clear(&au->serials, number, SERIAL_REVOKED);
	else if (since && since->u > e->time_ms)
		return wrong(e, "it was held after it was revoked", err);
	return PV_OK;
}

enum pv_code audit_take_revoke(struct audit_entries *au,
			       const struct log_entry *e, struct err *err)
{
	const struct log_fact *reason = log_fact_find(e, "reason", LOG_UINT);
	const struct log_fact *by = log_fact_find(e, LOG_BY, LOG_TSTR);
	uint32_t number, in_place;
	enum pv_code rc;

	if (!audit_number(e->object, &number) ||
	    !serialset_get(&au->serials, number, SERIAL_INTENT) ||
	    serialset_get(&au->serials, number, SERIAL_HELD))
		return wrong(e, "what is revoked was not issued before", err);
	if (!reason || reason->u > STORE_REASON_MAX)
		return wrong(e, "it was revoked without a reason", err);
	if (by && (!audit_number(by->s, &in_place) || in_place == number ||
		   !serialset_get(&au->serials, in_place, SERIAL_INTENT)))
		return wrong(e, "what is in its place was not issued", err);
	if (serialset_get(&au->serials, number, SERIAL_ON_HOLD))
		return after_hold(au, e, number, reason->u, err);
	if (serialset_get(&au->serials, number, SERIAL_REVOKED))
		return wrong(e, "it was revoked before", err);
	if (reason->u == STORE_REASON_REMOVE)
		return wrong(e, "it was let go of without being held", err);
	rc = serialset_set(&au->serials, number, SERIAL_REVOKED, err);
	if (rc == PV_OK && reason->u == STORE_REASON_HOLD)
		rc = serialset_set(&au->serials, number, SERIAL_ON_HOLD, err);
	return rc;
}

enum pv_code audit_take_retire(struct audit_entries *au,
			       const struct log_entry *e, struct err *err)
{
	(void)e;
	(void)err;
	au->retires++;
	return PV_OK;
}

enum pv_code audit_take_receipt(struct audit_entries *au,
				const struct log_entry *e, struct err *err)
{
	(void)e;
	(void)err;
	au->receipts++;
	return PV_OK;
}

enum pv_code audit_take_rollback(struct audit_entries *au,
				 const struct log_entry *e, struct err *err)
{
	(void)e;
	(void)err;
	au->rollbacks++;
	return PV_OK;
}
