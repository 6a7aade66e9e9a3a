/*
 * receipt: a device's answer to a bundle, signed by one of its keys or under
 * its receipt key (formats.md 4), taken apart.
 *
 * Does not check: whose key it is, that there is such a bundle, who signs: of
 * a COSE_Sign1 the caller verifies the digest.
 */
#ifndef PV_SEAL_RECEIPT_H
#define PV_SEAL_RECEIPT_H

#include "lib/base/secret.h"
#include "lib/seal/bundle.h"
#include "lib/seal/kdf.h"

#define SEAL_RECEIPT_MAX 512 /* bytes; ours have at most 320 */
#define SEAL_NONCE_MAX 64    /* RFC 9711 4.1 */

struct seal_receipt { /* spans point into the bytes parsed */
	bool mac;     /* COSE_Mac0; else COSE_Sign1 */
	struct span kid;
	uint8_t bundle_id[SEAL_ID_LEN];
	struct span nonce; /* of the evidence; len 0: none was asked for */
	uint8_t bh[32];
	uint64_t seq;
	uint64_t result; /* 0: installed; else the device's code */
	struct span protected_hdr, payload, auth;
};

/* Strict parse of either form. PV_INPUT, rule "receipt.form". */
PV_MUST enum pv_code
seal_receipt_parse(struct span bytes, struct seal_receipt *r, struct err *err);
/* COSE_Sign1: SHA-256 of what auth, a raw r||s, signs. */
PV_MUST enum pv_code seal_receipt_digest(const struct seal_receipt *r,
					 uint8_t digest[static 32],
					 struct err *err);
/* COSE_Mac0: PV_INTEGRITY, rule "receipt.signature", unless it is by that
 * device's receipt key. */
PV_MUST enum pv_code seal_receipt_mac(const struct seal_receipt *r,
				      struct kdf *k, const struct secret *key,
				      struct err *err);

#endif
