/*
 * makecred: TPM2_MakeCredential in software (TCG TPM 2.0 Library, Part 1 24 and
 * 11.4.10; Part 3 12.6): a secret that only the TPM of an endorsement key can
 * recover, and only when the attestation key of the given name is in it too
 * (TPM2_ActivateCredential). And the endorsement key's certificate (TCG EK
 * Credential Profile 2.5).
 *
 * Endorsement keys are those of the profile's templates L-1 and L-2: RSA 2048,
 * or ECC P-256, nameAlg SHA-256, AES-128 in CFB mode.
 *
 * Does not check: that the secret comes back.
 */
#ifndef PV_EVIDENCE_MAKECRED_H
#define PV_EVIDENCE_MAKECRED_H

#include "lib/base/secret.h"
#include "lib/evidence/chain.h"
#include "lib/evidence/tpm2_ak.h"

#define TPM2_CREDENTIAL_MAX 32 /* bytes of the secret: a SHA-256 */
#define TPM2_MADE_MAX 512      /* bytes of what is made */

/*
 * The certificate of an endorsement key, chain->certs[0], up to the anchors
 * (EK roots of TPM makers), with extended key usage tcg-kp-EKCertificate. spki
 * points into it. PV_INPUT, rule "ek.form"; PV_INTEGRITY, rule "ek.chain";
 * PV_DENIED, rule "ek.usage". PV_INTERNAL.
 */
PV_MUST enum pv_code tpm2_ek_verify(const struct evidence_chain *chain,
				    struct span *spki, struct err *err);

/*
 * Appends the file that tpm2_activatecredential takes: BADCC0DE, 00000001,
 * TPM2B_ID_OBJECT, TPM2B_ENCRYPTED_SECRET. ek_spki: the endorsement key, DER;
 * name: tpm2_ak_read(); secret: 1 to TPM2_CREDENTIAL_MAX bytes. out keeps its
 * length on failure. PV_INPUT, rule "ek.key" (another kind of key, or no point
 * on the curve) or "ek.secret"; PV_INTERNAL.
 */
PV_MUST enum pv_code tpm2_make_credential(
	struct span ek_spki, const uint8_t name[static TPM2_NAME_LEN],
	const struct secret *secret, struct buf *out, struct err *err);

#endif
