/* content_impl: between content.c and config.c. Nothing else includes this. */
#ifndef PV_SEAL_CONTENT_IMPL_H
#define PV_SEAL_CONTENT_IMPL_H

#include "lib/base/cbor.h"
#include "lib/seal/content.h"

/* Writes the config as one embedded item; w may only measure. */
PV_MUST enum pv_code content_config_put(const struct content_config *c,
					const struct text_vars *vars,
					struct cbor_writer *w, struct err *err);

#endif
