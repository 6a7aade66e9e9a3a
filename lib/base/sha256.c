#include "lib/base/sha256.h"

#include <openssl/err.h>
#include <openssl/evp.h>

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
