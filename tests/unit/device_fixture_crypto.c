#include "tests/unit/device_fixture.h"

#include <check.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/kdf.h>
#include <string.h>

void fx_sha256(const void *p, size_t len, uint8_t out[32])
{
	ck_assert_int_eq(EVP_Q_digest(NULL, "SHA256", NULL, p, len, out, NULL),
			 1);
}

void fx_hmac(const uint8_t *key, size_t key_len, const void *p, size_t len,
	     uint8_t out[32])
{
	ck_assert(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key, key_len, p,
			    len, out, 32, NULL) != NULL);
}

static void hkdf(int mode, const uint8_t *key, size_t key_len, const void *salt,
		 size_t salt_len, const void *info, size_t info_len,
		 uint8_t *out, size_t len)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
	char digest[] = "SHA256";
	OSSL_PARAM p[6], *n = p;

	*n++ = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode);
	*n++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest,
						0);
	*n++ = OSSL_PARAM_construct_octet_string(
		OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)key, key_len);
	if (salt_len > 0)
		*n++ = OSSL_PARAM_construct_octet_string(
			OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)salt, salt_len);
	if (info_len > 0)
		*n++ = OSSL_PARAM_construct_octet_string(
			OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)info, info_len);
	*n = OSSL_PARAM_construct_end();
	ck_assert_int_eq(EVP_KDF_derive(ctx, out, len, p), 1);
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
}

void fx_hkdf_expand(const uint8_t prk[32], const void *info, size_t info_len,
		    uint8_t *out, size_t len)
{
	hkdf(EVP_KDF_HKDF_MODE_EXPAND_ONLY, prk, 32, NULL, 0, info, info_len,
	     out, len);
}

void fx_hkdf_extract(const uint8_t *salt, size_t salt_len, const void *ikm,
		     size_t len, uint8_t out[32])
{
	hkdf(EVP_KDF_HKDF_MODE_EXTRACT_ONLY, ikm, len, salt, salt_len, NULL, 0,
	     out, 32);
}

void fx_gcm_seal(const uint8_t key[32], const uint8_t nonce[12],
		 const void *aad, size_t aad_len, const uint8_t *p, size_t len,
		 uint8_t *out)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n = 0;

	ck_assert_int_eq(
		EVP_EncryptInit_ex2(c, EVP_aes_256_gcm(), key, nonce, NULL), 1);
	if (aad_len > 0)
		ck_assert_int_eq(
			EVP_EncryptUpdate(c, NULL, &n, aad, (int)aad_len), 1);
	ck_assert_int_eq(EVP_EncryptUpdate(c, out, &n, p, (int)len), 1);
	ck_assert_int_eq(EVP_EncryptFinal_ex(c, out + n, &n), 1);
	ck_assert_int_eq(
		EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, 16, out + len),
		1);
	EVP_CIPHER_CTX_free(c);
}

void fx_key_wrap(const uint8_t kek[32], const uint8_t in[32], uint8_t out[40])
{
	EVP_CIPHER *wrap = EVP_CIPHER_fetch(NULL, "AES-256-WRAP", NULL);
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n = 0;

	EVP_CIPHER_CTX_set_flags(c, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	ck_assert_int_eq(EVP_EncryptInit_ex2(c, wrap, kek, NULL, NULL), 1);
	ck_assert_int_eq(EVP_EncryptUpdate(c, out, &n, in, 32), 1);
	ck_assert_int_eq(n, 40);
	EVP_CIPHER_CTX_free(c);
	EVP_CIPHER_free(wrap);
}

EVP_PKEY *fx_new_key(void)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");

	ck_assert(key != NULL);
	return key;
}

void fx_sign(EVP_PKEY *key, const void *p, size_t len, uint8_t sig[64])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t der[80];
	const uint8_t *at = der;
	size_t n = sizeof(der);
	ECDSA_SIG *es;

	ck_assert_int_eq(EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL,
					       key, NULL),
			 1);
	ck_assert_int_eq(EVP_DigestSign(ctx, der, &n, p, len), 1);
	es = d2i_ECDSA_SIG(NULL, &at, (long)n);
	ck_assert(es != NULL);
	ck_assert_int_eq(BN_bn2binpad(ECDSA_SIG_get0_r(es), sig, 32), 32);
	ck_assert_int_eq(BN_bn2binpad(ECDSA_SIG_get0_s(es), sig + 32, 32), 32);
	ECDSA_SIG_free(es);
	EVP_MD_CTX_free(ctx);
}

bool fx_verify(EVP_PKEY *key, const void *p, size_t len, const uint8_t sig[64])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	ECDSA_SIG *es = ECDSA_SIG_new();
	uint8_t *der = NULL;
	int n, ok;

	ECDSA_SIG_set0(es, BN_bin2bn(sig, 32, NULL),
		       BN_bin2bn(sig + 32, 32, NULL));
	n = i2d_ECDSA_SIG(es, &der);
	ck_assert_int_eq(EVP_DigestVerifyInit_ex(ctx, NULL, "SHA256", NULL,
						 NULL, key, NULL),
			 1);
	ok = EVP_DigestVerify(ctx, der, (size_t)n, p, len);
	OPENSSL_free(der);
	ECDSA_SIG_free(es);
	EVP_MD_CTX_free(ctx);
	return ok == 1;
}

static const uint8_t kem_suite[] = { 'K', 'E', 'M', 0, 0x10 };
static const uint8_t hpke_suite[] = { 'H', 'P', 'K', 'E', 0, 0x10, 0, 1, 0, 2 };

static void extract(const uint8_t *suite, size_t suite_len, const uint8_t *salt,
		    const char *label, const void *ikm, size_t ikm_len,
		    uint8_t out[32])
{
	struct buf b;

	buf_init(&b, 4096);
	buf_put_str(&b, "HPKE-v1");
	buf_put(&b, suite, suite_len);
	buf_put_str(&b, label);
	buf_put(&b, ikm, ikm_len);
	ck_assert(!b.failed);
	fx_hkdf_extract(salt, salt ? 32 : 0, b.data, b.len, out);
	buf_release(&b);
}

static void expand(const uint8_t *suite, size_t suite_len, const uint8_t *prk,
		   const char *label, const void *info, size_t info_len,
		   uint8_t *out, size_t len)
{
	struct buf b;

	buf_init(&b, 4096);
	buf_put_be16(&b, (uint16_t)len);
	buf_put_str(&b, "HPKE-v1");
	buf_put(&b, suite, suite_len);
	buf_put_str(&b, label);
	buf_put(&b, info, info_len);
	ck_assert(!b.failed);
	fx_hkdf_expand(prk, b.data, b.len, out, len);
	buf_release(&b);
}

void fx_hpke_seal(EVP_PKEY *to, const void *info, size_t info_len,
		  const uint8_t pt[32], bool hybrid, uint8_t out[113])
{
	EVP_PKEY *eph = fx_new_key();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, eph, NULL);
	uint8_t dh[32], prk[32], shared[32], context[65] = { 0 }, secret[32];
	uint8_t kem[130], key[32], nonce[12];
	size_t len = 32;

	ck_assert_int_eq(EVP_PKEY_derive_init(ctx), 1);
	ck_assert_int_eq(EVP_PKEY_derive_set_peer(ctx, to), 1);
	ck_assert_int_eq(EVP_PKEY_derive(ctx, dh, &len), 1);
	ck_assert(pvdev_openssl_point(eph, kem));
	if (hybrid)
		kem[0] = 6 | (kem[64] & 1);
	ck_assert(pvdev_openssl_point(to, kem + 65));
	memcpy(out, kem, 65);
	extract(kem_suite, 5, NULL, "eae_prk", dh, 32, prk);
	expand(kem_suite, 5, prk, "shared_secret", kem, 130, shared, 32);
	extract(hpke_suite, 10, NULL, "psk_id_hash", NULL, 0, context + 1);
	extract(hpke_suite, 10, NULL, "info_hash", info, info_len,
		context + 33);
	extract(hpke_suite, 10, shared, "secret", NULL, 0, secret);
	expand(hpke_suite, 10, secret, "key", context, 65, key, 32);
	expand(hpke_suite, 10, secret, "base_nonce", context, 65, nonce, 12);
	fx_gcm_seal(key, nonce, NULL, 0, pt, 32, out + 65);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(eph);
}

void fx_random(uint64_t *seed, uint8_t *out, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		*seed ^= *seed << 13;
		*seed ^= *seed >> 7;
		*seed ^= *seed << 17;
		out[i] = (uint8_t)(*seed >> 24);
	}
}
