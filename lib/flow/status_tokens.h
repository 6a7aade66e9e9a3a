/*
 * status_tokens: which of several tokens has not the next generation of a key,
 * as far as tokens show their public keys without a login. Secret keys they do
 * not show: `audit reconcile' logs in, and looks at all.
 */
#ifndef PV_FLOW_STATUS_TOKENS_H
#define PV_FLOW_STATUS_TOKENS_H

#include "lib/flow/status.h"

/* Into st->tokens, by what each shows; one that shows nothing lacks nothing.
 * PV_STORAGE, PV_INTERNAL, PV_INTEGRITY of the keys' rows. */
PV_MUST enum pv_code status_tokens_look(struct store *store, struct status *st,
					struct err *err);

#endif
