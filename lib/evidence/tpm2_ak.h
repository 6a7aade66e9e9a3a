/*
 * tpm2_ak: the public area of an attestation key (TPM2B_PUBLIC; TCG TPM 2.0
 * Library, Part 2 12.2.5), as it is enrolled: a P-256 key with ECDSA and
 * SHA-256 that never was outside its TPM and signs nothing from outside that
 * could be taken for a quote.
 *
 * Does not check: in which TPM it is. That is MakeCredential's (makecred.h):
 * until the TPM that the EK certificate is for has given the secret back, the
 * attributes are a claim.
 */
#ifndef PV_EVIDENCE_TPM2_AK_H
#define PV_EVIDENCE_TPM2_AK_H

#include "lib/base/buf.h"
#include "lib/base/p256.h"

#define TPM2_NAME_LEN 34    /* nameAlg (000b), SHA-256 (Part 1, 16) */
#define TPM2_PUBLIC_MAX 512 /* bytes of a TPM2B_PUBLIC of ours */

struct tpm2_ak {
	uint8_t spki[P256_SPKI_LEN];
	uint8_t name[TPM2_NAME_LEN];
};

/*
 * PV_INPUT, rule "ak.form" (not one TPM2B_PUBLIC) or "ak.point"; PV_DENIED,
 * rule "ak.algorithm" or "ak.attributes": restricted, sign, fixedTPM,
 * fixedParent and sensitiveDataOrigin are set, decrypt is not. PV_INTERNAL.
 */
PV_MUST enum pv_code tpm2_ak_read(struct span public, struct tpm2_ak *ak,
				  struct err *err);

#endif
