/*
 * store_people: rosters, used approvals, and the list of all that people
 * decided (governance entries, lib/log/govern.h). Codes and the rules of
 * transactions: store.h.
 *
 * A verb with an entry appends it in the transaction of the change and lists
 * it. The entry is encoded, of the verb's own type and about its object, and
 * its "prev" is store_governance_head(): else PV_INPUT, "store.governance".
 *
 * Does not check: that the entry's facts are those of the row, signatures,
 * quorums.
 */
#ifndef PV_STORE_PEOPLE_H
#define PV_STORE_PEOPLE_H

#include "lib/store/store.h"

/* ---- the list ---- */

/* Index of the newest; STORE_NO_INDEX when there is none yet. */
PV_MUST static inline enum pv_code
store_governance_head(struct store *s, uint64_t *index, struct err *err)
{
	return s->ops->governance_head(s, index, err);
}

/* Index of the newest of that kind; STORE_NO_INDEX when there is none. */
PV_MUST static inline enum pv_code store_governance_last(struct store *s,
							 const char *kind,
							 uint64_t *index,
							 struct err *err)
{
	return s->ops->governance_last(s, kind, index, err);
}

/* v->fn.governance for each with an index of from or more, by index. */
PV_MUST static inline enum pv_code
store_governance_each(struct store *s, uint64_t from,
		      const struct store_visit *v, struct err *err)
{
	return s->ops->governance_each(s, from, v, err);
}

/* For the entries that no verb with a row brings: template.adopt, clock.accept,
 * config.accept, people.decide. *index (may be NULL) gets its place. */
PV_MUST static inline enum pv_code store_governance_add(struct store *s,
							struct span entry,
							uint64_t *index,
							struct err *err)
{
	return s->ops->governance_add(s, entry, index, err);
}

/* What the tables of store_people.h, store_order.h, store_held.h and
 * store_secret.h hold, and that of the templates. */
PV_MUST static inline enum pv_code
store_people_count(struct store *s, struct store_people_counts *c,
		   struct err *err)
{
	return s->ops->people_count(s, c, err);
}

/*
 * SHA-256 over all of what people decided: the list, the log's bytes of its
 * entries, and the rows that store_people_count() counts, but those that wait.
 * Another schema has others. Outside a write transaction.
 */
PV_MUST static inline enum pv_code
store_people_digest(struct store *s, uint8_t out[static STORE_HASH],
		    struct err *err)
{
	return s->ops->people_digest(s, out, err);
}

/* ---- rosters ---- */

/* The next version. PV_CONFLICT, "store.roster", for any but newest + 1. */
PV_MUST static inline enum pv_code
store_roster_put(struct store *s, uint64_t version, struct span bytes,
		 struct span entry, struct err *err)
{
	return s->ops->roster_put(s, version, bytes, entry, err);
}

/* Version 0: the newest. Appends to bytes when *found; r->bytes stays empty. */
PV_MUST static inline enum pv_code
store_roster_get(struct store *s, uint64_t version, struct store_roster *r,
		 struct buf *bytes, bool *found, struct err *err)
{
	return s->ops->roster_get(s, version, r, bytes, found, err);
}

/* ---- approvals that were used ---- */

/* PV_CONFLICT, "approval.used", when that nonce was used before. */
PV_MUST static inline enum pv_code
store_approval_use(struct store *s, const uint8_t nonce[STORE_NONCE],
		   struct span note, struct span entry, struct err *err)
{
	return s->ops->approval_use(s, nonce, note, entry, err);
}

/* Appends to note when *found; a->note stays empty. */
PV_MUST static inline enum pv_code
store_approval_get(struct store *s, const uint8_t nonce[STORE_NONCE],
		   struct store_approval *a, struct buf *note, bool *found,
		   struct err *err)
{
	return s->ops->approval_get(s, nonce, a, note, found, err);
}

/* v->fn.approval for each, in the order used. */
PV_MUST static inline enum pv_code
store_approval_each(struct store *s, const struct store_visit *v,
		    struct err *err)
{
	return s->ops->approval_each(s, v, err);
}

#endif
