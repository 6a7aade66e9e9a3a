/*
 * quota: what the log says by itself of orders: each is opened once, nothing is
 * reserved under it before that, after its end, or above its quantity and its
 * replacements (overbuild); nothing gets its result after the end, or is given
 * up then; and the end counts what there is, with the tree of the certificates
 * (formats.md 6), and says when it gave devices up.
 *
 * Holds four bytes a device of an order. Does not check: that the entries are
 * the log's, who approved an order, receipts.
 */
#ifndef PV_FLOW_QUOTA_H
#define PV_FLOW_QUOTA_H

#include "lib/flow/numbermap.h"
#include "lib/log/entry.h"
#include "lib/log/tree.h"
#include "lib/store/store_types.h"

/* Of one number, beside its order. */
#define QUOTA_REWORK 1u /* a replacement */
#define QUOTA_TBS 2u	/* gets a certificate */
#define QUOTA_DONE 4u	/* it has its result */
#define QUOTA_HELD 8u	/* its intent is held for good */
#define QUOTA_REVOKED 16u
#define QUOTA_FLAGS 31u

#define QUOTA_GIVEN_UP "order.closed" /* rule of what is held for an end */

struct quota_order {
	char name[STORE_ID_MAX + 1];
	uint64_t opened; /* index of its order.open */
	uint64_t quantity, rework;
	uint64_t devices, reworked; /* reserved: without, and only, replacements
				     */
	uint64_t issued, replaced;  /* the same, with their result */
	uint64_t held, revoked;
	uint64_t given_up; /* of those held: for its end */
	uint64_t last;	   /* index of the newest result; 0: none */
	bool closed;
	struct log_tree *certificates; /* in log order; NULL: none */
};

struct quota { /* zeroed: nothing was taken yet */
	struct quota_order *list;
	size_t n, room;
	size_t last; /* where the one before was found */
	struct numbermap numbers;
	struct log_hasher hasher;
};

void quota_release(struct quota *q);
/*
 * The next entry of the log, at index; most are about no order. PV_INTEGRITY,
 * "audit.order", object: the order; what comes later is taken all the same.
 */
PV_MUST enum pv_code quota_take(struct quota *q, const struct log_entry *e,
				uint64_t index, struct err *err);
/* Of o's certificates; of none, SHA-256 of nothing. */
PV_MUST enum pv_code quota_root(struct quota *q, const struct quota_order *o,
				uint8_t root[static LOG_HASH], struct err *err);

#endif
