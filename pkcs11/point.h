/*
 * point: CKA_EC_POINT to SubjectPublicKeyInfo.
 *
 * The value may come raw, as an OCTET STRING or as a BIT STRING; what is
 * accepted is checked to be an uncompressed point on P-256, or a canonical
 * Ed25519 y that is not 0, 1 or p - 1. RFC 5480 2, RFC 8410 4, RFC 8032 5.1.3.
 */
#ifndef PV_PKCS11_POINT_H
#define PV_PKCS11_POINT_H

#include "lib/base/buf.h"
#include "lib/base/p256.h"

#define P11_POINT_VALUE_MAX 128 /* bytes read from a token */
#define P11_POINT_OCTETS_LEN (2 + P256_POINT_LEN)

/*
 * forms: P11_POINT_... mask. out has room for HSM_SPKI_MAX bytes.
 * PV_HSM_FATAL, rule "hsm.point", on any other form or a bad point.
 */
PV_MUST enum pv_code p11_point_p256(struct span value, unsigned forms,
				    uint8_t *out, size_t *out_len,
				    struct err *err);
PV_MUST enum pv_code p11_point_ed25519(struct span value, unsigned forms,
				       uint8_t *out, size_t *out_len,
				       struct err *err);
/* A point on P-256 as an OCTET STRING (PKCS#11 2.40, 2.3.3). */
void p11_point_octets(const uint8_t point[P256_POINT_LEN],
		      uint8_t out[P11_POINT_OCTETS_LEN]);

#endif
