#include "lib/flow/quota.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/flow/audit_entries.h"
#include "lib/log/lifecycle.h"
#include "lib/store/store_lifecycle_types.h"

#define ROOM_FIRST 64
#define FLAG_BITS 5u /* of QUOTA_FLAGS; above: the order's place, from 1 */

void quota_release(struct quota *q)
{
	for (size_t i = 0; i < q->n; i++)
		free(q->list[i].certificates);
	free(q->list);
	numbermap_release(&q->numbers);
	log_hasher_release(&q->hasher);
	memset(q, 0, sizeof(*q));
}

static enum pv_code wrong(struct span name, const char *what, struct err *err)
{
	char object[STORE_ID_MAX + 1];
	size_t n = name.len < STORE_ID_MAX ? name.len : STORE_ID_MAX;

	memcpy(object, name.p, n);
	object[n] = '\0';
	err_object(err, object);
	return err_fail(err, PV_INTEGRITY, "audit.order",
			"look for devices that nobody ordered", "order %s: %s",
			object, what);
}

/* Devices of one order follow one another, and newer orders are in use. */
static struct quota_order *find(struct quota *q, struct span name)
{
	if (q->n > 0 && span_is(name, q->list[q->last].name))
		return &q->list[q->last];
	for (size_t i = q->n; i-- > 0;)
		if (span_is(name, q->list[i].name)) {
			q->last = i;
			return &q->list[i];
		}
	return NULL;
}

static enum pv_code make_room(struct quota *q, struct err *err)
{
	size_t room = q->room ? 2 * q->room : ROOM_FIRST;
	struct quota_order *list;

	if (q->n < q->room)
		return PV_OK;
	list = realloc(q->list, room * sizeof(*list));
	if (!list)
		return err_fail(err, PV_INTERNAL, "memory", NULL,
				"no memory for %zu orders", room);
	q->list = list;
	q->room = room;
	return PV_OK;
}

static enum pv_code take_open(struct quota *q, const struct log_entry *e,
			      uint64_t index, struct err *err)
{
	const struct log_fact *quantity =
		log_fact_find(e, "quantity", LOG_UINT);
	const struct log_fact *rework = log_fact_find(e, "rework", LOG_UINT);
	enum pv_code rc;

	if (find(q, e->object))
		return wrong(e->object, "it was opened twice", err);
	if (!quantity || e->object.len == 0 || e->object.len > STORE_ID_MAX)
		return wrong(e->object, "it was opened without a quantity",
			     err);
	rc = make_room(q, err);
	if (rc != PV_OK)
		return rc;
	q->last = q->n++;
	q->list[q->last] =
		(struct quota_order){ .opened = index,
				      .quantity = quantity->u,
				      .rework = rework ? rework->u : 0 };
	memcpy(q->list[q->last].name, e->object.p, e->object.len);
	return PV_OK;
}

/* ---- devices ---- */

/* The order of a number, or NULL; *flags of it. */
static struct quota_order *order_of(struct quota *q, struct span serial,
				    uint32_t *number, uint32_t *flags)
{
	uint32_t v;

	if (q->numbers.n == 0 || !audit_number(serial, number))
		return NULL;
	v = numbermap_get(&q->numbers, *number);
	*flags = v & QUOTA_FLAGS;
	return v ? &q->list[(v >> FLAG_BITS) - 1] : NULL;
}

static enum pv_code put_flags(struct quota *q, const struct quota_order *o,
			      uint32_t number, uint32_t flags, struct err *err)
{
	uint32_t place = (uint32_t)(o - q->list) + 1;

	return numbermap_set(&q->numbers, number, place << FLAG_BITS | flags,
			     err);
}

static enum pv_code take_intent(struct quota *q, const struct log_entry *e,
				struct err *err)
{
	const struct log_fact *order = log_fact_find(e, "order", LOG_TSTR);
	const struct log_fact *why = log_fact_find(e, "why", LOG_TSTR);
	uint32_t flags = why ? QUOTA_REWORK : 0;
	struct quota_order *o;
	uint32_t number;
	enum pv_code rc = PV_OK;

	/* A rotated device is none more, also after its order's end. */
	if (!order || (why && span_is(why->s, "rotate")))
		return PV_OK;
	o = find(q, order->s);
	if (!o)
		return wrong(order->s, "a device before it was opened", err);
	if (log_fact_find(e, "tbs", LOG_BSTR))
		flags |= QUOTA_TBS;
	if (audit_number(e->object, &number))
		rc = put_flags(q, o, number, flags, err);
	if (rc != PV_OK)
		return rc;
	if (o->closed)
		return wrong(order->s, "a device after its end", err);
	if (why && ++o->reworked > o->rework)
		return wrong(order->s, "more replacements than it allows", err);
	if (!why && ++o->devices > o->quantity)
		return wrong(order->s, "more devices than it allows", err);
	return PV_OK;
}

static enum pv_code need_hasher(struct quota *q, struct err *err)
{
	return q->hasher.md ? PV_OK : log_hasher_init(&q->hasher, err);
}

static enum pv_code add_certificate(struct quota *q, struct quota_order *o,
				    struct span cert, struct err *err)
{
	uint8_t leaf[LOG_HASH];
	enum pv_code rc = need_hasher(q, err);

	if (rc == PV_OK && !o->certificates) {
		o->certificates = mem_new(sizeof(*o->certificates), err);
		rc = o->certificates ? PV_OK : PV_INTERNAL;
	}
	if (rc == PV_OK)
		rc = log_hash_leaf(&q->hasher, cert, leaf, err);
	return rc == PV_OK ? log_tree_append(o->certificates, &q->hasher, leaf,
					     NULL, err)
			   : rc;
}

/* cert: hash of its certificate; NULL: it gets none. */
static enum pv_code take_result(struct quota *q, struct span serial,
				const struct log_fact *cert, uint64_t index,
				struct err *err)
{
	uint32_t number, flags;
	struct quota_order *o = order_of(q, serial, &number, &flags);
	enum pv_code rc;

	if (!o || flags & QUOTA_DONE || !cert != !(flags & QUOTA_TBS))
		return PV_OK;
	rc = put_flags(q, o, number, flags | QUOTA_DONE, err);
	if (rc == PV_OK && o->closed)
		return wrong(log_str(o->name), "a result after its end", err);
	if (rc == PV_OK && cert)
		rc = add_certificate(q, o, cert->s, err);
	if (rc != PV_OK)
		return rc;
	o->last = index;
	if (flags & QUOTA_REWORK)
		o->replaced++;
	else
		o->issued++;
	return PV_OK;
}

static enum pv_code take_issue(struct quota *q, const struct log_entry *e,
			       uint64_t index, struct err *err)
{
	const struct log_fact *cert = log_fact_find(e, "cert", LOG_BSTR);

	return cert ? take_result(q, e->object, cert, index, err) : PV_OK;
}

static enum pv_code take_seal(struct quota *q, const struct log_entry *e,
			      uint64_t index, struct err *err)
{
	const struct log_fact *serial = log_fact_find(e, "serial", LOG_TSTR);

	return serial ? take_result(q, serial->s, NULL, index, err) : PV_OK;
}

static enum pv_code take_held(struct quota *q, const struct log_entry *e,
			      uint64_t index, struct err *err)
{
	const struct log_fact *serial = log_fact_find(e, "serial", LOG_TSTR);
	const struct log_fact *rule = log_fact_find(e, "rule", LOG_TSTR);
	uint32_t number, flags;
	enum pv_code rc;
	struct quota_order *o =
		serial ? order_of(q, serial->s, &number, &flags) : NULL;

	(void)index;
	if (!o || flags & (QUOTA_DONE | QUOTA_HELD))
		return PV_OK;
	o->held++;
	rc = put_flags(q, o, number, flags | QUOTA_HELD, err);
	if (rc != PV_OK || !rule || !span_is(rule->s, QUOTA_GIVEN_UP))
		return rc;
	o->given_up++;
	return o->closed
		       ? wrong(log_str(o->name), "given up after its end", err)
		       : PV_OK;
}

/* One that is on hold is not revoked. */
static enum pv_code take_revoke(struct quota *q, const struct log_entry *e,
				uint64_t index, struct err *err)
{
	const struct log_fact *reason = log_fact_find(e, "reason", LOG_UINT);
	uint32_t number, flags;
	struct quota_order *o = order_of(q, e->object, &number, &flags);

	(void)index;
	if (!o || flags & QUOTA_REVOKED || !reason ||
	    reason->u == STORE_REASON_HOLD || reason->u == STORE_REASON_REMOVE)
		return PV_OK;
	o->revoked++;
	return put_flags(q, o, number, flags | QUOTA_REVOKED, err);
}

/* ---- the end ---- */

enum pv_code quota_root(struct quota *q, const struct quota_order *o,
			uint8_t root[static LOG_HASH], struct err *err)
{
	static const struct log_tree none = { .size = 0 };
	enum pv_code rc = need_hasher(q, err);

	return rc == PV_OK ? log_tree_root(o->certificates ? o->certificates
							   : &none,
					   &q->hasher, root, err)
			   : rc;
}

static bool says(const struct log_entry *e, const char *key, uint64_t v)
{
	const struct log_fact *f = log_fact_find(e, key, LOG_UINT);

	return f && f->u == v;
}

static enum pv_code check_end(struct quota *q, const struct quota_order *o,
			      const struct log_entry *e, uint64_t index,
			      struct err *err)
{
	const struct log_fact *last = log_fact_find(e, "last", LOG_UINT);
	uint8_t root[LOG_HASH];
	enum pv_code rc = quota_root(q, o, root, err);

	if (rc != PV_OK)
		return rc;
	if (!says(e, "issued", o->issued) || !says(e, "revoked", o->revoked))
		return wrong(e->object, "its end counts other devices", err);
	if (o->given_up > 0 && !says(e, LOG_GIVEN_UP, 1))
		return wrong(e->object,
			     "its end does not say that it gave "
			     "devices up",
			     err);
	if (!log_fact_is(e, "certificates", root, sizeof(root)))
		return wrong(e->object, "its end names other certificates",
			     err);
	if (!says(e, "first", o->opened) || !last || last->u < o->last ||
	    last->u >= index)
		return wrong(e->object, "its end names other entries", err);
	return PV_OK;
}

static enum pv_code take_close(struct quota *q, const struct log_entry *e,
			       uint64_t index, struct err *err)
{
	struct quota_order *o = find(q, e->object);

	if (!o || o->closed)
		return wrong(e->object, "it ended without being open", err);
	o->closed = true;
	return check_end(q, o, e, index, err);
}

#define TYPE(s)                                                                \
	{                                                                      \
		(const uint8_t *)(s), sizeof(s) - 1                            \
	}

static const struct {
	struct span type;
	enum pv_code (*take)(struct quota *q, const struct log_entry *e,
			     uint64_t index, struct err *err);
} kinds[] = {
	{ TYPE(LOG_CERT_ISSUE), take_issue },
	{ TYPE(LOG_BUNDLE_SEAL), take_seal },
	{ TYPE(LOG_QUARANTINE_PUT), take_held },
	{ TYPE(LOG_CERT_REVOKE), take_revoke },
	{ TYPE(LOG_ORDER_OPEN), take_open },
	{ TYPE(LOG_ORDER_CLOSE), take_close },
};

enum pv_code quota_take(struct quota *q, const struct log_entry *e,
			uint64_t index, struct err *err)
{
	if (span_is(e->type, LOG_CERT_INTENT))
		return take_intent(q, e, err);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (span_equal(e->type, kinds[i].type))
			return kinds[i].take(q, e, index, err);
	return PV_OK;
}
