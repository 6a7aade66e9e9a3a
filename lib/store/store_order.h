/*
 * store_order: production tickets and what was issued under them. Codes and
 * the rules of transactions: store.h; of entries: store_people.h.
 *
 * Does not check: quantity, window, quorum (policy_decide() does, with these
 * counts, in the transaction that reserves).
 */
#ifndef PV_STORE_ORDER_H
#define PV_STORE_ORDER_H

#include "lib/store/store.h"

/* name, template_sha256 and bytes of o are taken. PV_CONFLICT, "store.order":
 * the name is known, or devices were issued under it without an order;
 * PV_NOT_FOUND: the template is not adopted. */
PV_MUST static inline enum pv_code store_order_open(struct store *s,
						    const struct store_order *o,
						    struct span entry,
						    struct err *err)
{
	return s->ops->order_open(s, o, entry, err);
}

/* PV_NOT_FOUND, or PV_CONFLICT when it is closed: "store.order". */
PV_MUST static inline enum pv_code
store_order_close(struct store *s, const char *name, struct span note,
		  struct span entry, struct err *err)
{
	return s->ops->order_close(s, name, note, entry, err);
}

/* v->fn.order for the one of that name; *found false is no failure. */
PV_MUST static inline enum pv_code store_order_get(struct store *s,
						   const char *name,
						   const struct store_visit *v,
						   bool *found, struct err *err)
{
	return s->ops->order_get(s, name, v, found, err);
}

/* v->fn.order for each, by name. */
PV_MUST static inline enum pv_code
store_order_each(struct store *s, const struct store_visit *v, struct err *err)
{
	return s->ops->order_get(s, NULL, v, NULL, err);
}

/* What was reserved under that name, this transaction's included. */
PV_MUST static inline enum pv_code
store_order_count(struct store *s, const char *order,
		  struct store_order_count *count, struct err *err)
{
	return s->ops->order_count(s, order, count, err);
}

#endif
