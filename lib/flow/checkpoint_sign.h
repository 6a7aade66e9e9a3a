/*
 * checkpoint_sign: the token's side of checkpoints (checkpoint.h), and of other
 * notes that the log's keys sign. It holds what it is asked for against the
 * last checkpoint that it knows.
 *
 * Does not check: what the decisions are; who has the store says that.
 */
#ifndef PV_FLOW_CHECKPOINT_SIGN_H
#define PV_FLOW_CHECKPOINT_SIGN_H

#include "lib/flow/checkpoint.h"

struct checkpoint_signer;
/*
 * Finds the log's keys. base and hsm are borrowed, and so is last: the last
 * checkpoint that this process knows of, which outlives a change of tokens.
 * PV_HSM_FATAL, "hsm.key", and codes of hsm_find().
 */
PV_MUST enum pv_code checkpoint_signer_new(const struct checkpoint_base *base,
					   struct hsm *hsm,
					   struct log_point *last,
					   struct checkpoint_signer **out,
					   struct err *err);
/* Takes NULL. */
void checkpoint_signer_free(struct checkpoint_signer *s);
/*
 * Appends the signed note. PV_INTEGRITY, "log.checkpoint" or "log.proof", when
 * the tree is smaller, another, or not proved to go on from the last one that
 * this signer knows; nothing is asked of the token then.
 */
PV_MUST enum pv_code checkpoint_sign(struct checkpoint_signer *s,
				     const struct checkpoint_ask *ask,
				     struct buf *note, struct err *err);

/*
 * Appends another note to the empty note, signed with the log's keys: its text
 * must be of a form that is no checkpoint's.
 */
PV_MUST enum pv_code checkpoint_sign_text(struct checkpoint_signer *s,
					  struct span text, struct buf *note,
					  struct err *err);

/*
 * After that, and where ask governs: appends the note for HOME/governance.
 * PV_INTEGRITY, "store.governance", when it is of another size of the log, or
 * its newest decision is older than one that base knows of.
 */
PV_MUST enum pv_code
checkpoint_sign_governance(struct checkpoint_signer *s,
			   const struct checkpoint_ask *ask, struct buf *note,
			   struct err *err);

#endif
