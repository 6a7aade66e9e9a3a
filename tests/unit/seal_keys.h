/* seal_keys: P-256 keys of OpenSSL in place of an HSM, for tests of lib/seal.
 */
#ifndef PV_TESTS_SEAL_KEYS_H
#define PV_TESTS_SEAL_KEYS_H

#include <check.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <string.h>

#define KEYS_SPKI_LEN 91

static inline EVP_PKEY *keys_new(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	ck_assert(key != NULL);
	return key;
}

static inline void keys_spki(EVP_PKEY *key, uint8_t out[KEYS_SPKI_LEN])
{
	unsigned char *p = out;

	ck_assert_int_eq(i2d_PUBKEY(key, NULL), KEYS_SPKI_LEN);
	ck_assert_int_eq(i2d_PUBKEY(key, &p), KEYS_SPKI_LEN);
}

static inline void keys_scalar(EVP_PKEY *key, uint8_t out[32])
{
	BIGNUM *d = NULL;

	ck_assert_int_eq(EVP_PKEY_get_bn_param(key, "priv", &d), 1);
	ck_assert_int_eq(BN_bn2binpad(d, out, 32), 32);
	BN_clear_free(d);
}

/* kid: first 8 bytes of SHA-256(SPKI). */
static inline void keys_kid(EVP_PKEY *key, uint8_t kid[8])
{
	uint8_t spki[KEYS_SPKI_LEN], hash[32];

	keys_spki(key, spki);
	SHA256(spki, sizeof(spki), hash);
	memcpy(kid, hash, 8);
}

/* Raw r||s over a digest, as a token gives it. */
static inline void keys_sign(EVP_PKEY *key, const uint8_t digest[32],
			     uint8_t sig[64])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	uint8_t der[128];
	const unsigned char *p = der;
	size_t len = sizeof(der);
	ECDSA_SIG *s;

	ck_assert_int_eq(EVP_PKEY_sign_init(ctx), 1);
	ck_assert_int_eq(EVP_PKEY_sign(ctx, der, &len, digest, 32), 1);
	s = d2i_ECDSA_SIG(NULL, &p, (long)len);
	ck_assert(s != NULL);
	ck_assert_int_eq(BN_bn2binpad(ECDSA_SIG_get0_r(s), sig, 32), 32);
	ck_assert_int_eq(BN_bn2binpad(ECDSA_SIG_get0_s(s), sig + 32, 32), 32);
	ECDSA_SIG_free(s);
	EVP_PKEY_CTX_free(ctx);
}

/* Verifies raw r||s over a digest. */
static inline bool keys_verify(EVP_PKEY *key, const uint8_t digest[32],
			       const uint8_t sig[64])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	ECDSA_SIG *s = ECDSA_SIG_new();
	unsigned char *der = NULL;
	int len;
	bool ok;

	ck_assert_int_eq(ECDSA_SIG_set0(s, BN_bin2bn(sig, 32, NULL),
					BN_bin2bn(sig + 32, 32, NULL)),
			 1);
	len = i2d_ECDSA_SIG(s, &der);
	ck_assert_int_gt(len, 0);
	ck_assert_int_eq(EVP_PKEY_verify_init(ctx), 1);
	ok = EVP_PKEY_verify(ctx, der, (size_t)len, digest, 32) == 1;
	OPENSSL_free(der);
	ECDSA_SIG_free(s);
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

#endif
