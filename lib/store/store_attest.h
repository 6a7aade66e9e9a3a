/*
 * store_attest: what devices attest with, and the nonces that were handed out;
 * the evidence that came for them: store_evidence.h. Codes and the rules of
 * transactions: store.h. A put appends its entry and the row with it; log_index
 * of the argument is not read.
 *
 * Does not check: evidence; that an entry's facts are those of the row
 * (lib/flow/logged_attest.h does); who may replace a key.
 */
#ifndef PV_STORE_ATTEST_H
#define PV_STORE_ATTEST_H

#include "lib/store/store.h"

/*
 * A pending key takes the place of the device's earlier pending one. An
 * enrolled one makes the earlier enrolled one a replaced one, and the pending
 * one of the device goes. The one in force may be put again. PV_CONFLICT
 * "store.attkey": the key is or was another device's, or was replaced by
 * another one; the instance or the EK is or was another device's. PV_INPUT
 * "store.attkey".
 */
PV_MUST static inline enum pv_code
store_attkey_put(struct store *s, const struct store_attkey *k,
		 struct span entry, struct err *err)
{
	return s->ops->attkey_put(s, k, entry, err);
}

/* The device's newest one of that state. Appends the key to key when *found;
 * k->key is that buffer's bytes. */
PV_MUST static inline enum pv_code
store_attkey_get(struct store *s, const char *device,
		 enum store_attkey_state state, struct store_attkey *k,
		 struct buf *key, bool *found, struct err *err)
{
	return s->ops->attkey_get(s, device, state, k, key, found, err);
}

/* v->fn.attkey for each that stands, or was replaced, by device and entry. */
PV_MUST static inline enum pv_code
store_attkey_each(struct store *s, const struct store_visit *v, struct err *err)
{
	return s->ops->attkey_each(s, v, err);
}

/* Whose key, instance or EK (those that k has) that is or was; "": nobody's.
 * Of several devices the first by this order that is not k->device. What is
 * pending makes nobody an owner: anybody may be offered any public key. */
PV_MUST static inline enum pv_code
store_attkey_owner(struct store *s, const struct store_attkey *k,
		   char device[STORE_ID_MAX + 1], struct err *err)
{
	return s->ops->attkey_owner(s, k, device, err);
}

/* PV_CONFLICT "store.nonce": it was handed out before. PV_INPUT. */
PV_MUST static inline enum pv_code store_nonce_put(struct store *s,
						   const struct store_nonce *n,
						   struct span entry,
						   struct err *err)
{
	return s->ops->nonce_put(s, n, entry, err);
}

/* used_index is also where evidence says that it used it and the row does not.
 */
PV_MUST static inline enum pv_code
store_nonce_get(struct store *s, const uint8_t hash[STORE_HASH],
		struct store_nonce *n, bool *found, struct err *err)
{
	return s->ops->nonce_get(s, hash, n, found, err);
}

/* How many of that device are not used and good after now_ms. */
PV_MUST static inline enum pv_code
store_nonce_count(struct store *s, const char *device, uint64_t now_ms,
		  uint64_t *n, struct err *err)
{
	return s->ops->nonce_count(s, device, now_ms, n, err);
}

/* v->fn.nonce for each that ever was, by entry. */
PV_MUST static inline enum pv_code
store_nonce_each(struct store *s, const struct store_visit *v, struct err *err)
{
	return s->ops->nonce_each(s, NULL, 0, v, err);
}

/* The same for those that store_nonce_count() counts. */
PV_MUST static inline enum pv_code
store_nonce_open(struct store *s, const char *device, uint64_t now_ms,
		 const struct store_visit *v, struct err *err)
{
	return s->ops->nonce_each(s, device, now_ms, v, err);
}

/* Used from now on, by no evidence; entry: its attest.withdraw. PV_NOT_FOUND,
 * or PV_CONFLICT when it was used: "store.nonce". */
PV_MUST static inline enum pv_code
store_nonce_withdraw(struct store *s, const uint8_t hash[STORE_HASH],
		     struct span entry, struct err *err)
{
	return s->ops->nonce_withdraw(s, hash, entry, err);
}

#endif
