#include "tests/unit/device_fixture_impl.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/rand.h>
#include <string.h>

static int blind(void *ctx, unsigned char *out, size_t len)
{
	(void)ctx;
	return RAND_bytes(out, (int)len) == 1 ? 0 : -1;
}

void fx_crypto_init(struct fx_crypto *c)
{
	const char *which = getenv("FX_CRYPTO");

	memset(c, 0, sizeof(*c));
	ck_assert(!which || strcmp(which, "mbedtls") == 0);
	ck_assert(pvdev_openssl_init(&c->openssl));
	ck_assert(pvdev_mbedtls_init(&c->mbedtls));
	c->mbedtls.random = blind;
	c->table = which ? &pvdev_crypto_mbedtls : &pvdev_crypto_openssl;
	c->ctx = which ? (void *)&c->mbedtls : &c->openssl;
}

void fx_crypto_release(struct fx_crypto *c)
{
	pvdev_openssl_release(&c->openssl);
	pvdev_mbedtls_release(&c->mbedtls);
}

static const uint8_t *scalar(EVP_PKEY *key, uint8_t out[32])
{
	BIGNUM *d = NULL;

	if (!key)
		return NULL;
	ck_assert_int_eq(
		EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &d), 1);
	ck_assert_int_eq(BN_bn2binpad(d, out, 32), 32);
	BN_clear_free(d);
	return out;
}

void fx_crypto_keys(struct fx_crypto *c, EVP_PKEY *certified, EVP_PKEY *sealing)
{
	c->openssl.certified = certified;
	c->openssl.sealing = sealing;
	c->mbedtls.certified = scalar(certified, c->certified);
	c->mbedtls.sealing = scalar(sealing, c->sealing);
}

void fx_crypto_secrets(struct fx_crypto *c, const uint8_t *kek,
		       const uint8_t *auth, const uint8_t *receipt)
{
	c->openssl.kek = c->mbedtls.kek = kek;
	c->openssl.auth = c->mbedtls.auth = auth;
	c->openssl.receipt = c->mbedtls.receipt = receipt;
}
