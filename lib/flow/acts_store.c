/* Acts: what is held against the store, and what templates ask for. */
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/flow/acts.h"
#include "lib/flow/governance.h"
#include "lib/flow/logged.h"
#include "lib/store/store_device.h"
#include "lib/store/store_history.h"
#include "lib/store/store_log.h"

#define SUCCESSORS_MAX                                                         \
	65536u /* credentials of one device that are followed                  \
		*/

/* ---- superseded ---- */

/* The row of a serial in hex, all of it. */
static enum pv_code find_row(struct store *store, struct span hex,
			     struct store_device *d, bool *found,
			     struct err *err)
{
	char text[2 * STORE_SERIAL_MAX + 1];
	uint8_t serial[STORE_SERIAL_MAX];
	size_t len = hex.len / 2;
	enum pv_code rc;

	*found = false;
	if (hex.len % 2 || len < STORE_SERIAL_MIN || len > STORE_SERIAL_MAX)
		return PV_OK;
	memcpy(text, hex.p, hex.len);
	text[hex.len] = '\0';
	if (!hex_decode(text, serial, len))
		return PV_OK;
	rc = store_number_get(store,
			      (uint32_t)serial[0] << 24 |
				      (uint32_t)serial[1] << 16 |
				      (uint32_t)serial[2] << 8 | serial[3],
			      d, found, err);
	*found = *found && d->s.serial_len == len &&
		 memcmp(d->s.serial, serial, len) == 0;
	return rc;
}

enum pv_code acts_device(struct store *store, const struct log_entry *e,
			 struct store_device *d, bool *found, struct err *err)
{
	char id[STORE_ID_MAX + 1];

	*found = false;
	if (span_is(e->type, LOG_CERT_REVOKE))
		return find_row(store, e->object, d, found, err);
	if (!span_is(e->type, LOG_DEVICE_RETIRE) || e->object.len >= sizeof(id))
		return PV_OK;
	memcpy(id, e->object.p, e->object.len);
	id[e->object.len] = '\0';
	return store_device_get(store, id, d, found, err);
}

/* *follows: d came after the one of that number, in its place or later, and was
 * issued. */
static enum pv_code is_after(struct store *store, struct store_device d,
			     uint32_t number, bool *follows, struct err *err)
{
	bool found = d.state != STORE_RESERVED && d.state != STORE_QUARANTINED;
	enum pv_code rc = logged_device(store, &d, err);

	for (size_t i = 0; rc == PV_OK && found && d.s.replaces != 0 &&
			   d.s.replaces != number && i < SUCCESSORS_MAX;
	     i++)
		rc = store_number_get(store, d.s.replaces, &d, &found, err);
	*follows = rc == PV_OK && found && d.s.replaces == number;
	return rc;
}

/* It is taken back, and what came before it is the current one again. */
static enum pv_code goes_back(struct store *store, const struct log_entry *e,
			      uint64_t index, bool *back, struct err *err)
{
	const struct log_fact *by = log_fact_find(e, LOG_BY, LOG_TSTR);
	const struct log_fact *from, *to;
	CLEANUP(buf_release) struct buf room;
	struct log_entry next;
	struct err why;
	enum pv_code rc;

	*back = false;
	err_init(&why);
	buf_init(&room, LOG_ENTRY_MAX);
	rc = store_log_read(store, index + 1, &room, &why);
	if (rc == PV_NOT_FOUND)
		return PV_OK;
	if (rc == PV_OK)
		rc = log_entry_decode(buf_span(&room), &next, &why);
	if (rc != PV_OK) {
		*err = why;
		return rc;
	}
	from = log_fact_find(&next, "serial", LOG_TSTR);
	to = log_fact_find(&next, "to", LOG_TSTR);
	*back = span_is(next.type, LOG_DEVICE_ROLLBACK) && by && from && to &&
		span_equal(from->s, e->object) && span_equal(to->s, by->s);
	return PV_OK;
}

enum pv_code acts_superseded(struct store *store, const struct log_entry *e,
			     uint64_t index, struct err *err)
{
	const struct log_fact *by = log_fact_find(e, LOG_BY, LOG_TSTR);
	struct store_device old, next;
	bool found = false, follows = false;
	enum pv_code rc = find_row(store, e->object, &old, &found, err);

	if (rc == PV_OK && found && by)
		rc = find_row(store, by->s, &next, &found, err);
	if (rc == PV_OK && found && by && old.first == next.first)
		rc = is_after(store, next, old.s.number, &follows, err);
	if (rc == PV_OK && found && by && !follows)
		rc = goes_back(store, e, index, &follows, err);
	if (rc != PV_OK || follows)
		return rc;
	return governance_wrong_entry(
		index, "nothing of the device is in its place", err);
}
