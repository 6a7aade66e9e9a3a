/* CMAC-AES-256 and the counter mode over it, in software. */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "lib/seal/kdf.h"
#include "lib/seal/ossl.h"

#define CMAC_KEY_LEN 32	     /* AES-256 only */
#define COUNTER_OUT_MAX 4096 /* far above what a device needs */

CLEANUP_PTR(EVP_MAC, EVP_MAC_free);
CLEANUP_PTR(EVP_MAC_CTX, EVP_MAC_CTX_free);

enum pv_code kdf_cmac(const struct secret *key, const struct span *parts,
		      size_t n, uint8_t out[static KDF_CMAC_LEN],
		      struct err *err)
{
	CLEANUP(cleanup_EVP_MAC_free)
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "CMAC", NULL);
	CLEANUP(cleanup_EVP_MAC_CTX_free)
	EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
	char cipher[] = "AES-256-CBC";
	OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(
					OSSL_MAC_PARAM_CIPHER, cipher, 0),
				OSSL_PARAM_construct_end() };
	size_t len = 0;
	bool ok = ctx && key->len == CMAC_KEY_LEN &&
		  EVP_MAC_init(ctx, key->data, key->len, params) == 1;

	for (size_t i = 0; i < n && ok; i++)
		ok = !parts[i].len ||
		     EVP_MAC_update(ctx, parts[i].p, parts[i].len) == 1;
	if (!ok || EVP_MAC_final(ctx, out, &len, KDF_CMAC_LEN) != 1 ||
	    len != KDF_CMAC_LEN)
		return ossl_fail(err, "CMAC-AES-256");
	return PV_OK;
}

/* K(i) = CMAC(key, be32(i) || fixed input), i from 1 (SP 800-108 4.1). */
enum pv_code kdf_counter_cmac(const struct secret *key, struct span fixed_input,
			      size_t len, struct secret *out, struct err *err)
{
	uint8_t t[KDF_CMAC_LEN], counter[4] = { 0 };
	const struct span parts[] = { { counter, 4 }, fixed_input };
	enum pv_code rc;

	secret_release(out);
	if (len == 0 || len > COUNTER_OUT_MAX)
		return err_fail(err, PV_INTERNAL, "kdf.length", NULL,
				"a derivation cannot give %zu bytes", len);
	rc = secret_alloc(out, len, err);
	for (size_t done = 0, i = 1; done < len && rc == PV_OK; i++) {
		size_t take = len - done < sizeof(t) ? len - done : sizeof(t);

		counter[2] = (uint8_t)(i >> 8);
		counter[3] = (uint8_t)i;
		rc = kdf_cmac(key, parts, 2, t, err);
		if (rc == PV_OK)
			memcpy(out->data + done, t, take);
		done += take;
	}
	secret_wipe(t, sizeof(t));
	if (rc != PV_OK)
		secret_release(out);
	return rc;
}
