/*
 * ownkey: a key of the authority as it was recorded when it was made, and the
 * token's key held against that. A label can be given to another key; CKA_ID,
 * public half, attributes and origin together cannot (formats.md 7,
 * key.generate).
 */
#ifndef PV_FLOW_OWNKEY_H
#define PV_FLOW_OWNKEY_H

#include "lib/flow/context.h"

/* "p256", "p256-backup", "ed25519", "kdf", "store": as the log says it. */
const char *ownkey_kind_name(enum hsm_key_kind kind);

/* Whether a key of that purpose signs the log: "log", "log-ecdsa". Not what
 * provctl.json calls the former one of a rotation, "log-old". */
PV_MUST bool ownkey_is_log(const char *purpose);

/* What an object of a token is, in words: "private key", "object" ... */
const char *ownkey_class_name(enum hsm_object_class klass);

/* A row as plain data. PV_INTEGRITY, "store.corrupt", past our limits. */
PV_MUST enum pv_code ownkey_from_row(const struct store_key *row,
				     struct issue_key *key, struct err *err);

/* The recorded key of that label; PV_NOT_FOUND, "context.key". */
PV_MUST enum pv_code ownkey_load(struct store *store, const char *label,
				 struct issue_key *key, struct err *err);

/*
 * The token's key of that kind and label, or, once a restore is on record, its
 * copy. PV_HSM_FATAL, "hsm.key", when id, public half, attributes or origin are
 * not the recorded ones; codes of hsm_find().
 */
PV_MUST enum pv_code ownkey_find(struct hsm *hsm, const struct issue_key *want,
				 struct hsm_key **key, struct err *err);

#endif
