/*
 * judge: whether a decision was approved as it had to be, by the roster that
 * was in force then: each approval.use of the chain, with the note in its row.
 * Its text has to be for this log and root, and for the operation, subject and
 * requester of the decision that it follows (pairing.h); as many persons as
 * roster and template asked for have to have signed it, by keys of that roster,
 * before it expired, as approval_count() counts; and entry and note have to
 * name the same persons. An order that was ended without approvals has to have
 * been finished, as the log counts it, and no device given up with it. The
 * approvals of a first ceremony (pairing.h), for root "-", are judged when the
 * roster comes that they are of.
 *
 * Does not check: the chain and the rows (governance_walk() does both first).
 */
#ifndef PV_FLOW_JUDGE_H
#define PV_FLOW_JUDGE_H

#include "lib/flow/pairing.h"
#include "lib/store/store_people.h"
#include "policy/roster.h"

struct judge {
	struct store *store;   /* borrowed */
	const char *origin;    /* of the log; borrowed */
	uint64_t from;	       /* entries before that were judged already */
	uint64_t version;      /* of the roster in force */
	struct roster *roster; /* the last that was asked for, or NULL */
	uint64_t early; /* place, from 1, of an approval.use before version 1 */
	struct pairing pairing;
};

/* store and origin are filled by the caller, the rest is zero. */
void judge_release(struct judge *j);
/*
 * The next entry of the chain, at index, its row compared before. PV_INTEGRITY,
 * "store.governance", when it was not approved.
 */
PV_MUST enum pv_code judge_take(struct judge *j, const struct log_entry *e,
				uint64_t index, struct err *err);
/* There is no further one. */
PV_MUST enum pv_code judge_end(const struct judge *j, struct err *err);

#endif
