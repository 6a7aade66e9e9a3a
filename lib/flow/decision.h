/*
 * decision: what people decided goes into the store in one transaction: the
 * change with its entry, and behind it the entry that uses the approvals up.
 * The first names the nonce of the second, and nobody else's entries come
 * between them: so an audit finds which approvals a decision had (pairing.h).
 *
 *   DECISION d = DECISION_INIT;
 *   decision_begin(&d, store, &got)      got: of approvals_gate()
 *   the entry by a constructor, with d.who.who and approvals_persons(&got)
 *   decision_entry(&d, &e)               encoded into d.entry
 *   the store's verb of that change, with buf_span(&d.entry)
 *   decision_commit(&d)
 *
 * What is many entries, or none of the chain (acts.h), goes in by its own
 * verbs, each entry with the nonce; decision_on_acts() ends it in their place.
 *
 * Does not check: that the change is what was approved (the caller made the
 * subject of it; judge.h and acts.h find the rest).
 */
#ifndef PV_FLOW_DECISION_H
#define PV_FLOW_DECISION_H

#include "lib/flow/approvals.h"

struct decision {
	struct store *store;	     /* borrowed */
	const struct approvals *got; /* borrowed */
	struct store_txn txn;
	struct event_who who; /* and when, of all its entries */
	struct buf entry;     /* the newest, encoded */
};
#define DECISION CLEANUP(decision_release) struct decision
#define DECISION_INIT                                                          \
	{                                                                      \
		.store = NULL                                                  \
	}

/* Begins the transaction. Codes of event_now(). */
PV_MUST enum pv_code decision_begin(struct decision *d, struct store *store,
				    const struct approvals *got,
				    struct err *err);
/* Adds the nonce and "prev" to e, and encodes it for the store's verb. */
PV_MUST enum pv_code decision_entry(struct decision *d, struct log_entry *e,
				    struct err *err);
/* Uses the approvals up and commits. Codes of approvals_use(). */
PV_MUST enum pv_code decision_commit(struct decision *d, struct err *err);
/*
 * Right behind the n entries that were made in this transaction, all by who:
 * what was approved of them, text being the subject, and that the approvals are
 * used. Nothing is written when nobody was asked. Codes of approvals_use().
 */
PV_MUST enum pv_code decision_on_acts(struct store *store,
				      const struct log_who *who,
				      const struct approvals *got,
				      struct span text, uint64_t n,
				      struct err *err);
/* Rolls back what was not committed. */
void decision_release(struct decision *d);

#endif
