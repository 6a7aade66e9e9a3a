/*
 * store_history: what follows a device's first credential: the ones that took
 * its place, receipts, retirement. Codes and the rules of transactions:
 * store.h. store_device_get() gives the current credential: the newest one,
 * unless store_go_back() left it.
 *
 * Does not check: that rows agree with their entries (lib/flow/logged.h).
 */
#ifndef PV_STORE_HISTORY_H
#define PV_STORE_HISTORY_H

#include "lib/store/store.h"

/* v->fn.device for every credential of that device, newest first, also those
 * that were left; cert is empty. Nothing for an unknown id. */
PV_MUST static inline enum pv_code
store_history_each(struct store *s, const char *device,
		   const struct store_visit *v, struct err *err)
{
	return s->ops->history_each(s, device, v, err);
}

/*
 * The credential before that one becomes the current one again. number: the
 * current one, which replaces another and is not STORE_RESERVED. entry: what
 * says so in the log. PV_CONFLICT, "store.current"; PV_NOT_FOUND.
 */
PV_MUST static inline enum pv_code store_go_back(struct store *s,
						 uint32_t number,
						 struct span entry,
						 struct err *err)
{
	return s->ops->go_back(s, number, entry, err);
}

/* Was that credential current once and left by store_go_back()? Its entry's
 * index, or STORE_NO_INDEX. */
PV_MUST static inline enum pv_code store_left(struct store *s, uint32_t number,
					      uint64_t *index, struct err *err)
{
	return s->ops->left(s, number, index, err);
}

/* ---- receipts ---- */

/* entry: its receipt. PV_CONFLICT, "store.receipt": there is one of that seq
 * that says the same, or that it is installed; after a refusal another one may
 * follow. PV_NOT_FOUND: no bundle of that credential has it. */
PV_MUST static inline enum pv_code
store_receipt_put(struct store *s, const struct store_receipt *r,
		  struct span entry, struct err *err)
{
	return s->ops->receipt_put(s, r, entry, err);
}

/* v->fn.receipt for each of a credential, by seq, oldest first. */
PV_MUST static inline enum pv_code
store_receipt_each(struct store *s, uint32_t number,
		   const struct store_visit *v, struct err *err)
{
	return s->ops->receipt_each(s, number, v, err);
}

/* ---- retirement ---- */

/*
 * Retires a device: every credential becomes STORE_RETIRED, their TBS and
 * sealed secrets are deleted, and after the commit their sealed bytes are
 * zeros; a crash in between is made good when the store is opened next. Rows,
 * certificates and keys stay known. first: of store_device. entry: its
 * device.retire. PV_NOT_FOUND; PV_CONFLICT, "store.retired".
 */
PV_MUST static inline enum pv_code store_retire(struct store *s, uint32_t first,
						struct span entry,
						struct err *err)
{
	return s->ops->retire(s, first, entry, err);
}

/* How many devices are retired, and of how many of them sealed bytes are still
 * to be erased (another process holds the store). */
PV_MUST static inline enum pv_code store_retired_count(struct store *s,
						       uint64_t *retired,
						       uint64_t *pending,
						       struct err *err)
{
	return s->ops->retired_count(s, retired, pending, err);
}

#endif
