#include "lib/base/sha256.h"

#include <openssl/evp.h>

enum pv_code sha256(struct span bytes, uint8_t out[SHA256_LEN], struct err *err)
{
	if (EVP_Digest(bytes.p, bytes.len, out, NULL, EVP_sha256(), NULL) == 1)
		return PV_OK;
	return err_fail(err, PV_INTERNAL, "sha256", NULL, "SHA-256 failed");
}
