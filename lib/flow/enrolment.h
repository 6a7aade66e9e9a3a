/*
 * enrolment: keys that devices attest with are let in (attestkey.h): one, or
 * many at once. Which key is whose is what all evidence rests on, so under a
 * roster people approve it (policy.md, "Officers": quorum attest_enrol, which
 * templates may raise): one approval for all keys of a run that are new. Those
 * that cannot be enrolled are refused each by itself and are no part of it;
 * what was approved is recorded in one transaction, all of it or nothing, the
 * entries one behind the other and a people.decide behind them (acts.h).
 *
 * Does not check: who brings the keys.
 */
#ifndef PV_FLOW_ENROLMENT_H
#define PV_FLOW_ENROLMENT_H

#include "lib/flow/approvals.h"
#include "lib/flow/attestkey_tpm.h"

#define ENROLMENT_MAX 65536u /* keys of one run */

struct enrolment;

/* All borrowed; hsm only for a MAC key, else NULL. The caller's
 * (enrolment_free()). PV_INTERNAL. */
PV_MUST enum pv_code enrolment_new(const struct authority *a,
				   struct store *store, struct hsm *hsm,
				   struct enrolment **out, struct err *err);
void enrolment_free(struct enrolment *e);

/* One more, copied but for in->mac_key; in->nonce is not looked at. PV_INPUT
 * "list.long": there are ENROLMENT_MAX; PV_INTERNAL. */
PV_MUST enum pv_code enrolment_add(struct enrolment *e,
				   const struct attestkey_in *in,
				   struct err *err);
/* The same of what is offered to a TPM; o is borrowed. */
PV_MUST enum pv_code enrolment_offer(struct enrolment *e,
				     const struct attestkey_offer *o,
				     struct err *err);
/* One that was refused before it came here: it keeps its place. */
PV_MUST enum pv_code enrolment_refuse(struct enrolment *e, const char *device,
				      const struct err *why, struct err *err);

/*
 * All of them, outside of a transaction; from brings approvals and request_out,
 * the rest of it is filled in here. PV_OK: what is not refused is enrolled, or
 * was before. Nothing is recorded otherwise: codes of approvals_gate(), with
 * PV_WAITING; PV_CONFLICT "attest.enrol": somebody else enrolled meanwhile;
 * PV_HSM_*; PV_STORAGE; PV_INTERNAL. Who was refused is said then, too.
 */
PV_MUST enum pv_code enrolment_run(struct enrolment *e,
				   const struct approvals_want *from,
				   struct err *err);

struct enrolment_said { /* borrowed */
	const char *device;
	const char *format; /* static; "": it did not come to that */
	struct attestkey_said key;
	struct err why; /* PV_OK: it is not refused */
};
size_t enrolment_count(const struct enrolment *e);
const struct enrolment_said *enrolment_said(const struct enrolment *e,
					    size_t i);

#endif
