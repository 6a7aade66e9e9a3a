/* What became of a device, held against the entries that say so. */
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/logged.h"
#include "lib/store/store_revoke.h"

static bool issuer_fits(const struct log_entry *e,
			const struct store_revocation *r)
{
	if (!r->ca[0])
		return !log_fact_find(e, "ca", LOG_TSTR);
	return logged_text_is(e, "ca", r->ca) &&
	       logged_uint_is(e, "shard", r->shard) &&
	       (r->generation > 1
			? logged_uint_is(e, "generation", r->generation)
			: !log_fact_find(e, "generation", LOG_UINT));
}

/* A time that may be absent. */
static bool time_fits(const struct log_entry *e, const char *key, int64_t t)
{
	if (t == STORE_NO_TIME)
		return !log_fact_find(e, key, LOG_UINT);
	return t >= 0 && logged_uint_is(e, key, (uint64_t)t);
}

bool logged_revocation_fits(const struct log_entry *e,
			    const struct store_revocation *r)
{
	const struct log_fact *since = log_fact_find(e, "since", LOG_UINT);

	return logged_uint_is(e, "reason", r->reason) && issuer_fits(e, r) &&
	       r->revoked_ms == (since ? since->u : e->time_ms) &&
	       time_fits(e, "invalidity", r->invalidity_s) &&
	       time_fits(e, "ends", r->not_after_s);
}

enum pv_code logged_revocation(struct store *store,
			       const struct store_revocation *r,
			       struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	char serial[2 * STORE_SERIAL_MAX + 1];
	struct log_entry e;
	enum pv_code rc;

	buf_init(&room, LOG_ENTRY_MAX);
	hex_encode(r->serial, r->serial_len, serial);
	rc = logged_entry(store, r->log_index, LOG_CERT_REVOKE, serial, &room,
			  &e, err);
	if (rc == PV_OK && !logged_revocation_fits(&e, r))
		rc = logged_edited("the row of a revocation", err);
	return rc;
}

static enum pv_code check_revoked(struct store *store,
				  const struct store_device *d,
				  struct buf *room, struct err *err)
{
	char serial[2 * STORE_SERIAL_MAX + 1];
	struct log_entry e;
	enum pv_code rc;

	if (d->revoke_index == STORE_NO_INDEX)
		return PV_OK;
	hex_encode(d->s.serial, d->s.serial_len, serial);
	rc = logged_entry(store, d->revoke_index, LOG_CERT_REVOKE, serial, room,
			  &e, err);
	if (rc == PV_OK && (!logged_text_is(&e, "device", d->s.device) ||
			    !logged_uint_is(&e, "reason", d->reason)))
		rc = logged_edited("a device's row", err);
	return rc;
}

enum pv_code logged_state(struct store *store, const struct store_device *d,
			  struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	struct log_entry e;
	enum pv_code rc;

	buf_init(&room, LOG_ENTRY_MAX);
	rc = check_revoked(store, d, &room, err);
	if (rc == PV_OK && d->retire_index != STORE_NO_INDEX)
		rc = logged_entry(store, d->retire_index, LOG_DEVICE_RETIRE,
				  d->s.device, &room, &e, err);
	return rc;
}
