/*
 * recipient: a device's sealing key from its SPKI, and the proof that the
 * certified key vouches for it (formats.md 1), or for the key that takes its
 * own place.
 */
#ifndef PV_SEAL_RECIPIENT_H
#define PV_SEAL_RECIPIENT_H

#include "lib/seal/bundle.h"

#define SEAL_SPKI_LEN 91 /* P-256, uncompressed, named curve */

struct seal_recipient {
	uint8_t point[HPKE_POINT_LEN];
	uint8_t id[SEAL_KEY_ID_LEN]; /* SHA-256(SPKI DER) */
};

/*
 * Imports a DER SubjectPublicKeyInfo in its one allowed encoding (RFC 5480:
 * id-ecPublicKey, named curve P-256, uncompressed point on the curve). s lends
 * its contexts. PV_INPUT, rule "seal.recipient" or "seal.point".
 */
PV_MUST enum pv_code seal_recipient_from_spki(struct seal *s, struct span spki,
					      struct seal_recipient *r,
					      struct err *err);

/*
 * Verifies that certified_spki (P-256, the key in the CSR) signed
 * "provctl/seal-key/v1" || 00 || device-id || 00 || seal_spki with ECDSA and
 * SHA-256, DER signature. PV_INPUT, rule "seal.key-signature", when it did not
 * or is no P-256 key.
 */
PV_MUST enum pv_code seal_recipient_verify(struct span certified_spki,
					   const char *device_id,
					   struct span seal_spki,
					   struct span sig, struct err *err);

/*
 * Verifies that certified_spki, the key of the device's certificate, signed
 * "provctl/rotate-key/v1" || 00 || device-id || 00 || new_spki with SHA-256:
 * ECDSA (DER signature), or RSA PKCS#1 v1.5. The new key may take its place
 * then. PV_INPUT, rule "seal.key-signature", when it did not.
 */
PV_MUST enum pv_code seal_rotate_verify(struct span certified_spki,
					const char *device_id,
					struct span new_spki, struct span sig,
					struct err *err);

/* ECDSA P-256 with SHA-256 over msg, DER signature; false for a bad key too. */
PV_MUST bool seal_ecdsa_verify(struct span spki, struct span msg,
			       struct span sig);

/* The message that is signed, appended to out (for devices and tests). */
PV_MUST enum pv_code seal_recipient_message(const char *device_id,
					    struct span seal_spki,
					    struct buf *out, struct err *err);

#endif
