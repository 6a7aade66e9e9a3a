/*
 * sign: ECDSA P-256 over a digest, Ed25519 over a message; C_SignInit and
 * C_Sign, nothing else on the way. The result is 64 bytes r||s and not all
 * zero; whether it verifies is for the caller to see.
 */
#ifndef PV_PKCS11_SIGN_H
#define PV_PKCS11_SIGN_H

#include "pkcs11/session.h"

PV_MUST enum pv_code p11_sign_digest(struct p11 *p, struct hsm_key *key,
				     const uint8_t digest[32], uint8_t sig[64],
				     struct err *err);
PV_MUST enum pv_code p11_sign_message(struct p11 *p, struct hsm_key *key,
				      struct span msg, uint8_t sig[64],
				      struct err *err);

#endif
