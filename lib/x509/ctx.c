#include "lib/x509/ctx.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>

#include "lib/base/mem.h"

enum pv_code x509_openssl_fail(const char *what, struct err *err)
{
	unsigned long code = ERR_peek_error();
	const char *reason = ERR_reason_error_string(code);

	ERR_clear_error();
	return err_fail(err, PV_INTERNAL, "openssl", NULL, "%s: OpenSSL: %s",
			what, reason ? reason : "no reason given");
}

/* A key with a curve and no point yet. */
static EVP_PKEY *curve_key(const char *group)
{
	EVP_PKEY_CTX *gen = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;

	if (!gen || EVP_PKEY_paramgen_init(gen) != 1 ||
	    EVP_PKEY_CTX_set_group_name(gen, group) != 1 ||
	    EVP_PKEY_paramgen(gen, &key) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(gen);
	return key;
}

static bool curve_setup(struct x509_curve *c, const char *group)
{
	c->key = curve_key(group);
	c->use = c->key ? EVP_PKEY_CTX_new_from_pkey(NULL, c->key, NULL) : NULL;
	return c->use != NULL;
}

static void curve_release(struct x509_curve *c)
{
	EVP_PKEY_CTX_free(c->use);
	EVP_PKEY_free(c->key);
}

enum pv_code x509_ctx_new(struct x509_ctx **out, struct err *err)
{
	struct x509_ctx *ctx = mem_new(sizeof(*ctx), err);
	enum pv_code rc;

	*out = NULL;
	if (!ctx)
		return PV_INTERNAL;
	rc = sha256_new(&ctx->hash, err);
	if (rc == PV_OK && !curve_setup(&ctx->p256, "P-256"))
		rc = x509_openssl_fail("contexts for keys", err);
	if (rc == PV_OK)
		*out = ctx;
	else
		x509_ctx_free(ctx);
	return rc;
}

void x509_ctx_free(struct x509_ctx *ctx)
{
	if (!ctx)
		return;
	curve_release(&ctx->p256);
	curve_release(&ctx->p384);
	sha256_free(ctx->hash);
	BN_CTX_free(ctx->bn);
	mem_cleanup(&ctx);
}

void x509_ctx_cleanup(struct x509_ctx **ctx)
{
	x509_ctx_free(*ctx);
}

struct sha256 *x509_ctx_hash(struct x509_ctx *ctx)
{
	return ctx->hash;
}

enum pv_code x509_ctx_import(struct x509_ctx *ctx,
			     const struct key_facts *facts,
			     struct x509_curve **out, struct err *err)
{
	struct x509_curve *c =
		facts->alg == X509_ALG_P256 ? &ctx->p256 : &ctx->p384;
	struct span point = facts->point;

	*out = c;
	if (!c->key && !curve_setup(c, "P-384"))
		return x509_openssl_fail("context for P-384 keys", err);
	if (c->point_len > 0 && c->point_len == point.len &&
	    memcmp(c->point, point.p, point.len) == 0)
		return PV_OK;
	c->point_len = 0;
	if (EVP_PKEY_set1_encoded_public_key(c->key, point.p, point.len) != 1) {
		ERR_clear_error();
		return err_fail(err, PV_DENIED, "key.off_curve",
				"the device must make a new key",
				"the public point is not on the curve %s",
				x509_alg_name(facts->alg));
	}
	memcpy(c->point, point.p, point.len);
	c->point_len = point.len;
	return PV_OK;
}
