/*
 * audit_actors: who issued may have, by the roster that was in force at that
 * entry of the log: without an order an operator, to take another device's
 * place also who may rotate. Within an order anybody may.
 *
 * Does not check: who acted before the first roster, the authority's own
 * certificates, approvals (of rosters either).
 * Specification: policy/roles.h; policy.md, "Officers".
 */
#ifndef PV_FLOW_AUDIT_ACTORS_H
#define PV_FLOW_AUDIT_ACTORS_H

#include "lib/log/entry.h"
#include "lib/store/store.h"
#include "policy/roster.h"

struct audit_actors {	       /* zeroed: nothing was taken yet */
	struct roster *roster; /* in force behind the entries so far */
};

/* The next entry, in the log's order. Rosters are read from store.
 * PV_INTEGRITY, "audit.actor" or "store.governance". */
PV_MUST enum pv_code audit_actors_take(struct audit_actors *a,
				       struct store *store,
				       const struct log_entry *e,
				       struct err *err);
void audit_actors_release(struct audit_actors *a);

#endif
