/*
 * governance: what people decided, held against the log (policy.md, "Trusting
 * the store"). The log is the truth: a roster, an approval, a template, an
 * order, a stored secret or the release of what was held counts only as its
 * entry says it, and the store's list of these entries must be all of them, one
 * chain (lib/log/govern.h). How far it came lies outside the database, in
 * HOME/governance, a note that the log's keys sign (governance_file.h). A row
 * that was taken out, put in or edited is PV_INTEGRITY, "store.governance",
 * whatever command opens the store. The file has the hash of all these rows,
 * each held against its entry; while it is the same and nothing was decided
 * since, none is looked at again.
 *
 * The log's entries behind what the file says are read each time, and held
 * against HOME/checkpoint: an older file that was put back finds all that was
 * decided since. Each of these decisions must have been approved by the people
 * of its time (judge.h), and whatever else needs approval must have one
 * (acts.h), before anything else counts it, and before the file is signed over
 * it. It is signed anew with a checkpoint when something was
 * decided or GOVERNANCE_BEHIND entries came; without it the whole log is read.
 *
 * Does not check: entries below what the file says, but those of the chain, and
 * their approvals (audit_verify() does both), and none that no checkpoint
 * covers; held requests (audit_verify() does, and governance_held() one).
 */
#ifndef PV_FLOW_GOVERNANCE_H
#define PV_FLOW_GOVERNANCE_H

#include "lib/flow/governance_file.h"
#include "lib/store/store_held.h"
#include "lib/store/store_people.h"

/*
 * The next entry of the log: when it is one of the chain, that goes on with it.
 * PV_INTEGRITY, when it does not name the one before it.
 */
PV_MUST enum pv_code governance_take(struct governance *g, struct log_hasher *h,
				     struct span bytes,
				     const struct log_entry *e, uint64_t index,
				     struct err *err);

/*
 * All of it, into base->file and base->seen; base has the keys and what
 * HOME/checkpoint says. Outside of a transaction. PV_INTEGRITY; PV_DENIED (file
 * writable by others).
 */
PV_MUST enum pv_code governance_check(const struct authority *a,
				      struct store *store,
				      struct checkpoint_base *base,
				      struct err *err);
/* The same of what was decided since base was checked, for who goes by it while
 * others decide: in the caller's transaction. base->seen moves on. */
PV_MUST enum pv_code governance_go_on(struct store *store,
				      struct checkpoint_base *base,
				      struct err *err);
/* Whether HOME/governance is to be signed with that checkpoint, and what it is
 * to say, into ask. base was checked; base->seen moves on, over decisions that
 * were judged here. Outside of a transaction. */
PV_MUST enum pv_code governance_ask(struct store *store,
				    struct checkpoint_base *base,
				    struct checkpoint_ask *ask,
				    struct err *err);
/*
 * The store's list with all rows that belong to it: it must end where end
 * does, and come by at where that is not NULL. Each decision behind at, or
 * each, was approved by the people of its time (judge.h), for the log of that
 * origin. In one transaction.
 */
PV_MUST enum pv_code governance_walk(struct store *store, const char *origin,
				     const struct governance *at,
				     const struct governance *end,
				     struct err *err);

/* A decision's row in the caller's hand: a roster's, an order's, or that of a
 * decision on what is held. */
struct governance_row {
	const char *kind, *name;   /* of its entry */
	uint64_t index;		   /* where that is */
	uint64_t number;	   /* roster: version; held: its number */
	const char *device, *rule; /* held */
	struct span bytes;	   /* roster, order, what is held */
	struct span note;	   /* order.close */
};
/* All of it is what its entry says: for whoever read it to act on it, in the
 * same transaction. */
PV_MUST enum pv_code governance_row(struct store *store,
				    const struct governance_row *row,
				    struct err *err);
/* The same of what is held, and its quarantine.put. */
PV_MUST enum pv_code governance_held(struct store *store,
				     const struct store_held *held,
				     struct err *err);

/* PV_INTEGRITY, "store.governance": "kind name: what". */
enum pv_code governance_wrong(const char *kind, const char *name,
			      const char *what, struct err *err);
/* The same of an entry. */
enum pv_code governance_wrong_entry(uint64_t index, const char *what,
				    struct err *err);

/* A decision's row, as the state of what was held says it. */
struct governance_row governance_decision(const struct store_held *held);

/* ---- governance_rows.c: to governance_walk.c ---- */

/* *fits: row is what its entry e says. */
PV_MUST enum pv_code governance_says(const struct log_entry *e,
				     const struct governance_row *row,
				     bool *fits, struct err *err);
/* PV_INTEGRITY: a row that does not fit. */
enum pv_code governance_differs(const char *kind, const char *name,
				struct err *err);
/* What e, of the chain at g->index, says of a row. */
PV_MUST enum pv_code governance_fits(struct store *store,
				     const struct store_governance *g,
				     const struct log_entry *e,
				     struct err *err);
/* Counts it as a row that must be there. */
void governance_count(struct store_people_counts *c,
		      const struct store_governance *g);
#endif
