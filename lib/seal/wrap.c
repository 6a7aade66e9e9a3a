#include "lib/seal/wrap.h"

#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/seal/ossl.h"

#define WRAP_KEY_MIN 16	  /* RFC 3394 2: at least two 64-bit blocks */
#define WRAP_KEY_MAX 4096 /* far above a bundle secret */

struct wrap {
	EVP_CIPHER *cipher;
	EVP_CIPHER_CTX *ctx;
};

static const uint8_t zeros[WRAP_KEK_LEN];

CLEANUP_PTR(struct wrap, wrap_free);

enum pv_code wrap_new(struct wrap **w, struct err *err)
{
	CLEANUP(cleanup_wrap_free) struct wrap *n = NULL;

	*w = NULL;
	n = mem_new(sizeof(*n), err);
	if (!n)
		return PV_INTERNAL;
	n->cipher = EVP_CIPHER_fetch(NULL, "AES-256-WRAP", NULL);
	n->ctx = EVP_CIPHER_CTX_new();
	if (!n->cipher || !n->ctx)
		return ossl_fail(err, "AES-256 key wrap");
	EVP_CIPHER_CTX_set_flags(n->ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	*w = TAKE(n);
	return PV_OK;
}

void wrap_free(struct wrap *w)
{
	if (!w)
		return;
	EVP_CIPHER_CTX_free(w->ctx);
	EVP_CIPHER_free(w->cipher);
	free(w);
}

/* The kept key is replaced by zeros on every way out. */
static bool run(struct wrap *w, int enc, const struct secret *kek,
		struct span in, uint8_t *out, size_t want)
{
	int n = 0;
	bool ok = EVP_CipherInit_ex2(w->ctx, w->cipher, kek->data, NULL, enc,
				     NULL) == 1 &&
		  EVP_CipherUpdate(w->ctx, out, &n, in.p, (int)in.len) == 1 &&
		  n > 0 && (size_t)n == want;

	if (EVP_CipherInit_ex2(w->ctx, w->cipher, zeros, NULL, enc, NULL) != 1)
		ok = false;
	ERR_clear_error();
	return ok;
}

enum pv_code wrap_kek(struct wrap *w, const struct secret *kek,
		      const struct secret *key, uint8_t *out, struct err *err)
{
	struct span in = { key->data, key->len };

	if (kek->len != WRAP_KEK_LEN || key->len < WRAP_KEY_MIN ||
	    key->len > WRAP_KEY_MAX || key->len % 8)
		return err_fail(err, PV_INTERNAL, "seal.wrap", NULL,
				"key wrap takes a key of 32 bytes and a "
				"multiple of 8");
	if (!run(w, 1, kek, in, out, in.len + WRAP_OVERHEAD))
		return ossl_fail(err, "AES-256 key wrap");
	return PV_OK;
}

enum pv_code wrap_unwrap(struct wrap *w, const struct secret *kek,
			 struct span wrapped, struct secret *key,
			 struct err *err)
{
	enum pv_code rc;

	secret_release(key);
	if (kek->len != WRAP_KEK_LEN)
		return err_fail(err, PV_INTERNAL, "seal.wrap", NULL,
				"key wrap takes a key of 32 bytes");
	if (wrapped.len < WRAP_KEY_MIN + WRAP_OVERHEAD ||
	    wrapped.len > WRAP_KEY_MAX + WRAP_OVERHEAD || wrapped.len % 8)
		return err_fail(err, PV_INTEGRITY, "seal.wrap", NULL,
				"%zu bytes cannot be a wrapped key",
				wrapped.len);
	/* OpenSSL uses room for the whole input while it unwraps. */
	rc = secret_alloc(key, wrapped.len, err);
	if (rc != PV_OK)
		return rc;
	if (!run(w, 0, kek, wrapped, key->data, wrapped.len - WRAP_OVERHEAD)) {
		secret_release(key);
		return err_fail(err, PV_INTEGRITY, "seal.wrap", NULL,
				"the wrapped key does not match its check");
	}
	secret_truncate(key, wrapped.len - WRAP_OVERHEAD);
	return PV_OK;
}
