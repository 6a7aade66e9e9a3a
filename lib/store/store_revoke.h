/*
 * store_revoke: credentials that are revoked or held, CAs that are revoked.
 * Codes and the rules of transactions: store.h.
 *
 * Does not check: that issuer and shard are those of the certificate, that the
 * entry's facts are those of the row (lib/flow/revoke.c makes both).
 */
#ifndef PV_STORE_REVOKE_H
#define PV_STORE_REVOKE_H

#include "lib/store/store.h"

/*
 * Revokes (STORE_ISSUED or STORE_SUSPENDED -> STORE_REVOKED), or holds with
 * STORE_REASON_HOLD (STORE_ISSUED -> STORE_SUSPENDED). What was held keeps its
 * revoked_ms: r brings the same. entry: its cert.revoke. PV_CONFLICT:
 * "store.revoked" (revoked or held before, nothing has changed),
 * "store.retired", "store.open" (it has no result); PV_NOT_FOUND; PV_INPUT,
 * "store.revocation".
 */
PV_MUST static inline enum pv_code
store_revoke(struct store *s, const struct store_revocation *r,
	     struct span entry, struct err *err)
{
	return s->ops->revoke(s, r, entry, err);
}

/*
 * The same for a certificate of a CA, which is no device's: its row alone says
 * so. r->not_after_s may be STORE_NO_TIME: it stays on its list for ever.
 * entry: its cert.revoke. PV_CONFLICT: "store.revoked"; "store.number" (a
 * device has that number); PV_NOT_FOUND, "store.ca" (its issuer); PV_INPUT,
 * "store.revocation", also for what is held, or is let go of.
 */
PV_MUST static inline enum pv_code
store_revoke_ca(struct store *s, const struct store_revocation *r,
		struct span entry, struct err *err)
{
	return s->ops->revoke_ca(s, r, entry, err);
}

/* STORE_SUSPENDED -> STORE_ISSUED; entry: cert.revoke with
 * STORE_REASON_REMOVE. PV_CONFLICT, "store.hold": it is not held;
 * PV_NOT_FOUND. */
PV_MUST static inline enum pv_code store_unhold(struct store *s,
						uint32_t number,
						struct span entry,
						struct err *err)
{
	return s->ops->unhold(s, number, entry, err);
}

/* *found false is no failure. */
PV_MUST static inline enum pv_code
store_revocation_get(struct store *s, uint32_t number,
		     struct store_revocation *r, bool *found, struct err *err)
{
	return s->ops->revocation_get(s, number, r, found, err);
}

/* v->fn.revocation for each of one shard with a number of from or more, by
 * number. ca "": those that have no certificate. */
PV_MUST static inline enum pv_code
store_revocation_each(struct store *s, const char *ca, uint32_t generation,
		      uint32_t shard, uint32_t from,
		      const struct store_visit *v, struct err *err)
{
	return s->ops->revocation_each(s, ca, generation, shard, from, v, err);
}

#endif
