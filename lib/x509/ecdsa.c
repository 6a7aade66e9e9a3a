/* P-256 as bytes: SPKI, signatures, and the verifier with kept contexts. */
#include "lib/x509/cert.h"

#include <string.h>

#include <openssl/err.h>

#include "lib/base/mem.h"
#include "lib/base/p256.h"
#include "lib/base/sha256.h"
#include "lib/x509/ctx.h"
#include "lib/x509/keytable.h"
#include "lib/x509/oids.h"

#define SCALAR_LEN 32
#define DIGEST_LEN 32

/* A table costs 150 KiB and the time that some 500 verifications save. */
#define VERIFIED_BEFORE_TABLE 512

_Static_assert(sizeof(struct x509_ahead) == KEYTABLE_INVERSE_LEN &&
		       X509_AHEAD_MAX == KEYTABLE_INVERSES_MAX,
	       "what is done ahead is what a table takes");

void x509_spki_from_point(const uint8_t point[X509_P256_POINT_LEN],
			  uint8_t spki[X509_P256_SPKI_LEN])
{
	p256_spki(point, spki);
}

bool x509_spki_point(struct span spki, const uint8_t **point)
{
	const uint8_t *p = p256_point(spki);

	if (p)
		*point = p;
	return p != NULL;
}

enum pv_code x509_spki_sha256(struct span spki, uint8_t out[32],
			      struct err *err)
{
	return sha256(spki, out, err);
}

/* INTEGER from 32 big-endian bytes; returns the octets written, 0 for zero. */
static size_t put_scalar(const uint8_t *v, uint8_t *out)
{
	size_t skip = 0, pad, n;

	while (skip < SCALAR_LEN && v[skip] == 0)
		skip++;
	if (skip == SCALAR_LEN)
		return 0;
	pad = v[skip] >= 0x80;
	n = SCALAR_LEN - skip;
	out[0] = DER_INTEGER;
	out[1] = (uint8_t)(n + pad);
	out[2] = 0;
	memcpy(out + 2 + pad, v + skip, n);
	return 2 + pad + n;
}

bool x509_ecdsa_to_der(const uint8_t sig[64], uint8_t der[X509_ECDSA_DER_MAX],
		       size_t *len)
{
	size_t r, s;

	r = put_scalar(sig, der + 2);
	s = r ? put_scalar(sig + SCALAR_LEN, der + 2 + r) : 0;
	if (s == 0)
		return false;
	der[0] = DER_SEQUENCE;
	der[1] = (uint8_t)(r + s);
	*len = 2 + r + s;
	return true;
}

bool x509_ecdsa_from_der(struct span der, uint8_t sig[64])
{
	struct span seq, r, s;

	if (!der_take(&der, DER_SEQUENCE, &seq) || der.len != 0 ||
	    !der_take_uint(&seq, &r) || !der_take_uint(&seq, &s) ||
	    seq.len != 0 || r.len > SCALAR_LEN || s.len > SCALAR_LEN ||
	    r.p[0] == 0 || s.p[0] == 0)
		return false;
	memset(sig, 0, 2 * SCALAR_LEN);
	memcpy(sig + SCALAR_LEN - r.len, r.p, r.len);
	memcpy(sig + 2 * SCALAR_LEN - s.len, s.p, s.len);
	return true;
}

struct x509_verifier {
	struct x509_ctx *ctx;
	struct x509_curve *curve; /* in ctx: holds the one key */
	unsigned verified;	  /* until there is a table */
	struct keytable *table;
};

enum pv_code x509_verifier_new(struct span spki, struct x509_verifier **out,
			       struct err *err)
{
	struct x509_verifier *v = mem_new(sizeof(*v), err);
	struct key_facts facts;
	enum pv_code rc;

	*out = NULL;
	if (!v)
		return PV_INTERNAL;
	rc = x509_ctx_new(&v->ctx, err);
	if (rc == PV_OK)
		rc = x509_key_check(v->ctx, spki, X509_ALLOW(X509_ALG_P256),
				    &facts, err);
	if (rc == PV_OK)
		rc = x509_ctx_import(v->ctx, &facts, &v->curve, err);
	if (rc == PV_OK && EVP_PKEY_verify_init(v->curve->use) != 1)
		rc = x509_openssl_fail("verifier", err);
	if (rc == PV_OK)
		*out = v;
	else
		x509_verifier_free(v);
	return rc;
}

void x509_verifier_free(struct x509_verifier *v)
{
	if (!v)
		return;
	x509_ctx_free(v->ctx);
	keytable_free(v->table);
	mem_cleanup(&v);
}

void x509_verifier_cleanup(struct x509_verifier **v)
{
	x509_verifier_free(*v);
}

static enum pv_code wrong_signature(enum pv_code code, struct err *err)
{
	ERR_clear_error();
	return err_fail(err, code, "signature.wrong", NULL,
			"the signature is not the key's over these bytes");
}

static enum pv_code verify(EVP_PKEY_CTX *use, const uint8_t digest[DIGEST_LEN],
			   struct span der, enum pv_code wrong, struct err *err)
{
	/* 1 right, 0 wrong, below 0 also for values out of range. */
	if (EVP_PKEY_verify(use, der.p, der.len, digest, DIGEST_LEN) != 1)
		return wrong_signature(wrong, err);
	return PV_OK;
}

/* Both ways must say the same before the table is used alone. */
static enum pv_code start_table(struct x509_verifier *v,
				const uint8_t digest[DIGEST_LEN],
				const uint8_t sig[64], bool right,
				struct err *err)
{
	bool by_table;
	enum pv_code rc = keytable_new(v->curve->point, &v->table, err);

	if (rc != PV_OK || !v->table)
		return rc;
	rc = keytable_verify(v->table, digest, sig, NULL, &by_table, err);
	if (rc != PV_OK || by_table == right)
		return rc;
	return err_fail(err, PV_INTERNAL, "openssl", NULL,
			"two ways to verify one signature do not agree");
}

static enum pv_code verify_once(struct x509_verifier *v,
				const uint8_t digest[DIGEST_LEN],
				const uint8_t sig[64],
				const struct x509_ahead *ahead, bool *right,
				struct err *err)
{
	uint8_t der[X509_ECDSA_DER_MAX];
	size_t len;

	if (v->table)
		return keytable_verify(v->table, digest, sig,
				       ahead ? ahead->inverse : NULL, right,
				       err);
	*right = x509_ecdsa_to_der(sig, der, &len) &&
		 EVP_PKEY_verify(v->curve->use, der, len, digest, DIGEST_LEN) ==
			 1;
	if (v->verified++ != VERIFIED_BEFORE_TABLE)
		return PV_OK;
	return start_table(v, digest, sig, *right, err);
}

enum pv_code x509_verify_ahead(struct x509_verifier *v,
			       const uint8_t *const *sigs, size_t n,
			       struct x509_ahead *ahead, struct err *err)
{
	if (v->table)
		return keytable_invert(v->table, sigs, n, &ahead->inverse, err);
	memset(ahead, 0, n * sizeof(*ahead));
	return PV_OK;
}

enum pv_code x509_verify_digest_ahead(struct x509_verifier *v,
				      const uint8_t digest[32],
				      const uint8_t sig[64],
				      const struct x509_ahead *ahead,
				      enum pv_code wrong, struct err *err)
{
	bool right;
	enum pv_code rc = verify_once(v, digest, sig, ahead, &right, err);

	return rc == PV_OK && !right ? wrong_signature(wrong, err) : rc;
}

enum pv_code x509_verify_digest(struct x509_verifier *v,
				const uint8_t digest[32], const uint8_t sig[64],
				enum pv_code wrong, struct err *err)
{
	return x509_verify_digest_ahead(v, digest, sig, NULL, wrong, err);
}

enum pv_code x509_verify_cert(struct x509_verifier *v,
			      const struct x509_cert *cert, enum pv_code wrong,
			      struct err *err)
{
	struct span alg = cert->sig_alg, seq, oid;
	uint8_t digest[DIGEST_LEN], raw[64];
	enum pv_code rc;

	if (!der_take(&alg, DER_SEQUENCE, &seq) || !der_take_oid(&seq, &oid) ||
	    seq.len != 0 || !oid_equal(&oid_ecdsa_sha256, oid) ||
	    !x509_ecdsa_from_der(cert->sig, raw))
		return wrong_signature(wrong, err);
	rc = sha256_kept(v->ctx->hash, cert->tbs, digest, err);
	return rc == PV_OK ? x509_verify_digest(v, digest, raw, wrong, err)
			   : rc;
}

enum pv_code x509_verify_message(struct x509_ctx *ctx, struct span spki,
				 struct span msg, struct span sig_der,
				 struct err *err)
{
	struct x509_curve *curve;
	struct key_facts facts;
	uint8_t digest[DIGEST_LEN], raw[64];
	enum pv_code rc;

	rc = x509_key_check(ctx, spki, X509_ALLOW(X509_ALG_P256), &facts, err);
	if (rc == PV_OK)
		rc = x509_ctx_import(ctx, &facts, &curve, err);
	if (rc != PV_OK)
		return rc;
	if (!x509_ecdsa_from_der(sig_der, raw))
		return err_fail(err, PV_INPUT, "signature.form",
				"give a DER Ecdsa-Sig-Value (RFC 3279 2.2.3)",
				"the signature does not parse");
	rc = sha256_kept(ctx->hash, msg, digest, err);
	if (rc != PV_OK)
		return rc;
	if (EVP_PKEY_verify_init(curve->use) != 1)
		return x509_openssl_fail("verify", err);
	return verify(curve->use, digest, sig_der, PV_INPUT, err);
}
