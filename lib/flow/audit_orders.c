/* An audit: the notes of orders that ended. */
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/audit_impl.h"
#include "lib/flow/orders_note.h"
#include "lib/flow/people.h"
#include "lib/log/govern.h"
#include "lib/store/store_order.h"
#include "policy/orderfile.h"

static uint64_t number(const struct log_entry *e, const char *key)
{
	const struct log_fact *f = log_fact_find(e, key, LOG_UINT);

	return f ? f->u : 0;
}

/* What its order.close says, which quota.h has held against the log. */
static void take_facts(const struct log_entry *e, struct orders_note *n)
{
	const struct log_fact *tree =
		log_fact_find(e, "certificates", LOG_BSTR);

	n->issued = number(e, "issued");
	n->revoked = number(e, "revoked");
	n->receipts = number(e, "receipts");
	n->first = number(e, "first");
	n->last = number(e, "last");
	if (tree && tree->s.len == LOG_HASH)
		memcpy(n->certificates, tree->s.p, LOG_HASH);
}

static enum pv_code take_order(void *ctx, const struct store_order *o,
			       struct err *err)
{
	struct audit *au = ctx;
	struct orders_note n = { .origin = au->base.origin };
	struct order order;
	struct log_entry e;
	enum pv_code rc;

	if (o->state != STORE_ORDER_CLOSED)
		return PV_OK;
	rc = audit_entry(au, o->closed_index, LOG_ORDER_CLOSE, o->name, &e,
			 err);
	if (rc == PV_OK)
		rc = order_parse(o->bytes, &order, err);
	if (rc == PV_OK)
		rc = people_root(au->store, n.root, err);
	if (rc != PV_OK)
		return rc;
	take_facts(&e, &n);
	n.quantity = order.quantity;
	memcpy(n.order, order.sha256, sizeof(n.order));
	rc = orders_note_check(&au->base, &n, o->note, err);
	if (rc != PV_OK)
		err_object(err, o->name);
	return rc;
}

enum pv_code audit_orders(struct audit *au, struct err *err)
{
	const struct store_visit v = { .ctx = au, .fn.order = take_order };

	return store_order_each(au->store, &v, err);
}
