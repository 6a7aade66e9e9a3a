#include "lib/seal/gcm.h"

#include <limits.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/base/secret.h"
#include "lib/seal/ossl.h"

struct gcm {
	EVP_CIPHER *cipher;
	EVP_CIPHER_CTX *ctx;
};

static const uint8_t zeros[GCM_KEY_LEN];

CLEANUP_PTR(struct gcm, gcm_free);

enum pv_code gcm_new(struct gcm **g, struct err *err)
{
	CLEANUP(cleanup_gcm_free) struct gcm *n = NULL;

	*g = NULL;
	n = mem_new(sizeof(*n), err);
	if (!n)
		return PV_INTERNAL;
	n->cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	n->ctx = EVP_CIPHER_CTX_new();
	if (!n->cipher || !n->ctx ||
	    EVP_CipherInit_ex2(n->ctx, n->cipher, zeros, zeros, 1, NULL) != 1)
		return ossl_fail(err, "AES-256-GCM");
	*g = TAKE(n);
	return PV_OK;
}

void gcm_free(struct gcm *g)
{
	if (!g)
		return;
	EVP_CIPHER_CTX_free(g->ctx);
	EVP_CIPHER_free(g->cipher);
	free(g);
}

enum pv_code gcm_key(struct gcm *g, const uint8_t key[static GCM_KEY_LEN],
		     struct err *err)
{
	if (EVP_CipherInit_ex2(g->ctx, NULL, key, NULL, -1, NULL) != 1)
		return ossl_fail(err, "AES-256-GCM key");
	return PV_OK;
}

void gcm_forget(struct gcm *g)
{
	/* A context that cannot be re-keyed is replaced by an empty one. */
	if (EVP_CipherInit_ex2(g->ctx, NULL, zeros, zeros, 1, NULL) != 1) {
		ERR_clear_error();
		EVP_CIPHER_CTX_reset(g->ctx);
	}
}

/* Sets direction and nonce, then passes aad and data through. */
static bool run(struct gcm *g, int enc, const uint8_t *nonce, struct span aad,
		struct span in, uint8_t *out)
{
	int n;

	if (in.len > INT_MAX || aad.len > INT_MAX)
		return false;
	if (EVP_CipherInit_ex2(g->ctx, NULL, NULL, nonce, enc, NULL) != 1)
		return false;
	if (aad.len &&
	    EVP_CipherUpdate(g->ctx, NULL, &n, aad.p, (int)aad.len) != 1)
		return false;
	return !in.len ||
	       (EVP_CipherUpdate(g->ctx, out, &n, in.p, (int)in.len) == 1 &&
		(size_t)n == in.len);
}

enum pv_code gcm_seal(struct gcm *g, const uint8_t nonce[static GCM_NONCE_LEN],
		      struct span aad, struct span plain, uint8_t *out,
		      struct err *err)
{
	uint8_t none[GCM_TAG_LEN];
	int n;

	if (!run(g, 1, nonce, aad, plain, out) ||
	    EVP_CipherFinal_ex(g->ctx, none, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(g->ctx, EVP_CTRL_AEAD_GET_TAG, GCM_TAG_LEN,
				out + plain.len) != 1)
		return ossl_fail(err, "AES-256-GCM encryption");
	return PV_OK;
}

enum pv_code gcm_open(struct gcm *g, const uint8_t nonce[static GCM_NONCE_LEN],
		      struct span aad, struct span sealed, uint8_t *out,
		      struct err *err)
{
	uint8_t tag[GCM_TAG_LEN], none[GCM_TAG_LEN];
	struct span ct = sealed;
	int n;

	if (sealed.len < GCM_TAG_LEN)
		return err_fail(err, PV_INTEGRITY, "seal.gcm", NULL,
				"sealed bytes are shorter than their tag");
	ct.len -= GCM_TAG_LEN;
	for (size_t i = 0; i < GCM_TAG_LEN; i++)
		tag[i] = sealed.p[ct.len + i];
	if (run(g, 0, nonce, aad, ct, out) &&
	    EVP_CIPHER_CTX_ctrl(g->ctx, EVP_CTRL_AEAD_SET_TAG, GCM_TAG_LEN,
				tag) == 1 &&
	    EVP_CipherFinal_ex(g->ctx, none, &n) == 1)
		return PV_OK;
	ERR_clear_error();
	if (ct.len)
		secret_wipe(out, ct.len);
	return err_fail(err, PV_INTEGRITY, "seal.gcm", NULL,
			"sealed bytes do not match their tag");
}
