/* tpm2_fix: the public area of an attestation key, as a TPM makes it. */
#ifndef PV_TESTS_TPM2_FIX_H
#define PV_TESTS_TPM2_FIX_H

#include <stdint.h>
#include <string.h>

#include <tss2/tss2_mu.h>

static inline void tpm2_fix_public(TPM2B_PUBLIC *public, const uint8_t spki[91])
{
	TPMT_PUBLIC *p = &public->publicArea;

	memset(public, 0, sizeof(*public));
	p->type = TPM2_ALG_ECC;
	p->nameAlg = TPM2_ALG_SHA256;
	p->objectAttributes =
		TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT |
		TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
		TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH;
	p->parameters.eccDetail.symmetric.algorithm = TPM2_ALG_NULL;
	p->parameters.eccDetail.scheme.scheme = TPM2_ALG_ECDSA;
	p->parameters.eccDetail.scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
	p->parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
	p->parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
	p->unique.ecc.x.size = p->unique.ecc.y.size = 32;
	memcpy(p->unique.ecc.x.buffer, spki + 27, 32);
	memcpy(p->unique.ecc.y.buffer, spki + 59, 32);
}

#endif
