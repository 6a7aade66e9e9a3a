#include "lib/evidence/tpm2_ak.h"

#include <string.h>

#include <openssl/err.h>
#include <tss2/tss2_mu.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"

#define SIZE_LEN 2 /* of a TPM2B */
#define COORDINATE_LEN 32
#define UNCOMPRESSED 0x04
#define MUST_BE_SET                                                            \
	(TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT |                   \
	 TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |                      \
	 TPMA_OBJECT_SENSITIVEDATAORIGIN)

CLEANUP_PTR(EVP_PKEY, EVP_PKEY_free);

static enum pv_code check_algorithm(const TPMT_PUBLIC *p, struct err *err)
{
	const TPMS_ECC_PARMS *ecc = &p->parameters.eccDetail;

	if (p->type == TPM2_ALG_ECC && p->nameAlg == TPM2_ALG_SHA256 &&
	    ecc->curveID == TPM2_ECC_NIST_P256 &&
	    ecc->symmetric.algorithm == TPM2_ALG_NULL &&
	    ecc->scheme.scheme == TPM2_ALG_ECDSA &&
	    ecc->scheme.details.ecdsa.hashAlg == TPM2_ALG_SHA256 &&
	    ecc->kdf.scheme == TPM2_ALG_NULL)
		return PV_OK;
	return err_fail(err, PV_DENIED, "ak.algorithm",
			"make the key with ECC P-256, ECDSA and SHA-256",
			"the attestation key is of another algorithm");
}

static enum pv_code check_attributes(const TPMT_PUBLIC *p, struct err *err)
{
	TPMA_OBJECT a = p->objectAttributes;

	if ((a & MUST_BE_SET) == MUST_BE_SET && !(a & TPMA_OBJECT_DECRYPT))
		return PV_OK;
	return err_fail(err, PV_DENIED, "ak.attributes",
			"make the key in the TPM as a restricted signing key",
			"the attestation key's attributes %08x are not "
			"restricted, sign, fixedTPM, fixedParent and "
			"sensitiveDataOrigin without decrypt",
			a);
}

static bool take_coordinate(const TPM2B_ECC_PARAMETER *p, uint8_t *out)
{
	if (p->size == 0 || p->size > COORDINATE_LEN)
		return false;
	memcpy(out + COORDINATE_LEN - p->size, p->buffer, p->size);
	return true;
}

static enum pv_code take_point(const TPMT_PUBLIC *p, struct tpm2_ak *ak,
			       struct err *err)
{
	uint8_t point[P256_POINT_LEN] = { UNCOMPRESSED };
	CLEANUP(cleanup_EVP_PKEY_free) EVP_PKEY *key = NULL;

	if (take_coordinate(&p->unique.ecc.x, point + 1) &&
	    take_coordinate(&p->unique.ecc.y, point + 1 + COORDINATE_LEN))
		key = p256_load(point);
	ERR_clear_error();
	if (!key)
		return err_fail(err, PV_INPUT, "ak.point",
				"give the public area as the TPM made it",
				"the attestation key is no point on P-256");
	p256_spki(point, ak->spki);
	return PV_OK;
}

enum pv_code tpm2_ak_read(struct span public, struct tpm2_ak *ak,
			  struct err *err)
{
	TPM2B_PUBLIC p = { 0 };
	struct span area;
	size_t at = 0;
	enum pv_code rc;

	if (public.len <= SIZE_LEN || public.len > TPM2_PUBLIC_MAX ||
	    Tss2_MU_TPM2B_PUBLIC_Unmarshal(public.p, public.len, &at, &p) !=
		    TSS2_RC_SUCCESS ||
	    at != public.len)
		return err_fail(err, PV_INPUT, "ak.form",
				"give the TPM2B_PUBLIC as the TPM made it",
				"the attestation key is not one TPM2B_PUBLIC");
	/* The size that stands before is that of what the name is over. */
	area = (struct span){ public.p + SIZE_LEN, public.len - SIZE_LEN };
	if (((size_t) public.p[0] << 8 | public.p[1]) != area.len)
		return err_fail(err, PV_INPUT, "ak.form",
				"give the TPM2B_PUBLIC as the TPM made it",
				"the attestation key's size is wrong");
	rc = check_algorithm(&p.publicArea, err);
	if (rc == PV_OK)
		rc = check_attributes(&p.publicArea, err);
	if (rc == PV_OK)
		rc = take_point(&p.publicArea, ak, err);
	if (rc != PV_OK)
		return rc;
	ak->name[0] = TPM2_ALG_SHA256 >> 8;
	ak->name[1] = TPM2_ALG_SHA256 & 0xff;
	return sha256(area, ak->name + 2, err);
}
