/*
 * quarantine: what suspect requests wait for: people look at them, and release
 * or reject each (policy.md, "Quarantine and anomalies"). Every row is held
 * against its entries in the log before it is shown or decided on.
 *
 * A release is for exactly the request that was held, and its rule: issued
 * again, it goes through, once, when the rule is one of hours, stations or
 * rate. No release makes a key right that two devices present, or that is not
 * the device's: that is refused. A rejected request is denied when it comes
 * again, and not held again.
 *
 * Does not check: who asks.
 */
#ifndef PV_FLOW_QUARANTINE_H
#define PV_FLOW_QUARANTINE_H

#include "lib/flow/approvals.h"
#include "lib/store/store_held.h"

/* v->fn.held for each that waits; all: also those that were decided on.
 * PV_INTEGRITY, "store.governance". */
PV_MUST enum pv_code quarantine_each(struct store *store, bool all,
				     const struct store_visit *v,
				     struct err *err);
/* v->fn.held for that one; PV_NOT_FOUND, "quarantine.none". */
PV_MUST enum pv_code quarantine_get(struct store *store, uint64_t id,
				    const struct store_visit *v,
				    struct err *err);

/* "held", "released", "rejected". */
const char *quarantine_state(enum store_held_state state);

struct quarantine_report {
	char request[STORE_ID_MAX + 1], device[STORE_ID_MAX + 1];
	char rule[STORE_ID_MAX + 1];
	char persons[APPROVALS_PERSONS_MAX + 1]; /* "": nobody was asked */
};

/*
 * Decides in one transaction of its own, with the entry quarantine.release or
 * quarantine.reject. Under a roster with the quorum of release_quarantine, or
 * more where the request's template says so: approvals_gate(), its codes; of
 * from only files, files_n and request_out are used. PV_NOT_FOUND; PV_CONFLICT,
 * "store.held": it was decided before; PV_DENIED, "quarantine.key": a release
 * would change nothing.
 */
PV_MUST enum pv_code quarantine_decide(const struct authority *a,
				       struct store *store, uint64_t id,
				       enum store_held_state state,
				       const struct approvals_want *from,
				       struct quarantine_report *report,
				       struct err *err);

#endif
