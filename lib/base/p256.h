/*
 * p256: public keys on P-256, as 65 bytes of an uncompressed point (SEC
 * 1 2.3.3) and as SubjectPublicKeyInfo of 91 bytes with the named curve (RFC
 * 5480 2).
 *
 * Does not check: whose key it is. A point off the curve, and infinity, make no
 * key: p256_load().
 */
#ifndef PV_BASE_P256_H
#define PV_BASE_P256_H

#include <openssl/evp.h>

#include "lib/base/buf.h"

#define P256_POINT_LEN 65u
#define P256_SPKI_LEN 91u

/* The 65 bytes inside, borrowed, whatever their first says of their form; NULL
 * when spki is of another kind or length. */
const uint8_t *p256_bytes(struct span spki);
/* The same; NULL also when the point is not an uncompressed one. */
const uint8_t *p256_point(struct span spki);
void p256_spki(const uint8_t point[P256_POINT_LEN],
	       uint8_t spki[P256_SPKI_LEN]);
/*
 * A key of the caller's; NULL unless it is an uncompressed point on the curve.
 * d2i_PUBKEY() would set up all of OpenSSL's decoders first and cost five times
 * as much. Leaves OpenSSL's error queue as a failure made it.
 */
EVP_PKEY *p256_load(const uint8_t point[P256_POINT_LEN]);

#endif
