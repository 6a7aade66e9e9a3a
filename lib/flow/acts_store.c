/* Acts: what is held against the store, and what templates ask for. */
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/flow/acts.h"
#include "lib/flow/governance.h"
#include "lib/flow/logged.h"
#include "lib/log/attest.h"
#include "lib/store/store_device.h"
#include "lib/store/store_history.h"
#include "lib/store/store_log.h"
#include "policy/rules.h"

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
 * issued; d and each row between as the log has it. */
static enum pv_code is_after(struct store *store, struct store_device d,
			     uint32_t number, bool *follows, struct err *err)
{
	bool found = d.state != STORE_RESERVED && d.state != STORE_QUARANTINED;
	enum pv_code rc = logged_device(store, &d, err);

	for (size_t i = 0; rc == PV_OK && found && d.s.replaces != 0 &&
			   d.s.replaces != number && i < SUCCESSORS_MAX;
	     i++) {
		rc = store_number_get(store, d.s.replaces, &d, &found, err);
		if (rc == PV_OK && found)
			rc = logged_device(store, &d, err);
	}
	*follows = rc == PV_OK && found && d.s.replaces == number;
	return rc;
}

/* The entry at index, into room; *found is false behind the last one. */
static enum pv_code read_at(struct store *store, uint64_t index,
			    struct buf *room, struct log_entry *e, bool *found,
			    struct err *err)
{
	struct err why;
	enum pv_code rc;

	err_init(&why);
	buf_reset(room);
	rc = store_log_read(store, index, room, &why);
	*found = rc != PV_NOT_FOUND;
	if (rc == PV_NOT_FOUND)
		return PV_OK;
	if (rc == PV_OK)
		rc = log_entry_decode(buf_span(room), e, &why);
	if (rc != PV_OK)
		*err = why;
	return rc;
}

/* What is made in one transaction has one time and one actor. */
static bool together(const struct log_entry *a, const struct log_entry *b)
{
	return a->time_ms == b->time_ms && span_equal(a->actor, b->actor);
}

static bool is_by(const struct log_entry *e, struct span by)
{
	const struct log_fact *f = log_fact_find(e, LOG_BY, LOG_TSTR);

	return acts_alone(e) && f && span_equal(f->s, by);
}

struct said { /* a receipt, by its entry */
	uint64_t index;
	bool there;
};

static enum pv_code take_receipt(void *ctx, const struct store_receipt *r,
				 struct err *err)
{
	struct said *s = ctx;

	(void)err;
	s->there |= r->result == 0 && r->log_index == s->index;
	return PV_OK;
}

/* Right before e, and what else it supersedes, the device said that it has
 * next. */
static enum pv_code was_received(struct store *store, const struct log_entry *e,
				 uint64_t index,
				 const struct store_device *next,
				 bool *received, struct err *err)
{
	const struct log_fact *by = log_fact_find(e, LOG_BY, LOG_TSTR);
	CLEANUP(buf_release) struct buf room;
	struct said s = { .index = index };
	const struct store_visit v = { &s, { .receipt = take_receipt } };
	struct log_entry before;
	bool found = true, more = true;
	enum pv_code rc = PV_OK;

	*received = false;
	buf_init(&room, LOG_ENTRY_MAX);
	while (rc == PV_OK && more && s.index > 0 &&
	       index - s.index < SUCCESSORS_MAX) {
		rc = read_at(store, --s.index, &room, &before, &found, err);
		more = rc == PV_OK && found && together(e, &before) &&
		       is_by(&before, by->s);
	}
	if (rc != PV_OK || !found || !together(e, &before) ||
	    !span_is(before.type, LOG_RECEIPT) ||
	    !span_is(before.object, next->s.device))
		return rc;
	rc = store_receipt_each(store, next->s.number, &v, err);
	*received = rc == PV_OK && s.there;
	return rc;
}

/* It is taken back: the next entry says so, to what it was in place of, and it
 * was left. */
static enum pv_code goes_back(struct store *store, const struct log_entry *e,
			      uint64_t index, const struct store_device *old,
			      const struct store_device *to, bool *back,
			      struct err *err)
{
	const struct log_fact *by = log_fact_find(e, LOG_BY, LOG_TSTR);
	const struct log_fact *from_f, *to_f;
	CLEANUP(buf_release) struct buf room;
	uint64_t left = STORE_NO_INDEX;
	struct log_entry next;
	bool found;
	enum pv_code rc;

	*back = false;
	if (old->s.replaces != to->s.number)
		return PV_OK;
	buf_init(&room, LOG_ENTRY_MAX);
	rc = read_at(store, index + 1, &room, &next, &found, err);
	if (rc != PV_OK || !found || !together(e, &next))
		return rc;
	from_f = log_fact_find(&next, "serial", LOG_TSTR);
	to_f = log_fact_find(&next, "to", LOG_TSTR);
	if (!span_is(next.type, LOG_DEVICE_ROLLBACK) || !from_f || !to_f ||
	    !span_equal(from_f->s, e->object) || !span_equal(to_f->s, by->s))
		return PV_OK;
	rc = store_left(store, old->s.number, &left, err);
	*back = rc == PV_OK && left == index + 1;
	return rc;
}

/* What came in its place for good took it away when it was issued; else the
 * device has to have said that it has the other one. */
static enum pv_code gives_way(struct store *store, const struct log_entry *e,
			      uint64_t index, const struct store_device *old,
			      const struct store_device *next, bool *gives,
			      struct err *err)
{
	enum pv_code rc = is_after(store, *next, old->s.number, gives, err);

	if (rc == PV_OK && *gives && !store_is_rework(&next->s))
		rc = was_received(store, e, index, next, gives, err);
	return rc == PV_OK && !*gives
		       ? goes_back(store, e, index, old, next, gives, err)
		       : rc;
}

static enum pv_code superseded(struct store *store, const struct log_entry *e,
			       uint64_t index, struct err *err)
{
	const struct log_fact *by = log_fact_find(e, LOG_BY, LOG_TSTR);
	struct store_device old, next;
	bool found = false, gives = false;
	enum pv_code rc = find_row(store, e->object, &old, &found, err);

	if (rc == PV_OK && found && by)
		rc = find_row(store, by->s, &next, &found, err);
	if (rc == PV_OK && found && by && old.first == next.first)
		rc = gives_way(store, e, index, &old, &next, &gives, err);
	if (rc != PV_OK || gives)
		return rc;
	return governance_wrong_entry(
		index,
		"neither has the device said that it has what came in its "
		"place, nor was it taken back",
		err);
}

/* ---- on an offer ---- */

static bool same_fact(const struct log_entry *a, const struct log_entry *b,
		      const char *key, enum log_kind kind)
{
	const struct log_fact *x = log_fact_find(a, key, kind);
	const struct log_fact *y = log_fact_find(b, key, kind);

	return x && y && span_equal(x->s, y->s);
}

static bool is_offer_of(const struct log_entry *offer,
			const struct log_entry *e)
{
	return span_is(offer->type, LOG_ATTEST_ENROL) &&
	       span_equal(offer->object, e->object) && log_nonce(offer) &&
	       log_fact_find(offer, "pending", LOG_BSTR) &&
	       same_fact(offer, e, "format", LOG_TSTR) &&
	       same_fact(offer, e, "key", LOG_BSTR) &&
	       same_fact(offer, e, "ek", LOG_BSTR) &&
	       e->time_ms - offer->time_ms < 1000ull * TPL_NONCE_TTL_MAX_S;
}

static enum pv_code on_offer(struct store *store, const struct log_entry *e,
			     uint64_t index, struct err *err)
{
	const struct log_fact *at = log_fact_find(e, LOG_OFFER, LOG_UINT);
	CLEANUP(buf_release) struct buf room;
	struct log_entry offer;
	bool found = false;
	enum pv_code rc = PV_OK;

	buf_init(&room, LOG_ENTRY_MAX);
	if (at && at->u < index)
		rc = read_at(store, at->u, &room, &offer, &found, err);
	if (rc != PV_OK || (found && is_offer_of(&offer, e)))
		return rc;
	return governance_wrong_entry(
		index, "nobody approved that its key be offered to a TPM", err);
}

enum pv_code acts_follows(struct store *store, const struct log_entry *e,
			  uint64_t index, struct err *err)
{
	return span_is(e->type, LOG_ATTEST_ENROL)
		       ? on_offer(store, e, index, err)
		       : superseded(store, e, index, err);
}
