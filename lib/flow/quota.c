#include "lib/flow/quota.h"

#include <stdlib.h>
#include <string.h>

#include "lib/log/events.h"

#define ROOM_FIRST 64

void quota_release(struct quota *q)
{
	free(q->list);
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
			      struct err *err)
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
		(struct quota_order){ .quantity = quantity->u,
				      .rework = rework ? rework->u : 0 };
	memcpy(q->list[q->last].name, e->object.p, e->object.len);
	return PV_OK;
}

static enum pv_code take_close(struct quota *q, const struct log_entry *e,
			       struct err *err)
{
	const struct log_fact *issued = log_fact_find(e, "issued", LOG_UINT);
	struct quota_order *o = find(q, e->object);

	if (!o || o->closed)
		return wrong(e->object, "it ended without being open", err);
	o->closed = true;
	if (!issued || issued->u > o->devices)
		return wrong(e->object,
			     "its end counts more devices than the log", err);
	return PV_OK;
}

static enum pv_code take_intent(struct quota *q, const struct log_entry *e,
				struct err *err)
{
	const struct log_fact *order = log_fact_find(e, "order", LOG_TSTR);
	const struct log_fact *why = log_fact_find(e, "why", LOG_TSTR);
	bool rework = why != NULL;
	struct quota_order *o;

	/* A rotated device is none more, also after its order's end. */
	if (!order || (why && span_is(why->s, "rotate")))
		return PV_OK;
	o = find(q, order->s);
	if (!o)
		return wrong(order->s, "a device before it was opened", err);
	if (o->closed)
		return wrong(order->s, "a device after its end", err);
	if (rework && ++o->reworked > o->rework)
		return wrong(order->s, "more replacements than it allows", err);
	if (!rework && ++o->devices > o->quantity)
		return wrong(order->s, "more devices than it allows", err);
	return PV_OK;
}

enum pv_code quota_take(struct quota *q, const struct log_entry *e,
			struct err *err)
{
	if (span_is(e->type, LOG_CERT_INTENT))
		return take_intent(q, e, err);
	if (span_is(e->type, LOG_ORDER_OPEN))
		return take_open(q, e, err);
	if (span_is(e->type, LOG_ORDER_CLOSE))
		return take_close(q, e, err);
	return PV_OK;
}
