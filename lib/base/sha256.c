#include "lib/base/sha256.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

struct sha256 {
	EVP_MD *md;
	EVP_MD_CTX *ctx;
	bool ok; /* since sha256_begin() */
};

CLEANUP_PTR(struct sha256, sha256_free);

static enum pv_code failed(struct err *err)
{
	ERR_clear_error();
	return err_fail(err, PV_INTERNAL, "sha256", NULL, "SHA-256 failed");
}

enum pv_code sha256(struct span bytes, uint8_t out[static SHA256_LEN],
		    struct err *err)
{
	if (EVP_Digest(bytes.p, bytes.len, out, NULL, EVP_sha256(), NULL) == 1)
		return PV_OK;
	return failed(err);
}

enum pv_code sha256_parts(const struct span *parts, size_t n,
			  uint8_t out[static SHA256_LEN], struct err *err)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && EVP_DigestInit_ex2(ctx, EVP_sha256(), NULL) == 1;

	for (size_t i = 0; i < n && ok; i++)
		ok = EVP_DigestUpdate(ctx, parts[i].p, parts[i].len) == 1;
	ok = ok && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	return ok ? PV_OK : failed(err);
}

enum pv_code sha256_new(struct sha256 **h, struct err *err)
{
	CLEANUP(cleanup_sha256_free) struct sha256 *n = NULL;

	*h = NULL;
	n = mem_new(sizeof(*n), err);
	if (!n)
		return PV_INTERNAL;
	n->md = EVP_MD_fetch(NULL, "SHA256", NULL);
	n->ctx = EVP_MD_CTX_new();
	if (!n->md || !n->ctx || EVP_DigestInit_ex2(n->ctx, n->md, NULL) != 1)
		return failed(err);
	*h = TAKE(n);
	return PV_OK;
}

void sha256_free(struct sha256 *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->ctx);
	EVP_MD_free(h->md);
	free(h);
}

/* Without a type it is the one of before, at no search. */
void sha256_begin(struct sha256 *h)
{
	h->ok = EVP_DigestInit_ex2(h->ctx, NULL, NULL) == 1;
}

void sha256_add(struct sha256 *h, struct span bytes)
{
	if (bytes.len > 0 && h->ok)
		h->ok = EVP_DigestUpdate(h->ctx, bytes.p, bytes.len) == 1;
}

enum pv_code sha256_end(struct sha256 *h, uint8_t out[static SHA256_LEN],
			struct err *err)
{
	bool ok = h->ok && EVP_DigestFinal_ex(h->ctx, out, NULL) == 1;

	/* It ends once. */
	h->ok = false;
	return ok ? PV_OK : failed(err);
}

enum pv_code sha256_kept(struct sha256 *h, struct span bytes,
			 uint8_t out[static SHA256_LEN], struct err *err)
{
	sha256_begin(h);
	sha256_add(h, bytes);
	return sha256_end(h, out, err);
}
