/*
 * governance: what people decided, held against the log (policy.md, "Trusting
 * the store"). The log is the truth: a roster, an approval, an order, a stored
 * secret or the release of what was held counts only as its entry says it, and
 * the store's list of these entries must be all of them. They are one chain
 * (lib/log/govern.h). How far it came lies outside the database, in
 * HOME/governance: "<index of the newest, or -> <SHA-256 over all of them> <log
 * entries seen>", written with HOME/checkpoint. A row that was taken out, put
 * in or edited is PV_INTEGRITY, "store.governance", whatever command opens the
 * store.
 *
 * Without HOME/governance the whole log is read, and its tree held against
 * HOME/checkpoint: the file saves that, and the next checkpoint makes it anew.
 *
 * Does not check: entries that were edited since they were covered by a
 * checkpoint, but those of the chain (audit_verify() does); signatures of
 * approvals; held requests (audit_verify() does, and governance_held() one).
 */
#ifndef PV_FLOW_GOVERNANCE_H
#define PV_FLOW_GOVERNANCE_H

#include "lib/flow/authority.h"
#include "lib/log/checkpoint.h"
#include "lib/log/govern.h"
#include "lib/store/store_held.h"
#include "lib/store/store_people.h"

#define GOVERNANCE_FILE "governance"

struct governance { /* the chain up to a size of the log */
	uint64_t size;
	uint64_t head; /* index of its newest entry, or LOG_NO_PREV */
	/* Over the leaf hashes of all of them, each with what was before. */
	uint8_t chain[LOG_HASH];
};
#define GOVERNANCE_INIT                                                        \
	{                                                                      \
		0, LOG_NO_PREV,                                                \
		{                                                              \
			0                                                      \
		}                                                              \
	}

/*
 * The next entry of the log: *counts when it is one of the chain, which goes
 * on with it. roster: whether one was in force before it. PV_INTEGRITY, when it
 * does not name the one before it.
 */
PV_MUST enum pv_code governance_take(struct governance *g, struct log_hasher *h,
				     struct span bytes,
				     const struct log_entry *e, uint64_t index,
				     bool roster, bool *counts,
				     struct err *err);

/* All of it; checkpoint: what HOME/checkpoint says, size 0 for none. Outside of
 * a transaction. PV_INTEGRITY; PV_DENIED (file writable by others). */
PV_MUST enum pv_code governance_check(const struct authority *a,
				      struct store *store,
				      const struct log_point *checkpoint,
				      struct err *err);
/* Writes HOME/governance for that size, unless it came as far. Inside the
 * transaction that keeps the checkpoint of that size. */
PV_MUST enum pv_code governance_keep(const struct authority *a,
				     struct store *store, uint64_t size,
				     struct err *err);

/*
 * The store's list with all rows that belong to it: it must end where end
 * does, and come by at where that is not NULL. In one transaction.
 */
PV_MUST enum pv_code governance_walk(struct store *store,
				     const struct governance *at,
				     const struct governance *end,
				     struct err *err);
/* One decision's row says what its entry at index says: for whoever reads one
 * to act on it, in the same transaction. */
PV_MUST enum pv_code governance_row(struct store *store, const char *kind,
				    const char *name, uint64_t index,
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

/* ---- governance_rows.c: to governance_walk.c ---- */

/* What e, of the chain at g->index, says of a row. */
PV_MUST enum pv_code governance_fits(struct store *store,
				     const struct store_governance *g,
				     const struct log_entry *e,
				     struct err *err);
/* Counts it as a row that must be there. */
void governance_count(struct store_people_counts *c,
		      const struct store_governance *g);

#endif
