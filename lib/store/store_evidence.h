/*
 * store_evidence: evidence of devices that came, and what was released for it.
 * Codes and the rules of transactions: store.h. A put appends its entry and the
 * row with it; log_index of the argument is not read.
 *
 * Does not check: evidence; that an entry's facts are those of the row
 * (lib/flow/logged_attest.h does); that the bundle of a release is recorded.
 */
#ifndef PV_STORE_EVIDENCE_H
#define PV_STORE_EVIDENCE_H

#include "lib/store/store.h"

/*
 * With uses_nonce the nonce is used in the same transaction: PV_DENIED
 * "evidence.nonce" when it was not handed out, or for another device or stage,
 * was used, or is not good any more at verified_ms; nothing is written then.
 * PV_INPUT "store.evidence".
 */
PV_MUST static inline enum pv_code
store_evidence_put(struct store *s, const struct store_evidence *x,
		   struct span entry, struct err *err)
{
	return s->ops->evidence_put(s, x, entry, err);
}

/* The newest that is verified and nothing was released for. Appends the
 * sealing key to seal when *found; x->seal_spki is that buffer's bytes. */
PV_MUST static inline enum pv_code
store_evidence_current(struct store *s, const char *device, const char *stage,
		       struct store_evidence *x, struct buf *seal, bool *found,
		       struct err *err)
{
	return s->ops->evidence_find(s, device, stage, NULL, x, seal, found,
				     err);
}

/* That of the device with those bytes that was verified, else the newest that
 * failed; likewise. */
PV_MUST static inline enum pv_code
store_evidence_get(struct store *s, const char *device,
		   const uint8_t sha256[STORE_HASH], struct store_evidence *x,
		   struct buf *seal, bool *found, struct err *err)
{
	return s->ops->evidence_find(s, device, NULL, sha256, x, seal, found,
				     err);
}

/* Whether evidence over that nonce, not the device's, was refused by that rule.
 */
PV_MUST static inline enum pv_code
store_evidence_stranger(struct store *s, const char *device,
			const uint8_t nonce[STORE_HASH], const char *rule,
			bool *found, struct err *err)
{
	return s->ops->evidence_stranger(s, device, nonce, rule, found, err);
}

/* The newest that was verified, whether or not anything was released for it;
 * likewise. */
PV_MUST static inline enum pv_code
store_evidence_newest(struct store *s, const char *device, const char *stage,
		      struct store_evidence *x, struct buf *seal, bool *found,
		      struct err *err)
{
	return s->ops->evidence_newest(s, device, stage, x, seal, found, err);
}

/* entry: its bundle.release, whose bundle this transaction records.
 * PV_NOT_FOUND, or PV_CONFLICT when it is released: "store.evidence". */
PV_MUST static inline enum pv_code
store_evidence_release(struct store *s, const char *device,
		       const uint8_t sha256[STORE_HASH], struct span entry,
		       struct err *err)
{
	return s->ops->evidence_release(s, device, sha256, entry, err);
}

/* v->fn.evidence for each that ever was, by entry. */
PV_MUST static inline enum pv_code
store_evidence_each(struct store *s, const struct store_visit *v,
		    struct err *err)
{
	return s->ops->evidence_each(s, v, err);
}

#endif
