/*
 * store_crl: CRLs and batches of OCSP answers: recorded before they are signed,
 * and what was signed. Codes and the rules of transactions: store.h.
 *
 * Does not check: what the bytes are (lib/x509 lints and verifies them), that
 * rows agree with their entries.
 */
#ifndef PV_STORE_CRL_H
#define PV_STORE_CRL_H

#include "lib/store/store.h"

/*
 * Records what will be signed: kind to tbs of c. entry: its crl.intent or
 * ocsp.intent. PV_CONFLICT, "store.crl": number is not the shard's newest + 1,
 * or another is pending; PV_NOT_FOUND: there is no such CA; PV_INPUT.
 */
PV_MUST static inline enum pv_code store_crl_reserve(struct store *s,
						     const struct store_crl *c,
						     struct span entry,
						     struct err *err)
{
	return s->ops->crl_reserve(s, c, entry, err);
}

/* Completes the pending one: kind to number, and der of c. entry: its
 * crl.issue or ocsp.issue. PV_CONFLICT, "store.completed": it is not
 * pending. */
PV_MUST static inline enum pv_code store_crl_complete(struct store *s,
						      const struct store_crl *c,
						      struct span entry,
						      struct err *err)
{
	return s->ops->crl_complete(s, c, entry, err);
}

/* Gives the pending one up: kind to number of c. The number is used, the bytes
 * are gone. entry: its crl.void or ocsp.void. PV_CONFLICT, "store.completed":
 * it is not pending. */
PV_MUST static inline enum pv_code store_crl_void(struct store *s,
						  const struct store_crl *c,
						  struct span entry,
						  struct err *err)
{
	return s->ops->crl_void(s, c, entry, err);
}

/* v->fn.crl for the newest, the pending or the last one of a shard (kind, ca,
 * generation and shard of key); *found false is no failure. */
PV_MUST static inline enum pv_code store_crl_get(struct store *s,
						 const struct store_crl *key,
						 enum store_crl_which which,
						 const struct store_visit *v,
						 bool *found, struct err *err)
{
	return s->ops->crl_get(s, key, which, v, found, err);
}

/* v->fn.crl for each, by kind, CA (in order of creation), shard, number. */
PV_MUST static inline enum pv_code store_crl_each(struct store *s,
						  enum store_crl_which which,
						  const struct store_visit *v,
						  struct err *err)
{
	return s->ops->crl_each(s, which, v, err);
}

#endif
