/* signer_fail: what becomes of what was made: results, failures of single
 * devices, and those that end the run. */
#ifndef PV_FLOW_SIGNER_FAIL_H
#define PV_FLOW_SIGNER_FAIL_H

#include "lib/flow/signer_impl.h"

/* Failures of the token or of ourselves end the run, others one request. */
PV_MUST bool signer_ends_run(enum pv_code rc);
/* Tells the writer that a slot goes no further. */
void signer_refuse(struct signer *s, struct signer_slot *slot,
		   const struct err *why);
/* Tells the writer that results, or quarantines, are worth a transaction. */
PV_MUST enum pv_code signer_end_results(struct signer *s,
					const struct signer_group *g,
					struct err *err);
/* Refuses a device whose intent is durable; its secrets are wiped. */
void signer_refuse_slot(struct signer *s, struct signer_slot *slot,
			const struct err *why);
/*
 * Looks at each slot that was made, once: a right one is ready from now on, a
 * failure of a single request is reported. Returns the worst failure that ends
 * the run, or PV_OK: a wrong signature before a token that has gone.
 */
PV_MUST enum pv_code signer_judge(struct signer *s, struct signer_group *g,
				  struct err *err);
/* Sends the results that are ready; all: the group is whole, and so are its
 * batches. What a thread makes meanwhile waits for the next signer_judge(). */
PV_MUST enum pv_code signer_send(struct signer *s, struct signer_group *g,
				 bool all, struct err *err);
/* Keeps the signature that the slot failed by, if it was a wrong one. */
void signer_keep_wrong(struct signer_slot *slot, const struct signing *with);
/*
 * The token failed with why, in a thread or in the signer itself. Nobody goes
 * on asking it; what it has signed is checked first, since a wrong signature is
 * worse. Goes on with the next token when there is one, or the run ends.
 */
PV_MUST enum pv_code
signer_meet_failure(struct signer *s, const struct err *why, struct err *err);
/*
 * The run ends by err, whatever it is: the threads are done with what they
 * have, and the writer is told of every wrong signature. Returns the worst,
 * which err becomes.
 */
PV_MUST enum pv_code signer_fail(struct signer *s, struct err *err);
/* Meets what a thread failed with, whichever group has it. */
PV_MUST enum pv_code signer_look_for_failure(struct signer *s, struct err *err);

#endif
