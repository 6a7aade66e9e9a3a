/*
 * store_log: the log's entries and its tree, and the sealed file: what grows
 * and is never changed. Codes and the rules of transactions: store.h.
 */
#ifndef PV_STORE_LOG_H
#define PV_STORE_LOG_H

#include "lib/store/store.h"

/*
 * Whether an event may have that time (policy.md, "Clock"): PV_DENIED,
 * "clock.witness" when it is before the store's witness_ms, else as
 * store_time_follows().
 */
PV_MUST enum pv_code store_log_time(struct store *s, uint64_t time_ms,
				    struct err *err);

/* The same however far ahead it is: for a clock.accept, and what is decided
 * about one. */
PV_MUST enum pv_code store_log_time_any_step(struct store *s, uint64_t time_ms,
					     struct err *err);

/* As store_log_time() for who knows the newest time. */
PV_MUST enum pv_code store_clock(const struct store *s, uint64_t last_ms,
				 uint64_t time_ms, struct err *err);

/*
 * Whether an entry of that time may follow: PV_DENIED, "clock.backwards" when
 * it is before the newest entry, "clock.step" when it is more than the store's
 * step_max_ms after it. Every append asks this too, also those of reserve and
 * complete: one bad clock cannot move the log's time. A clock.accept may step
 * as far as it wants. What is appended while the clock is wrong has the newest
 * time, whatever witnesses say.
 */
PV_MUST enum pv_code store_time_follows(const struct store *s, uint64_t last_ms,
					uint64_t time_ms, struct err *err);

/* The first half of that alone. */
PV_MUST enum pv_code store_time_not_back(uint64_t last_ms, uint64_t time_ms,
					 struct err *err);

/*
 * Appends an encoded entry (lib/log/entry.h) that belongs to no device's
 * intent or result; *index (may be NULL) gets its place. PV_INPUT, "log.entry";
 * PV_DENIED as store_time_follows().
 */
PV_MUST static inline enum pv_code store_log_append(struct store *s,
						    struct span entry,
						    uint64_t *index,
						    struct err *err)
{
	return s->ops->log_append(s, entry, index, err);
}

/* Entries, this transaction's included. */
PV_MUST static inline enum pv_code
store_log_size(struct store *s, uint64_t *size, struct err *err)
{
	return s->ops->log_size(s, size, err);
}

/* Size and root of the kept tree (not computed anew from the entries). */
PV_MUST static inline enum pv_code store_log_root(struct store *s,
						  uint64_t *size,
						  uint8_t root[STORE_HASH],
						  struct err *err)
{
	return s->ops->log_root(s, size, root, err);
}

/* v->fn.entry for entries from, from + 1, ...: at most n, ends at the size. */
PV_MUST static inline enum pv_code store_log_each(struct store *s,
						  uint64_t from, uint64_t n,
						  const struct store_visit *v,
						  struct err *err)
{
	return s->ops->log_each(s, from, n, v, err);
}

/* Appends one entry to out. PV_NOT_FOUND past the end. */
PV_MUST enum pv_code store_log_read(struct store *s, uint64_t index,
				    struct buf *out, struct err *err);

/* Root of the complete subtree of 2^level leaves that starts at leaf
 * index << level: computed from entries and kept tile roots (for proofs).
 * PV_NOT_FOUND when the tree does not hold all of it. */
PV_MUST static inline enum pv_code
store_log_hash(struct store *s, unsigned level, uint64_t index,
	       uint8_t hash[STORE_HASH], struct err *err)
{
	return s->ops->log_hash(s, level, index, hash, err);
}

/*
 * Appends sealed bytes; *offset is where they lie once the
 * transaction commits, which also makes them durable. PV_INPUT, "store.size",
 * past STORE_SEALED_TXN_MAX bytes in one transaction, up to
 * STORE_SEALED_ROWS_MAX of earlier ones included: commit it first.
 */
PV_MUST static inline enum pv_code store_sealed_append(struct store *s,
						       struct span bytes,
						       uint64_t *offset,
						       struct err *err)
{
	return s->ops->sealed_append(s, bytes, offset, err);
}

/* Appends len bytes from offset to out; PV_INTEGRITY, "store.sealed", when
 * they are not all inside what was committed (or appended just now). */
PV_MUST static inline enum pv_code
store_sealed_read(struct store *s, uint64_t offset, uint64_t len,
		  struct buf *out, struct err *err)
{
	return s->ops->sealed_read(s, offset, len, out, err);
}

#endif
