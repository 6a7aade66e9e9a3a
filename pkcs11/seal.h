/*
 * seal: AES-256-GCM by the store key inside the token (formats 9). The nonce
 * and its uniqueness are the caller's, and so is the count of uses.
 *
 * Modules disagree on how a wrong tag is reported (SoftHSM: GENERAL_ERROR), so
 * a decryption that fails without a clear reason is followed by one on a blob
 * made on the spot: if that opens, the data was at fault and not the HSM.
 */
#ifndef PV_PKCS11_SEAL_H
#define PV_PKCS11_SEAL_H

#include "pkcs11/session.h"

#define P11_SEAL_MAX (64u * 1024u) /* bytes of plaintext */

PV_MUST enum pv_code p11_seal(struct p11 *p, struct hsm_key *key,
			      const uint8_t nonce[HSM_GCM_NONCE_LEN],
			      struct span aad, const struct secret *plain,
			      struct buf *out, struct err *err);
PV_MUST enum pv_code p11_open_sealed(struct p11 *p, struct hsm_key *key,
				     const uint8_t nonce[HSM_GCM_NONCE_LEN],
				     struct span aad, struct span sealed,
				     struct secret *plain, struct err *err);

#endif
