/*
 * derive: SP 800-108 counter mode with CMAC-AES-256, 32-bit counter before
 * the fixed input, 256 bits out (formats 1). Through the token's mechanism,
 * or as the two CMACs of which it consists: the same bytes either way.
 */
#ifndef PV_PKCS11_DERIVE_H
#define PV_PKCS11_DERIVE_H

#include "pkcs11/session.h"

#define P11_FIXED_INPUT_MAX 1024 /* bytes; ids and labels are far shorter */

PV_MUST enum pv_code p11_derive(struct p11 *p, struct hsm_key *key,
				struct span fixed_input, struct secret *out,
				struct err *err);
const char *p11_derive_way(const struct p11 *p);

/* The two ways on a session and a handle; out is the caller's. */
PV_MUST CK_RV p11_derive_by_kdf(struct p11 *p, CK_SESSION_HANDLE session,
				CK_OBJECT_HANDLE master,
				struct span fixed_input,
				uint8_t out[HSM_DERIVED_LEN]);
PV_MUST CK_RV p11_derive_by_cmac(struct p11 *p, CK_SESSION_HANDLE session,
				 CK_OBJECT_HANDLE master,
				 struct span fixed_input,
				 uint8_t out[HSM_DERIVED_LEN]);

#endif
