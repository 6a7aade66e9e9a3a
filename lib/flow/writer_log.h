/*
 * writer_log: the writer's part in checkpoints of the log: when one is asked
 * for, who signs it, and which answers wait for it. Under an order or a roster
 * (writer_opts.covers) devices leave only under a checkpoint that is durable:
 * one signature a round, not one a device.
 *
 * Does not check: what the checkpoint says (checkpoint_keep() does).
 */
#ifndef PV_FLOW_WRITER_LOG_H
#define PV_FLOW_WRITER_LOG_H

#include "lib/flow/writer_impl.h"

/* A WIRE_CHECKPOINT from a signer: kept by the next writer_log(). */
PV_MUST enum pv_code
writer_take_checkpoint(struct writer *w, struct wire_rec *rec, struct err *err);
/* The answers of a round that was committed go out, or wait to be covered. */
PV_MUST enum pv_code writer_answer(struct writer *w, struct err *err);
/* Whether signer k's records may be taken: while too many answers wait, only
 * those behind which the checkpoint comes. */
PV_MUST bool writer_may_take(const struct writer *w, size_t k);
/* Between rounds: keeps what was signed, and asks for the next when it is
 * due. */
PV_MUST enum pv_code writer_log(struct writer *w, struct err *err);
/*
 * The last one, for all. PV_HSM_TEMP, "log.uncovered", when answers still wait
 * then: they are not given out, and the next run gives them.
 */
PV_MUST enum pv_code writer_end_log(struct writer *w, struct err *err);

#endif
