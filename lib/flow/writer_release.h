/* writer_release: the writer's part in what is released for evidence
 * (released.h): decided twice, before it is sealed and with its result. */
#ifndef PV_FLOW_WRITER_RELEASE_H
#define PV_FLOW_WRITER_RELEASE_H

#include "lib/flow/writer_impl.h"

/* What a release of d is decided by: the evidence, which counts only when it
 * was shown since d was issued, the order of d (w->order,
 * in effect until the next one), the bundles of the last hour. d agrees with
 * the log; f borrows it. */
PV_MUST enum pv_code writer_release_facts(struct writer *w,
					  const struct record_intent *i,
					  const struct store_device *d,
					  struct policy_facts *f,
					  struct err *err);
/* Of a rotation that asks for fresh evidence: the newest of d's device, shown
 * since d was issued and for the manifest in effect. */
PV_MUST enum pv_code writer_fresh_facts(struct writer *w,
					const struct store_device *d,
					struct policy_facts *f,
					struct err *err);
/*
 * Decides again on a sealed bundle, with all that may have changed since:
 * PV_OK, and *existing when another run was faster; PV_DENIED or PV_CONFLICT
 * with the rule of policy_decide(), or "clock.*"; PV_INTEGRITY "store.edited",
 * "release.recipient" (it is sealed to another key than the evidence binds);
 * PV_STORAGE.
 */
PV_MUST enum pv_code writer_release_check(struct writer *w,
					  const struct record_result *r,
					  struct store_device *d,
					  bool *existing, struct err *err);
/* The bundle.release and the evidence's row, beside the bundle that the
 * transaction records already. */
PV_MUST enum pv_code writer_release_record(struct writer *w,
					   const struct record_result *r,
					   struct err *err);
/* Answers with the bundle that d's evidence was released for. */
PV_MUST enum pv_code writer_put_released(struct writer *w, uint64_t line,
					 const char *id,
					 const struct store_device *d,
					 const uint8_t evidence[32],
					 struct err *err);

#endif
