/*
 * people: the roster in force: the newest one that the log names, its row held
 * against its entry (policy.md, "Trusting the store").
 *
 * Does not check: the log itself, the chain of governance entries (governance.h
 * does, when the store is opened).
 */
#ifndef PV_FLOW_PEOPLE_H
#define PV_FLOW_PEOPLE_H

#include "lib/store/store.h"
#include "policy/roster.h"

/*
 * *roster is the caller's (roster_free()), NULL when none was ever set.
 * bytes (may be NULL) gets what stands in the store. PV_INTEGRITY,
 * "store.governance", when row and log do not agree: a quorum that was lowered
 * by hand; PV_STORAGE.
 */
PV_MUST enum pv_code people_in_force(struct store *store,
				     struct roster **roster, struct buf *bytes,
				     struct err *err);
/* SHA-256 of the SPKI of the authority's first root, which approvals and notes
 * name; all CAs are held against the log. PV_INTEGRITY; PV_NOT_FOUND,
 * "chain.root": there is no root yet. */
PV_MUST enum pv_code people_root(struct store *store, uint8_t root[static 32],
				 struct err *err);

#endif
