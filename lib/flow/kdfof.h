/*
 * kdfof: which generation of the KDF master a device has its keys from
 * (formats.md 1: binding 8 of a bundle names it). It stays with that one for
 * life: its KEK was given to it once.
 */
#ifndef PV_FLOW_KDFOF_H
#define PV_FLOW_KDFOF_H

#include "lib/flow/context.h"

/*
 * The id (CKA_ID) that the newest bundle of credential number s->number names,
 * held against the log. *found is false when it has none, or one that is sealed
 * to a key of its own. PV_INTEGRITY, "store.edited" or "seal.container".
 */
PV_MUST enum pv_code kdfof_credential(struct store *store,
				      const struct store_subject *s,
				      uint8_t id[HSM_ID_LEN], bool *found,
				      struct err *err);
/* The recorded master of that id. PV_INTEGRITY, "kdf.generation". */
PV_MUST enum pv_code kdfof_key(struct store *store,
			       const uint8_t id[HSM_ID_LEN],
			       struct issue_key *key, struct err *err);

#endif
