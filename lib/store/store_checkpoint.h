/*
 * store_checkpoint: signed checkpoints of the log, by its size; opaque here.
 * Codes and the rules of transactions: store.h.
 */
#ifndef PV_STORE_CHECKPOINT_H
#define PV_STORE_CHECKPOINT_H

#include "lib/store/store.h"

/*
 * Keeps a signed checkpoint of the log's first size entries (a note, opaque
 * here); one of the same size, with more cosignatures, takes its place.
 * PV_INPUT, "store.checkpoint", unless 1 <= size <= the log's.
 */
PV_MUST static inline enum pv_code store_checkpoint_put(struct store *s,
							uint64_t size,
							struct span note,
							struct err *err)
{
	return s->ops->checkpoint_put(s, size, note, err);
}

/* v->fn.checkpoint for each of size from or more, by size. */
PV_MUST static inline enum pv_code
store_checkpoint_each(struct store *s, uint64_t from,
		      const struct store_visit *v, struct err *err)
{
	return s->ops->checkpoint_each(s, from, v, err);
}

/* The largest; appends to note when *found. */
PV_MUST static inline enum pv_code
store_checkpoint_last(struct store *s, uint64_t *size, struct buf *note,
		      bool *found, struct err *err)
{
	return s->ops->checkpoint_last(s, size, note, found, err);
}

#endif
