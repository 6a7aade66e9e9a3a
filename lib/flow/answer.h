/*
 * answer: a device's stored result, checked against its log entries while it
 * is read (policy.md, "Trusting the store").
 */
#ifndef PV_FLOW_ANSWER_H
#define PV_FLOW_ANSWER_H

#include "lib/flow/due.h"
#include "lib/flow/records.h"

/* Bytes that the spans of an answer point into. */
struct answer {
	struct buf cert, bundles;
	struct due due;
	struct record_out out;
};

void answer_init(struct answer *a);
void answer_release(struct answer *a);

/*
 * d agrees with its own entry (logged_device()). Fills a->out with certificate
 * and bundles of d (status, line and request id are the caller's to set).
 * PV_INTEGRITY, rule "store.edited", when a row does not agree with the log, or
 * a stage that the template seals without attestation has no bundle;
 * PV_STORAGE. What was released for evidence later is no part of it.
 */
PV_MUST enum pv_code answer_load(struct store *store,
				 const struct store_device *d, struct answer *a,
				 struct err *err);
/* The same of the bundles from number seq on alone: components that were asked
 * for by themselves. */
PV_MUST enum pv_code answer_load_from(struct store *store,
				      const struct store_device *d,
				      uint64_t seq, struct answer *a,
				      struct err *err);

/* The same with the one bundle that evidence of d was released for. */
PV_MUST enum pv_code answer_load_released(struct store *store,
					  const struct store_device *d,
					  const uint8_t evidence[32],
					  struct answer *a, struct err *err);

#endif
