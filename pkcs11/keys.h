/*
 * keys: finding keys, reading them back, holding them to the rules of their
 * kind. A key is one object (or one pair) of its label; its CKA_ID is 16
 * bytes; what was read back is kept and compared whenever it is found again.
 */
#ifndef PV_PKCS11_KEYS_H
#define PV_PKCS11_KEYS_H

#include "pkcs11/session.h"

/*
 * The cached key, or the one on the token. PV_HSM_FATAL: "hsm.key-missing",
 * "hsm.key-double", "hsm.key-half" (one of a pair), "hsm.key-id",
 * "hsm.key-attributes", "hsm.point".
 */
PV_MUST enum pv_code p11_key_find(struct p11 *p, enum hsm_key_kind kind,
				  const char *label, struct hsm_key **key,
				  struct err *err);
/* While alone: new handles for a known key; "hsm.key-changed" when it is
 * another now. */
PV_MUST enum pv_code p11_key_refind(struct p11 *p, struct hsm_key *key,
				    struct err *err);
/* Drops a key from the cache and frees it. */
void p11_key_forget(struct p11 *p, struct hsm_key *key);
void p11_keys_free(struct p11 *p);
/* PV_INPUT, rule "hsm.label": 1 to 127 bytes of printable ASCII. */
PV_MUST enum pv_code p11_label_check(const char *label, struct err *err);

#endif
