/*
 * store_held: requests, evidence and receipts that wait for people's decision.
 * Codes and the rules of transactions: store.h; of entries that decide:
 * store_people.h. quarantine.put is no governance entry.
 *
 * Does not check: quorum; that the entry's facts are those of the row.
 */
#ifndef PV_STORE_HELD_H
#define PV_STORE_HELD_H

#include "lib/store/store.h"

/* The number that store_held_put() will give next, for its entry. */
PV_MUST static inline enum pv_code
store_held_next(struct store *s, uint64_t *id, struct err *err)
{
	return s->ops->held_next(s, id, err);
}

/* request, device, rule, source and bytes of h are taken. entry is its
 * quarantine.put. PV_INPUT, "store.held". */
PV_MUST static inline enum pv_code store_held_put(struct store *s,
						  const struct store_held *h,
						  struct span entry,
						  uint64_t *id, struct err *err)
{
	return s->ops->held_put(s, h, entry, id, err);
}

/* state: STORE_RELEASED or STORE_REJECTED, with the entry of that.
 * PV_NOT_FOUND, or PV_CONFLICT when it was decided: "store.held". */
PV_MUST static inline enum pv_code
store_held_decide(struct store *s, uint64_t id, enum store_held_state state,
		  struct span entry, struct err *err)
{
	return s->ops->held_decide(s, id, state, entry, err);
}

/* Whether anything of that device waits. Costs nothing while nothing does. */
PV_MUST static inline enum pv_code
store_held_any(struct store *s, const char *device, bool *held, struct err *err)
{
	return s->ops->held_any(s, device, held, err);
}

/* How many wait whose bytes begin so; of no bytes: all, which costs nothing. */
PV_MUST static inline enum pv_code store_held_count(struct store *s,
						    struct span head,
						    uint64_t *n,
						    struct err *err)
{
	return s->ops->held_count(s, head, n, err);
}

/* v->fn.held for the one of that number; *found false is no failure. */
PV_MUST static inline enum pv_code store_held_get(struct store *s, uint64_t id,
						  const struct store_visit *v,
						  bool *found, struct err *err)
{
	return s->ops->held_get(s, id, v, found, err);
}

/* v->fn.held for each that ever was of that device, by number. */
PV_MUST static inline enum pv_code store_held_of(struct store *s,
						 const char *device,
						 const struct store_visit *v,
						 struct err *err)
{
	return s->ops->held_of(s, device, v, err);
}

/* v->fn.held for each that ever was, by number. */
PV_MUST static inline enum pv_code
store_held_each(struct store *s, const struct store_visit *v, struct err *err)
{
	return s->ops->held_get(s, 0, v, NULL, err);
}

#endif
