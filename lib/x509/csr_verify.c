#include "lib/x509/csr.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "lib/x509/ctx.h"

static enum pv_code wrong(const char *what, struct err *err)
{
	ERR_clear_error();
	return err_fail(err, PV_INPUT, "csr.signature",
			"make the CSR anew with the device's own key",
			"the CSR's signature %s", what);
}

static const EVP_MD *digest_of(enum csr_sig alg)
{
	switch (alg) {
	case CSR_SIG_ECDSA_SHA256:
	case CSR_SIG_RSA_SHA256:
		return EVP_sha256();
	case CSR_SIG_ECDSA_SHA384:
	case CSR_SIG_RSA_SHA384:
		return EVP_sha384();
	case CSR_SIG_ECDSA_SHA512:
	case CSR_SIG_RSA_SHA512:
		return EVP_sha512();
	case CSR_SIG_REFUSED:
		break;
	}
	return NULL;
}

/* Does the signature algorithm fit the key's? */
static bool fits(enum csr_sig sig, enum x509_alg key)
{
	switch (sig) {
	case CSR_SIG_ECDSA_SHA256:
	case CSR_SIG_ECDSA_SHA384:
	case CSR_SIG_ECDSA_SHA512:
		return key == X509_ALG_P256 || key == X509_ALG_P384;
	case CSR_SIG_RSA_SHA256:
	case CSR_SIG_RSA_SHA384:
	case CSR_SIG_RSA_SHA512:
		return key == X509_ALG_RSA;
	case CSR_SIG_REFUSED:
		break;
	}
	return false;
}

static enum pv_code verify_ec(struct x509_ctx *ctx, const struct csr *csr,
			      struct span digest, struct err *err)
{
	struct x509_curve *curve;
	enum pv_code rc = x509_ctx_import(ctx, &csr->key, &curve, err);

	if (rc != PV_OK)
		return rc;
	if (EVP_PKEY_verify_init(curve->use) != 1)
		return x509_openssl_fail("CSR signature", err);
	if (EVP_PKEY_verify(curve->use, csr->sig.p, csr->sig.len, digest.p,
			    digest.len) != 1)
		return wrong("is not by the key in it", err);
	return PV_OK;
}

static enum pv_code verify_rsa(const struct csr *csr, const EVP_MD *md,
			       struct span digest, struct err *err)
{
	const unsigned char *p = csr->spki.p;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)csr->spki.len);
	EVP_PKEY_CTX *use =
		key ? EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL) : NULL;
	enum pv_code rc;

	if (!use)
		rc = err_fail(err, PV_INPUT, "csr.key", NULL,
			      "the RSA key in the CSR cannot be used");
	else if (EVP_PKEY_verify_init(use) != 1 ||
		 EVP_PKEY_CTX_set_rsa_padding(use, RSA_PKCS1_PADDING) != 1 ||
		 EVP_PKEY_CTX_set_signature_md(use, md) != 1)
		rc = x509_openssl_fail("CSR signature", err);
	else if (EVP_PKEY_verify(use, csr->sig.p, csr->sig.len, digest.p,
				 digest.len) != 1)
		rc = wrong("is not by the key in it", err);
	else
		rc = PV_OK;
	ERR_clear_error();
	EVP_PKEY_CTX_free(use);
	EVP_PKEY_free(key);
	return rc;
}

static enum pv_code hash_tbs(struct x509_ctx *ctx, const struct csr *csr,
			     const EVP_MD *md, uint8_t hash[EVP_MAX_MD_SIZE],
			     size_t *len, struct err *err)
{
	unsigned n;

	*len = SHA256_LEN;
	if (md == EVP_sha256())
		return sha256_kept(ctx->hash, csr->tbs, hash, err);
	if (EVP_Digest(csr->tbs.p, csr->tbs.len, hash, &n, md, NULL) != 1)
		return x509_openssl_fail("CSR digest", err);
	*len = n;
	return PV_OK;
}

enum pv_code csr_verify(struct x509_ctx *ctx, const struct csr *csr,
			struct err *err)
{
	const EVP_MD *md = digest_of(csr->sig_alg);
	uint8_t hash[EVP_MAX_MD_SIZE];
	struct span digest = { hash, 0 };
	enum pv_code rc;

	if (!md)
		return wrong("is by an algorithm that is refused: use ECDSA or "
			     "RSA PKCS#1 with SHA-256 or longer",
			     err);
	if (!fits(csr->sig_alg, csr->key.alg))
		return wrong("is by an algorithm that is not the key's", err);
	rc = hash_tbs(ctx, csr, md, hash, &digest.len, err);
	if (rc != PV_OK)
		return rc;
	if (csr->key.alg == X509_ALG_RSA)
		return verify_rsa(csr, md, digest, err);
	return verify_ec(ctx, csr, digest, err);
}
