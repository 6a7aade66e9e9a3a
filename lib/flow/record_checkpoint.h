/* record_checkpoint: what the writer asks a signer for, of the log. */
#ifndef PV_FLOW_RECORD_CHECKPOINT_H
#define PV_FLOW_RECORD_CHECKPOINT_H

#include "lib/flow/checkpoint.h"
#include "lib/flow/wire.h"

/* WIRE_CHECKPOINT, to a signer; what comes back are two notes, the second
 * empty where HOME/governance was not asked for. */
void record_put_checkpoint(struct wire *w, const struct checkpoint_ask *ask);
PV_MUST enum pv_code record_get_checkpoint(struct wire_rec *rec,
					   struct checkpoint_ask *ask,
					   struct err *err);

#endif
