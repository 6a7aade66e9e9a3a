/*
 * hpke: RFC 9180 base mode, single shot, in the one suite of formats.md 1:
 * DHKEM(P-256, HKDF-SHA256) 0x0010, HKDF-SHA256 0x0001, AES-256-GCM 0x0002.
 *
 * A struct hpke keeps its OpenSSL contexts between calls (performance.md); it
 * belongs to one thread and is made after the last fork. A recipient's point is
 * checked once, at import: length 65, first byte 04, on the curve. P-256 has
 * cofactor 1, so that is all of RFC 9180 7.1.4; derivation then skips it.
 *
 * Does not check: whose key a point is.
 */
#ifndef PV_SEAL_HPKE_H
#define PV_SEAL_HPKE_H

#include "lib/base/buf.h"
#include "lib/base/secret.h"

#define HPKE_POINT_LEN 65  /* uncompressed P-256 point, Npk (RFC 9180 7.1) */
#define HPKE_SCALAR_LEN 32 /* Nsk */
#define HPKE_ENC_LEN 65	   /* Nenc */
#define HPKE_TAG_LEN 16	   /* Nt of AES-256-GCM (RFC 9180 7.3) */

struct hpke;

/* *h is owned by the caller; NULL on failure. PV_INTERNAL. */
PV_MUST enum pv_code hpke_new(struct hpke **h, struct err *err);
/* Wipes and frees. Takes NULL. */
void hpke_free(struct hpke *h);

/*
 * Whether point is a usable recipient key. PV_INPUT, rule "seal.point", when
 * it is not an uncompressed point on P-256.
 */
PV_MUST enum pv_code
hpke_point_check(struct hpke *h, const uint8_t point[static HPKE_POINT_LEN],
		 struct err *err);

/*
 * SealBase (RFC 9180 6.1): draws an ephemeral key, writes it to enc and
 * ciphertext || tag (plain.len + HPKE_TAG_LEN bytes) to ct. PV_INPUT, rule
 * "seal.point"; PV_INTERNAL. After a failure enc and ct are undefined and the
 * context may be used again.
 */
PV_MUST enum pv_code
hpke_seal(struct hpke *h, const uint8_t point[static HPKE_POINT_LEN],
	  struct span info, struct span aad, struct span plain,
	  uint8_t enc[static HPKE_ENC_LEN], uint8_t *ct, struct err *err);

/*
 * OpenBase with the recipient's scalar. plain gets ct.len - HPKE_TAG_LEN bytes
 * (at least 1). PV_INTEGRITY, rule "seal.hpke", when the tag does not match;
 * PV_INPUT on a bad enc or scalar; plain is empty after a failure.
 */
PV_MUST enum pv_code hpke_open(struct hpke *h, const struct secret *scalar,
			       const uint8_t enc[static HPKE_ENC_LEN],
			       struct span info, struct span aad,
			       struct span ct, struct secret *plain,
			       struct err *err);

#endif
