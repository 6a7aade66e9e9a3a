/* manifest_impl: keys of formats.md 2, for manifest.c and manifest_parse.c. */
#ifndef PV_SEAL_MANIFEST_IMPL_H
#define PV_SEAL_MANIFEST_IMPL_H

#include "lib/seal/manifest.h"

#define MANIFEST_NAME "provctl-manifest-1"
#define MANIFEST_PAYLOAD_MAX (MANIFEST_SIZE_MAX - 256) /* headers, signature   \
							*/

enum manifest_key {
	MANIFEST_FORMAT = 1,
	MANIFEST_VENDOR = 2,
	MANIFEST_CLASS = 3,
	MANIFEST_SEQUENCE = 4,
	MANIFEST_NOT_BEFORE = 5,
	MANIFEST_NOT_AFTER = 6,
	MANIFEST_COMPONENTS = 7,
	MANIFEST_ORIGIN = 8,
	MANIFEST_ROLES = 9,
	MANIFEST_STAGE = 10,
	MANIFEST_PAIRS = 10 /* all of them, always */
};

enum manifest_component_key {
	MANIFEST_C_ID = 1,
	MANIFEST_C_VERSION = 2,
	MANIFEST_C_MIN_VERSION = 3,
	MANIFEST_C_SEALED = 4,
	MANIFEST_C_DIGEST = 5, /* exactly when 4 is false */
	MANIFEST_C_MAX_SIZE = 6
};

/* Every rule on the values; both ways go through it. */
PV_MUST enum pv_code manifest_check(const struct manifest *m, struct err *err);

#endif
