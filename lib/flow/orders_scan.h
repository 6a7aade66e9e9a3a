/*
 * orders_scan: what the log says of one order, from its order.open on.
 *
 * Does not check: rows of devices (orders_close.h does).
 */
#ifndef PV_FLOW_ORDERS_SCAN_H
#define PV_FLOW_ORDERS_SCAN_H

#include "lib/flow/orders.h"
#include "lib/flow/quota.h"

struct orders_scan { /* zeroed, with a name and the index to start from */
	const char *name;
	uint64_t next;	    /* entry that was not taken yet */
	struct quota quota; /* of that order alone */
};

/* Inside a transaction: takes all entries that came since. PV_INTEGRITY,
 * "audit.order"; "store.governance": there is no such order.open. */
PV_MUST enum pv_code orders_scan_on(struct store *store, struct orders_scan *s,
				    struct err *err);
/* The same of those before the entry at end. */
PV_MUST enum pv_code orders_scan_until(struct store *store,
				       struct orders_scan *s, uint64_t end,
				       struct err *err);
/* The order, once that is done. */
static inline const struct quota_order *
orders_scan_order(const struct orders_scan *s)
{
	return &s->quota.list[0];
}
/* The counts of row are those. PV_INTEGRITY, "store.governance". */
PV_MUST enum pv_code orders_scan_fits(const struct orders_scan *s,
				      const struct orders_row *row,
				      struct err *err);
void orders_scan_release(struct orders_scan *s);

#endif
