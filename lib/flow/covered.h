/*
 * covered: entries of the store's log, read one behind the other, held against
 * the checkpoint that covers them: the tree of what comes before is of the
 * roots that the store keeps, and what is read gives the signed root only when
 * both are true. So nothing that was read is believed before the checkpoint's
 * size was passed.
 *
 * Does not check: entries behind the checkpoint; the checkpoint
 * (checkpoint_load() does).
 */
#ifndef PV_FLOW_COVERED_H
#define PV_FLOW_COVERED_H

#include "lib/log/proof.h"
#include "lib/store/store.h"

struct covered {
	struct log_hasher *h;	      /* borrowed */
	struct log_tree tree;	      /* of what was read, and before it */
	const struct log_point *upto; /* borrowed; NULL: nothing covers it */
};

/* The next entry is that at index from; upto may be NULL. PV_STORAGE,
 * PV_INTEGRITY, PV_INTERNAL. */
PV_MUST enum pv_code covered_begin(struct covered *c, struct store *store,
				   struct log_hasher *h,
				   const struct log_point *upto, uint64_t from,
				   struct err *err);
/* The next entry. PV_INTEGRITY, "store.governance": those up to here are not
 * what the checkpoint covers. */
PV_MUST enum pv_code covered_take(struct covered *c, struct span bytes,
				  struct err *err);

#endif
