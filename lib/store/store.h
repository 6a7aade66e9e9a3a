/*
 * store: what the project keeps about one authority, in domain verbs. A
 * backend (sqlite.h now) implements struct store_ops; callers use the inline
 * functions here, in store_device.h and in store_log.h. One process, one
 * handle, one thread; a handle never lives across fork().
 *
 * Writes belong to a write transaction; reads work inside one of either kind
 * (one consistent view) and outside (each by itself). Everything a committed
 * transaction wrote, sealed bytes and log entries included, is durable.
 *
 * Codes: PV_STORAGE (disk, or another process holds the store: "store.busy"),
 * PV_INTEGRITY (damaged or edited: "store.corrupt"), PV_CONFLICT (uniqueness;
 * the rule says which: "store.device", "store.request", "store.key",
 * "store.serial", ...), PV_INPUT (a value past its limit), PV_DENIED (the time
 * of a log entry: store_log_time()), PV_INTERNAL. After PV_CONFLICT, PV_INPUT
 * and PV_NOT_FOUND the transaction stands as before the call, and after
 * PV_INTEGRITY of a call that only reads: a damaged row spoils nothing but what
 * needs it. After any other failure it cannot be committed any more. A failed
 * sync ends all writing through the handle: open the store anew.
 *
 * Does not check: policy, certificates, sealed bytes, whether a row agrees
 * with its log entry (device rows carry the indices for that).
 */
#ifndef PV_STORE_H
#define PV_STORE_H

#include "lib/base/cleanup.h"
#include "lib/store/store_ops.h"

/* ---- transactions ---- */

struct store_txn {
	struct store *store; /* NULL when none is open */
};
#define STORE_TXN_INIT                                                         \
	{                                                                      \
		NULL                                                           \
	}
#define STORE_TXN CLEANUP(store_rollback) struct store_txn

/* STORE_WRITE takes the write lock at once (waits 10 s). One at a time. */
PV_MUST static inline enum pv_code store_begin(struct store *s,
					       enum store_mode mode,
					       struct store_txn *t,
					       struct err *err)
{
	enum pv_code rc = s->ops->begin(s, mode, err);

	t->store = rc == PV_OK ? s : NULL;
	return rc;
}

/* Durable when PV_OK, sealed bytes included. t is over either way; PV_STORAGE
 * in the last step may leave it kept or not: look it up. */
PV_MUST static inline enum pv_code store_commit(struct store_txn *t,
						struct err *err)
{
	struct store *s = TAKE(t->store);

	return s->ops->commit(s, err);
}

/* Between transactions, when nobody waits for an answer: does what makes the
 * next commits quicker, if there were many small ones. */
PV_MUST static inline enum pv_code store_settle(struct store *s,
						struct err *err)
{
	return s->ops->settle(s, err);
}

/* Also as cleanup: does nothing when t is over. */
static inline void store_rollback(struct store_txn *t)
{
	struct store *s = TAKE(t->store);

	if (s)
		s->ops->rollback(s);
}

/* Rolls back what is open and frees. Takes NULL. */
static inline void store_close(struct store *s)
{
	if (s)
		s->ops->close(s);
}

CLEANUP_PTR(struct store, store_close);

/* ---- the authority ---- */

PV_MUST static inline enum pv_code
store_meta(struct store *s, struct store_meta *meta, struct err *err)
{
	return s->ops->meta(s, meta, err);
}

/* Cheap numbers for status. */
PV_MUST static inline enum pv_code
store_counts(struct store *s, struct store_counts *c, struct err *err)
{
	return s->ops->counts(s, c, err);
}

/*
 * Slow: the backend's own consistency (pages, indices, sealed file's length,
 * log entries against the kept tree). PV_INTEGRITY names what is wrong.
 */
PV_MUST static inline enum pv_code store_check(struct store *s, struct err *err)
{
	return s->ops->check(s, err);
}

/* PV_CONFLICT, "store.ca", when name and generation are taken by another
 * certificate, or the generation does not follow the newest; the same row again
 * is fine. */
PV_MUST static inline enum pv_code
store_ca_put(struct store *s, const struct store_ca *ca, struct err *err)
{
	return s->ops->ca_put(s, ca, err);
}

/* v->fn.ca for every CA in order of creation, or for the generations of that
 * name, oldest first: then PV_NOT_FOUND when there is none. */
PV_MUST static inline enum pv_code store_ca_each(struct store *s,
						 const char *name,
						 const struct store_visit *v,
						 struct err *err)
{
	return s->ops->ca_each(s, name, v, err);
}

/* A certificate between two generations of a CA: the same again is fine, other
 * bytes PV_CONFLICT "store.crosscert"; PV_NOT_FOUND without the generations. */
PV_MUST static inline enum pv_code
store_crosscert_put(struct store *s, const struct store_crosscert *x,
		    struct err *err)
{
	return s->ops->crosscert_put(s, x, err);
}

/* v->fn.crosscert for those of that CA (NULL: of all), by name, subject and
 * signer. */
PV_MUST static inline enum pv_code
store_crosscert_each(struct store *s, const char *ca,
		     const struct store_visit *v, struct err *err)
{
	return s->ops->crosscert_each(s, ca, v, err);
}

/* That a generation takes over at another time, by the key.rotate at index.
 * PV_NOT_FOUND, "store.ca". */
PV_MUST static inline enum pv_code
store_ca_move(struct store *s, const char *name, uint32_t generation,
	      uint64_t active_ms, uint64_t index, struct err *err)
{
	return s->ops->ca_move(s, name, generation, active_ms, index, err);
}

/* PV_CONFLICT, "store.label", when the label is taken by another key. */
PV_MUST static inline enum pv_code
store_key_put(struct store *s, const struct store_key *key, struct err *err)
{
	return s->ops->key_put(s, key, err);
}

/* v->fn.key for every key in order of creation. */
PV_MUST static inline enum pv_code
store_key_each(struct store *s, const struct store_visit *v, struct err *err)
{
	return s->ops->key_each(s, v, err);
}

/* That the key of that label was put to use, by the key.rotate at index.
 * PV_CONFLICT, "store.label", when there is none, or it was before. */
PV_MUST static inline enum pv_code store_key_rotate(struct store *s,
						    const char *label,
						    uint64_t index,
						    struct err *err)
{
	return s->ops->key_rotate(s, label, index, err);
}

/* That the key of that label was restored onto a further token, by the
 * key.restore at index. PV_CONFLICT, "store.label", when there is none, or it
 * was destroyed. */
PV_MUST static inline enum pv_code store_key_restore(struct store *s,
						     const char *label,
						     uint64_t index,
						     struct err *err)
{
	return s->ops->key_restore(s, label, index, err);
}

/* That it is gone from the tokens, by the key.destroy at index.
 * PV_CONFLICT, "store.label", when it is gone or there is none. */
PV_MUST static inline enum pv_code store_key_destroy(struct store *s,
						     const char *label,
						     uint64_t index,
						     struct err *err)
{
	return s->ops->key_destroy(s, label, index, err);
}

/* ---- templates ---- */

/*
 * Adopts. The same bytes again: *existing, nothing is written. PV_CONFLICT,
 * "store.template", when the version is not above every adopted one of the
 * name.
 */
PV_MUST static inline enum pv_code
store_template_put(struct store *s, const struct store_template *t,
		   bool *existing, struct err *err)
{
	return s->ops->template_put(s, t, existing, err);
}

/* v->fn.template for all versions of all templates, by name and version. */
PV_MUST static inline enum pv_code
store_template_each(struct store *s, const struct store_visit *v,
		    struct err *err)
{
	return s->ops->template_each(s, NULL, NULL, v, err);
}

/* The highest version of that name; PV_NOT_FOUND. */
PV_MUST static inline enum pv_code
store_template_current(struct store *s, const char *name,
		       const struct store_visit *v, struct err *err)
{
	return s->ops->template_each(s, name, NULL, v, err);
}

/* The one with that digest; PV_NOT_FOUND. */
PV_MUST static inline enum pv_code
store_template_digest(struct store *s, const uint8_t sha256[STORE_HASH],
		      const struct store_visit *v, struct err *err)
{
	return s->ops->template_each(s, NULL, sha256, v, err);
}

/* v->fn.template for the versions of that name that open intents began under
 * (held ones are not open any more), by version. Of a device's row only its
 * template and state are read: a damaged one is not in the way. */
PV_MUST static inline enum pv_code
store_template_open(struct store *s, const char *name,
		    const struct store_visit *v, struct err *err)
{
	return s->ops->template_open(s, name, v, err);
}

/* Of an adopted template; the same bytes again are fine, others PV_CONFLICT
 * "store.manifest"; PV_NOT_FOUND when the template is not adopted. */
PV_MUST static inline enum pv_code
store_manifest_put(struct store *s, const uint8_t template_sha256[STORE_HASH],
		   const char *stage, uint64_t sequence, struct span bytes,
		   struct err *err)
{
	return s->ops->manifest_put(s, template_sha256, stage, sequence, bytes,
				    err);
}

/* Other bytes for the one of that stage and sequence: its signature is another
 * key's, what it says is the caller's to compare. PV_NOT_FOUND. */
PV_MUST static inline enum pv_code
store_manifest_replace(struct store *s,
		       const uint8_t template_sha256[STORE_HASH],
		       const char *stage, uint64_t sequence, struct span bytes,
		       struct err *err)
{
	return s->ops->manifest_replace(s, template_sha256, stage, sequence,
					bytes, err);
}

/* Appends to bytes when *found. */
PV_MUST static inline enum pv_code
store_manifest_get(struct store *s, const uint8_t template_sha256[STORE_HASH],
		   const char *stage, uint64_t *sequence, struct buf *bytes,
		   bool *found, struct err *err)
{
	return s->ops->manifest_get(s, template_sha256, stage, sequence, bytes,
				    found, err);
}

/* ---- data keys (formats.md 9): sealed, opaque here ---- */

PV_MUST static inline enum pv_code
store_datakey_put(struct store *s, const uint8_t id[STORE_UUID],
		  struct span sealed, struct err *err)
{
	return s->ops->datakey_put(s, id, sealed, err);
}

/* Appends to sealed when *found. */
PV_MUST static inline enum pv_code
store_datakey_get(struct store *s, const uint8_t id[STORE_UUID],
		  struct buf *sealed, bool *found, struct err *err)
{
	return s->ops->datakey_get(s, id, sealed, found, err);
}

/* How many rows that key has sealed at most: the data keys that name it, every
 * version of a secret (store_secret.h) and every MAC key of a device
 * (store_attest.h) that there ever was. */
PV_MUST static inline enum pv_code
store_datakey_count(struct store *s, const uint8_t by[STORE_UUID], uint64_t *n,
		    struct err *err)
{
	return s->ops->datakey_count(s, by, n, err);
}

#endif
