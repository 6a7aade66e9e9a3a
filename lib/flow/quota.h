/*
 * quota: what the log says by itself of orders: each is opened once, nothing is
 * reserved under it before that, after its end, or above its quantity and its
 * replacements (overbuild).
 *
 * Does not check: that the entries are the log's, who approved an order.
 */
#ifndef PV_FLOW_QUOTA_H
#define PV_FLOW_QUOTA_H

#include "lib/log/entry.h"
#include "lib/store/store_types.h"

struct quota_order {
	char name[STORE_ID_MAX + 1];
	uint64_t quantity, rework;
	uint64_t devices, reworked; /* reserved: without, and only, replacements
				     */
	bool closed;
};

struct quota { /* zeroed: nothing was taken yet */
	struct quota_order *list;
	size_t n, room;
	size_t last; /* where the one before was found */
};

void quota_release(struct quota *q);
/*
 * The next entry of the log; most are about no order. PV_INTEGRITY,
 * "audit.order", object: the order; what comes later is taken all the same.
 */
PV_MUST enum pv_code quota_take(struct quota *q, const struct log_entry *e,
				struct err *err);

#endif
