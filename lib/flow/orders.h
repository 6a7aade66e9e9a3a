/*
 * orders: production tickets as the store and the log have them. An order
 * counts only as its order.open entry says it: whoever reads one here gets it
 * after its row was held against the log.
 *
 * Does not check: quantity, window, stations (policy_decide() does).
 * Specification: policy.md, "Orders".
 */
#ifndef PV_FLOW_ORDERS_H
#define PV_FLOW_ORDERS_H

#include "lib/flow/approvals.h"
#include "lib/store/store_order.h"
#include "policy/orderfile.h"

struct orders_report {
	char name[STORE_ID_MAX + 1];
	uint64_t quantity, rework;
	bool existing; /* it is open already, with these very bytes */
	char persons[APPROVALS_PERSONS_MAX + 1];
};

/*
 * Opens the order of these bytes. store: outside a transaction. Of want only
 * files and request_out are taken. PV_INPUT (order_parse()),
 * PV_DENIED: "order.template" (not the adopted bytes of that name and
 * version), "template.ca", "order.window" (it is over), "limits.per_order";
 * PV_CONFLICT: "store.order" (the name is taken), "order.closed"; and
 * approvals_gate()'s.
 */
PV_MUST enum pv_code orders_open(const struct authority *a, struct store *store,
				 struct span bytes,
				 const struct approvals_want *want,
				 struct orders_report *report, struct err *err);

struct orders_row { /* what an order's file does not say */
	enum store_order_state state;
	uint64_t devices, reworked;	     /* reserved under it */
	uint64_t opened_index, closed_index; /* STORE_NO_INDEX: not yet */
};

/*
 * The order of that name; o->open is true while it is open. row, and note, an
 * empty buffer for the note of its end, may be NULL. PV_NOT_FOUND,
 * "order.unknown"; PV_INTEGRITY, "store.governance".
 */
PV_MUST enum pv_code orders_load(struct store *store, const char *name,
				 struct order *o, struct orders_row *row,
				 struct buf *note, struct err *err);
/*
 * Inside a transaction, slow: are the counts of row those of the log? Reads
 * every entry since the order was opened. PV_INTEGRITY, "store.governance" or
 * "audit.order".
 */
PV_MUST enum pv_code orders_recount(struct store *store, const char *name,
				    const struct orders_row *row,
				    struct err *err);
/*
 * Inside a transaction: is an order that was loaded before still open? Sets
 * o->open.
 */
PV_MUST enum pv_code orders_refresh(struct store *store, struct order *o,
				    struct err *err);

#endif
