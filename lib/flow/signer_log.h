/* signer_log: the signer's part in checkpoints of the log. */
#ifndef PV_FLOW_SIGNER_LOG_H
#define PV_FLOW_SIGNER_LOG_H

#include "lib/flow/signer_impl.h"

/* The writer wants the log signed: a WIRE_CHECKPOINT comes, one goes back. */
PV_MUST enum pv_code
signer_take_checkpoint(struct signer *s, struct wire_rec *rec, struct err *err);
/* All is sent: a checkpoint is signed or not, then the writer lets go. */
PV_MUST enum pv_code signer_last_checkpoint(struct signer *s, struct err *err);

#endif
