/*
 * kdfof: which generation of the KDF master a device has its keys from
 * (formats.md 1: binding 8 of a bundle names it). It stays with that one for
 * life: its KEK was given to it once.
 */
#ifndef PV_FLOW_KDFOF_H
#define PV_FLOW_KDFOF_H

#include "lib/flow/context.h"

/*
 * The id (CKA_ID) that the newest bundle of a device names, held against the
 * log; d is its current credential, or one that is about to be replaced. *found
 * is false when it has none, or one that is sealed to a key of its own.
 * PV_INTEGRITY, "store.edited" or "seal.container".
 */
PV_MUST enum pv_code kdfof_device(struct store *store,
				  const struct store_device *d,
				  uint8_t id[HSM_ID_LEN], bool *found,
				  struct err *err);
/* The same of that bundle of the credential s, of any kind. */
PV_MUST enum pv_code kdfof_bundle(struct store *store,
				  const struct store_subject *s,
				  const struct store_bundle *b,
				  uint8_t id[HSM_ID_LEN], bool *found,
				  struct err *err);
/* The recorded master of that id. PV_INTEGRITY, "kdf.generation". */
PV_MUST enum pv_code kdfof_key(struct store *store,
			       const uint8_t id[HSM_ID_LEN],
			       struct issue_key *key, struct err *err);

#endif
