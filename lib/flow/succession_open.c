/* An open intent that is in place of another credential, and its end when that
 * one is revoked or held. */
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/flow/logged.h"
#include "lib/flow/succession.h"
#include "lib/store/store_device.h"
#include "lib/store/store_history.h"

static enum pv_code get_row(struct store *store, uint32_t number,
			    struct store_device *d, struct err *err)
{
	bool found = false;
	enum pv_code rc = store_number_get(store, number, d, &found, err);

	if (rc == PV_OK && !found)
		rc = logged_edited("a device's row", err);
	return rc == PV_OK ? logged_device(store, d, err) : rc;
}

/* A rework may be for one that was revoked before it was asked for. */
static bool revoked_since(const struct store_device *before,
			  const struct store_device *d)
{
	return d->s.why == STORE_ROTATE ||
	       before->revoke_index > d->intent_index;
}

enum pv_code succession_stands(struct store *store,
			       const struct store_device *d, struct err *err)
{
	struct store_device before;
	enum pv_code rc;

	if (d->s.replaces == 0)
		return PV_OK;
	rc = get_row(store, d->s.replaces, &before, err);
	if (rc != PV_OK)
		return rc;
	switch (before.state) {
	case STORE_ISSUED:
		return PV_OK;
	case STORE_REVOKED:
		if (!revoked_since(&before, d))
			return PV_OK;
		return err_fail(err, PV_DENIED, "device.revoked",
				"`provctl issue --replace --reason "
				"rework|scrap`, with a new key",
				"the device was revoked before its next "
				"credential was finished");
	case STORE_SUSPENDED:
		return err_fail(err, PV_DENIED, "device.suspended",
				"take it from hold first: `provctl revoke "
				"--reason removeFromCRL --serial HEX`",
				"the device is on hold");
	case STORE_RETIRED:
		return err_fail(err, PV_DENIED, "device.retired",
				"use another id",
				"the device is retired and its id is blocked");
	case STORE_RESERVED:
	case STORE_QUARANTINED:
		break;
	}
	return logged_edited("a device's row", err);
}

enum pv_code succession_open(struct store *store, const struct store_device *d,
			     struct store_device *open, bool *found,
			     struct err *err)
{
	enum pv_code rc =
		store_device_get(store, d->s.device, open, found, err);

	if (rc != PV_OK || !*found)
		return rc;
	*found = open->s.replaces == d->s.number &&
		 open->state == STORE_RESERVED;
	return *found ? logged_device(store, open, err) : PV_OK;
}

enum pv_code succession_give_up(const struct succession *s,
				const struct store_device *d, const char *rule,
				struct err *err)
{
	char serial[2 * STORE_SERIAL_MAX + 1];
	const struct log_quarantine why = { .request = d->s.request[0]
							       ? d->s.request
							       : d->s.device,
					    .device = d->s.device,
					    .rule = rule,
					    .serial = serial };
	CLEANUP(buf_release) struct buf bytes;
	struct store_device before;
	struct log_entry e;
	enum pv_code rc = get_row(s->store, d->s.replaces, &before, err);

	buf_init(&bytes, LOG_ENTRY_MAX);
	hex_encode(d->s.serial, d->s.serial_len, serial);
	if (rc != PV_OK)
		return rc;
	log_quarantine_put(&e, &s->who, &why);
	rc = log_entry_encode(&e, &bytes, err);
	if (rc == PV_OK)
		rc = store_quarantine(s->store, d->s.number, buf_span(&bytes),
				      err);
	return rc == PV_OK ? succession_leave(s, d, &before, err) : rc;
}
