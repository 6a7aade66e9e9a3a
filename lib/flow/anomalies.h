/*
 * anomalies: what the log of a store shows that no single request does
 * (anomaly_watch.h), and open orders that are nearly used up. The log is read
 * in pieces, as audit_show.h does.
 *
 * Does not check: the log against its tree (audit verify).
 */
#ifndef PV_FLOW_ANOMALIES_H
#define PV_FLOW_ANOMALIES_H

#include "lib/flow/anomaly_watch.h"
#include "lib/store/store.h"

struct anomalies_opts {
	uint64_t since_ms; /* entries of this time or later; orders: all */
	uint64_t now_ms;   /* what a receipt is late against */
	struct anomaly_sink sink;
	/* done of total entries are read. May be NULL. */
	void (*progress)(void *ctx, uint64_t done, uint64_t total);
};

struct anomalies_report {
	uint64_t entries, found;
	uint64_t untracked; /* anomaly_watch.h */
};

/* audit_show()'s codes; PV_INPUT, "audit.size". */
PV_MUST enum pv_code anomalies_find(struct store *store,
				    const struct anomalies_opts *opts,
				    struct anomalies_report *report,
				    struct err *err);

#endif
