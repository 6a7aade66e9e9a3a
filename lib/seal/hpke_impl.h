/*
 * hpke_impl: the steps of HPKE below hpke.h, for hpke.c and for tests that hold
 * them to the published vectors. Nothing else includes this.
 */
#ifndef PV_SEAL_HPKE_IMPL_H
#define PV_SEAL_HPKE_IMPL_H

#include <openssl/evp.h>

#include "lib/seal/hpke.h"

#define HPKE_NH 32 /* HKDF-SHA256 output (RFC 9180 7.2) */

/*
 * A key pair from its scalar (32 bytes, 1 to n - 1); point gets the public
 * half. *key is owned by the caller. PV_INPUT, rule "seal.scalar".
 */
PV_MUST enum pv_code hpke_key(const struct secret *scalar, EVP_PKEY **key,
			      uint8_t point[static HPKE_POINT_LEN],
			      struct err *err);
/* The next hpke_seal() uses this ephemeral key, once. h takes key. */
void hpke_set_ephemeral(struct hpke *h, EVP_PKEY *key);
/* DH(key, point): x of the shared point (RFC 9180 7.1.1). */
PV_MUST enum pv_code hpke_dh(struct hpke *h, EVP_PKEY *key,
			     const uint8_t point[static HPKE_POINT_LEN],
			     uint8_t dh[static HPKE_NH], struct err *err);
/* ExtractAndExpand (RFC 9180 4.1). */
PV_MUST enum pv_code hpke_kem_secret(struct hpke *h, struct span dh,
				     struct span kem_context,
				     uint8_t shared[static HPKE_NH],
				     struct err *err);

struct hpke_schedule {
	uint8_t context[1 + 2 * HPKE_NH];
	uint8_t secret[HPKE_NH];
	uint8_t key[32], base_nonce[12];
};

/* KeySchedule for mode base (RFC 9180 5.1). The caller wipes *s. */
PV_MUST enum pv_code
hpke_key_schedule(struct hpke *h, const uint8_t shared[static HPKE_NH],
		  struct span info, struct hpke_schedule *s, struct err *err);

#endif
