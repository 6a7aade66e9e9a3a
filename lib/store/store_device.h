/*
 * store_device: reserving, completing and finding devices. Codes and the rules
 * of transactions: store.h.
 */
#ifndef PV_STORE_DEVICE_H
#define PV_STORE_DEVICE_H

#include "lib/store/store.h"

/*
 * Lends n ordered numbers from *first on (1 to STORE_LEND_MAX), for good once
 * the transaction commits; numbers that are never used leave a gap. They are
 * STORE_SERIAL_FIRST to STORE_SERIAL_LAST; PV_STORAGE, "store.exhausted".
 */
PV_MUST static inline enum pv_code
store_serial_lend(struct store *s, uint32_t n, uint32_t *first, struct err *err)
{
	return s->ops->serial_lend(s, n, first, err);
}

/*
 * Records an intent: the device's row, its sealed secrets and its cert.intent
 * entry, whose log index is *index. PV_CONFLICT: "store.device" (id known),
 * "store.key" (a key is another's, or ours), "store.request" (request id
 * used), "store.serial" (number used, never lent, or not the serial's first
 * bytes). PV_NOT_FOUND: the template's digest is not adopted.
 * With replaces the id must be known, and the new row becomes the current one;
 * its keys may be the device's own. PV_CONFLICT, "store.current": replaces is
 * not the current one, or that has no result, is held or retired; PV_NOT_FOUND,
 * "store.device". A request id that is the device's counts as none.
 */
PV_MUST static inline enum pv_code store_reserve(struct store *s,
						 const struct store_intent *i,
						 uint64_t *index,
						 struct err *err)
{
	return s->ops->reserve(s, i, index, err);
}

/*
 * Records the result: certificate, bundles (sealed bytes already appended) and
 * their entries: cert.issue first, then each bundle.seal. Drops TBS and sealed
 * secrets of the intent. PV_CONFLICT, "store.completed", when there is no open
 * intent of that number. PV_INPUT, "store.result": a value is missing or out of
 * range, a certificate comes without an intended TBS or a TBS without one, a
 * bundle's id is known.
 */
PV_MUST static inline enum pv_code
store_complete(struct store *s, const struct store_result *r, struct err *err)
{
	return s->ops->complete(s, r, err);
}

/*
 * Records bundles for a credential that has its result: sealed bytes already
 * appended, each with its bundle.seal. PV_CONFLICT: "store.open" (it has none,
 * or is not STORE_ISSUED), "store.seq" (a number is not above all that the
 * credential has); PV_INPUT, "store.result", as store_complete(); PV_NOT_FOUND.
 */
PV_MUST static inline enum pv_code
store_bundles_add(struct store *s, uint32_t number,
		  const struct store_bundle *bundles, size_t n, struct err *err)
{
	return s->ops->bundles_add(s, number, bundles, n, err);
}

/*
 * Holds an open intent: TBS and sealed secrets are deleted, its seq is 0, and
 * it can be completed no more. entry is its quarantine.put. PV_CONFLICT,
 * "store.completed", when there is no open intent of that number.
 */
PV_MUST static inline enum pv_code store_quarantine(struct store *s,
						    uint32_t number,
						    struct span entry,
						    struct err *err)
{
	return s->ops->quarantine(s, number, entry, err);
}

/* ---- finding; *found false is no failure ---- */

/* The current credential of that device (store_history.h). */
PV_MUST static inline enum pv_code
store_device_get(struct store *s, const char *id, struct store_device *d,
		 bool *found, struct err *err)
{
	return s->ops->device_find(s, STORE_BY_DEVICE, id, d, found, err);
}

/* The credential that was recorded under that request id, current or not. */
PV_MUST static inline enum pv_code
store_request_get(struct store *s, const char *request, struct store_device *d,
		  bool *found, struct err *err)
{
	return s->ops->device_find(s, STORE_BY_REQUEST, request, d, found, err);
}

PV_MUST static inline enum pv_code
store_number_get(struct store *s, uint32_t number, struct store_device *d,
		 bool *found, struct err *err)
{
	return s->ops->device_number(s, number, d, found, err);
}

/* Whose public key that is: certified or sealing key of a device, key or CA of
 * ours, or nobody's. */
PV_MUST static inline enum pv_code
store_spki_owner(struct store *s, const uint8_t sha256[STORE_HASH],
		 struct store_owner *owner, struct err *err)
{
	return s->ops->spki_owner(s, sha256, owner, err);
}

/* Appends the certificate; PV_NOT_FOUND when the device has none. */
PV_MUST static inline enum pv_code store_cert_get(struct store *s,
						  uint32_t number,
						  struct buf *der,
						  struct err *err)
{
	return s->ops->cert_get(s, number, der, err);
}

PV_MUST static inline enum pv_code
store_bundle_find(struct store *s, const uint8_t id[STORE_UUID],
		  struct store_bundle *b, bool *found, struct err *err)
{
	return s->ops->bundle_find(s, id, b, found, err);
}

/* ---- iterations: bounded memory, ascending number ---- */

/* v->fn.bundle for each bundle of a credential, by seq, in the order sealed. */
PV_MUST static inline enum pv_code
store_bundle_each(struct store *s, uint32_t number, const struct store_visit *v,
		  struct err *err)
{
	return s->ops->bundle_each(s, number, v, err);
}

/* v->fn.intent for each intent without result. */
PV_MUST static inline enum pv_code
store_intent_each(struct store *s, const struct store_visit *v, struct err *err)
{
	return s->ops->intent_each(s, v, err);
}

/* v->fn.intent for the open intent of that number; PV_NOT_FOUND. */
PV_MUST static inline enum pv_code store_intent_get(struct store *s,
						    uint32_t number,
						    const struct store_visit *v,
						    struct err *err)
{
	return s->ops->intent_get(s, number, v, err);
}

/* v->fn.device for each credential with a number of from or more (0: all). */
PV_MUST static inline enum pv_code
store_device_each(struct store *s, uint32_t from, const struct store_visit *v,
		  struct err *err)
{
	return s->ops->device_each(s, from, v, err);
}

/* ---- facts for limits: this transaction's reservations included ---- */

/* Devices reserved under a template's name (all versions) since then, rotated
 * ones not counted, by the time of their cert.intent entry; since_ms is rounded
 * down to 10 s, so a few more may be counted, never fewer. Kept for two days.
 */
PV_MUST static inline enum pv_code
store_rate_since(struct store *s, const uint8_t template_sha256[STORE_HASH],
		 uint64_t since_ms, uint64_t *count, struct err *err)
{
	return s->ops->rate_since(s, template_sha256, since_ms, count, err);
}

/* Bundles released under a template's name (all versions) since then. */
PV_MUST static inline enum pv_code
store_released_since(struct store *s, const uint8_t template_sha256[STORE_HASH],
		     uint64_t since_ms, uint64_t *count, struct err *err)
{
	return s->ops->released_since(s, template_sha256, since_ms, count, err);
}

#endif
