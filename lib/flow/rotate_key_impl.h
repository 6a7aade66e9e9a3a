/* rotate_key_impl: what the files of rotate_key share. */
#ifndef PV_FLOW_ROTATE_KEY_IMPL_H
#define PV_FLOW_ROTATE_KEY_IMPL_H

#include "lib/base/err.h"

struct store;

/* *size: of the log once it said that the key of that label signs without the
 * one before it; 0: it does not say so. */
PV_MUST enum pv_code rotate_key_ended(struct store *store, const char *label,
				      uint64_t *size, struct err *err);

#endif
