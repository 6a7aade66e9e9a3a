/*
 * writer_held: suspect requests in the writer, inside its open transaction
 * (policy.md, "Quarantine and anomalies"). What is kept of a request is one
 * line of JSON, whatever it came as, with the template (its digest, too), the
 * order and the station that it was asked under: people decide on exactly this.
 *
 * Does not check: that the template wants it held (policy_decide() says so).
 */
#ifndef PV_FLOW_WRITER_HELD_H
#define PV_FLOW_WRITER_HELD_H

#include "lib/flow/writer_impl.h"

#define WRITER_DECIDED_MAX 16 /* nothing is held twice by one rule */

/* The rules by which this very request was held before and decided on. */
struct writer_decided {
	char rules[WRITER_DECIDED_MAX][STORE_ID_MAX + 1];
	const char *released[WRITER_DECIDED_MAX]; /* of rules */
	size_t n, released_n;
	bool waits; /* it is held now */
};

/* Each as the log has it: PV_INTEGRITY, "store.governance", also when there are
 * more than there are rules to hold a request by. */
PV_MUST enum pv_code writer_decided(struct writer *w,
				    const struct record_intent *i,
				    struct writer_decided *to, struct err *err);
/* Keeps the request, which why denies, until people decide; answers it.
 * PV_DENIED, "quarantine.full", with nothing done: as many of its order, or
 * without one of its template, wait as limits.quarantine_max allows. */
PV_MUST enum pv_code writer_hold(struct writer *w, struct wire *from,
				 const struct record_intent *i,
				 const struct err *why, struct err *err);

#endif
