#include "lib/device/crypto_openssl.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/params.h>
#include <openssl/x509.h>
#include <string.h>

#define DER_SIG_MAX 80 /* 72 for P-256 */

static bool sha256_begin(void *ctx)
{
	struct pvdev_openssl *o = ctx;

	return EVP_DigestInit_ex2(o->md_ctx, o->sha256, NULL) == 1;
}

static bool sha256_update(void *ctx, const uint8_t *p, size_t len)
{
	struct pvdev_openssl *o = ctx;

	return len == 0 || EVP_DigestUpdate(o->md_ctx, p, len) == 1;
}

static bool sha256_final(void *ctx, uint8_t out[PVDEV_HASH_LEN])
{
	struct pvdev_openssl *o = ctx;

	return EVP_DigestFinal_ex(o->md_ctx, out, NULL) == 1;
}

static bool hmac_begin(void *ctx, const uint8_t *key, size_t len)
{
	struct pvdev_openssl *o = ctx;
	char digest[] = "SHA256";
	OSSL_PARAM params[2];

	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
						     digest, 0);
	params[1] = OSSL_PARAM_construct_end();
	return key && EVP_MAC_init(o->mac_ctx, key, len, params) == 1;
}

static bool hmac_begin_slot(void *ctx, enum pvdev_slot slot)
{
	struct pvdev_openssl *o = ctx;

	if (slot == PVDEV_SLOT_AUTH)
		return hmac_begin(ctx, o->auth, PVDEV_KEY_LEN);
	if (slot == PVDEV_SLOT_RECEIPT)
		return hmac_begin(ctx, o->receipt, PVDEV_KEY_LEN);
	return false;
}

static bool hmac_update(void *ctx, const uint8_t *p, size_t len)
{
	struct pvdev_openssl *o = ctx;

	return len == 0 || EVP_MAC_update(o->mac_ctx, p, len) == 1;
}

static bool hmac_final(void *ctx, uint8_t out[PVDEV_HASH_LEN])
{
	struct pvdev_openssl *o = ctx;
	size_t len = 0;

	return EVP_MAC_final(o->mac_ctx, out, &len, PVDEV_HASH_LEN) == 1 &&
	       len == PVDEV_HASH_LEN;
}

/* NULL when the point is not on the curve, or compressed or hybrid. */
static EVP_PKEY *public_of(const uint8_t point[PVDEV_POINT_LEN])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;
	char group[] = "P-256";
	uint8_t copy[PVDEV_POINT_LEN];
	OSSL_PARAM params[3];

	memcpy(copy, point, sizeof(copy));
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
						     group, 0);
	params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
						      copy, sizeof(copy));
	params[2] = OSSL_PARAM_construct_end();
	if (point[0] != PVDEV_POINT_FORM || !ctx ||
	    EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* Raw r||s as DER into out[DER_SIG_MAX]; 0 on failure. */
static size_t sig_to_der(const uint8_t sig[PVDEV_SIG_LEN], uint8_t *out)
{
	ECDSA_SIG *es = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(sig, 32, NULL);
	BIGNUM *s = BN_bin2bn(sig + 32, 32, NULL);
	int len = 0;

	if (!es || !r || !s || ECDSA_SIG_set0(es, r, s) != 1) {
		BN_free(r);
		BN_free(s);
	} else if (i2d_ECDSA_SIG(es, NULL) <= DER_SIG_MAX) {
		len = i2d_ECDSA_SIG(es, &out);
	}
	ECDSA_SIG_free(es);
	return len > 0 ? (size_t)len : 0;
}

static bool p256_verify(void *ctx, const uint8_t point[PVDEV_POINT_LEN],
			const uint8_t digest[PVDEV_HASH_LEN],
			const uint8_t sig[PVDEV_SIG_LEN])
{
	EVP_PKEY *key = public_of(point);
	EVP_PKEY_CTX *verify = NULL;
	uint8_t der[DER_SIG_MAX];
	size_t len = sig_to_der(sig, der);
	bool ok = false;

	(void)ctx;
	if (key && len > 0) {
		verify = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
		ok = verify && EVP_PKEY_verify_init(verify) == 1 &&
		     EVP_PKEY_verify(verify, der, len, digest,
				     PVDEV_HASH_LEN) == 1;
	}
	EVP_PKEY_CTX_free(verify);
	EVP_PKEY_free(key);
	return ok;
}

static EVP_PKEY *key_of(const struct pvdev_openssl *o, enum pvdev_slot slot)
{
	return slot == PVDEV_SLOT_CERTIFIED ? o->certified
	       : slot == PVDEV_SLOT_SEALING ? o->sealing
					    : NULL;
}

static bool der_to_sig(const uint8_t *der, size_t len,
		       uint8_t sig[PVDEV_SIG_LEN])
{
	ECDSA_SIG *es = d2i_ECDSA_SIG(NULL, &der, (long)len);
	bool ok = es && BN_bn2binpad(ECDSA_SIG_get0_r(es), sig, 32) == 32 &&
		  BN_bn2binpad(ECDSA_SIG_get0_s(es), sig + 32, 32) == 32;

	ECDSA_SIG_free(es);
	return ok;
}

static bool p256_sign(void *ctx, enum pvdev_slot slot,
		      const uint8_t digest[PVDEV_HASH_LEN],
		      uint8_t sig[PVDEV_SIG_LEN])
{
	EVP_PKEY *key = key_of(ctx, slot);
	EVP_PKEY_CTX *sign;
	uint8_t der[DER_SIG_MAX];
	size_t len = sizeof(der);
	bool ok;

	if (!key)
		return false;
	sign = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	ok = sign && EVP_PKEY_sign_init(sign) == 1 &&
	     EVP_PKEY_sign(sign, der, &len, digest, PVDEV_HASH_LEN) == 1 &&
	     der_to_sig(der, len, sig);
	EVP_PKEY_CTX_free(sign);
	return ok;
}

static bool p256_ecdh(void *ctx, enum pvdev_slot slot,
		      const uint8_t peer[PVDEV_POINT_LEN],
		      uint8_t x[PVDEV_KEY_LEN])
{
	EVP_PKEY *key = key_of(ctx, slot);
	EVP_PKEY *other = public_of(peer);
	EVP_PKEY_CTX *derive = NULL;
	size_t len = PVDEV_KEY_LEN;
	bool ok = false;

	if (key && other) {
		derive = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
		ok = derive && EVP_PKEY_derive_init(derive) == 1 &&
		     EVP_PKEY_derive_set_peer(derive, other) == 1 &&
		     EVP_PKEY_derive(derive, x, &len) == 1 &&
		     len == PVDEV_KEY_LEN;
	}
	EVP_PKEY_CTX_free(derive);
	EVP_PKEY_free(other);
	return ok;
}

static bool gcm_open(void *ctx, const uint8_t key[PVDEV_KEY_LEN],
		     const uint8_t nonce[PVDEV_NONCE_LEN], const uint8_t *aad,
		     size_t aad_len, uint8_t *p, size_t len)
{
	struct pvdev_openssl *o = ctx;
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n = 0;
	bool ok;

	ok = c && len <= INT32_MAX && aad_len <= INT32_MAX &&
	     EVP_DecryptInit_ex2(c, o->gcm, key, nonce, NULL) == 1 &&
	     (aad_len == 0 ||
	      EVP_DecryptUpdate(c, NULL, &n, aad, (int)aad_len) == 1) &&
	     EVP_DecryptUpdate(c, p, &n, p, (int)len) == 1 &&
	     EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, PVDEV_TAG_LEN,
				 p + len) == 1 &&
	     EVP_DecryptFinal_ex(c, p + n, &n) == 1;
	EVP_CIPHER_CTX_free(c);
	return ok;
}

static bool kw_unwrap(void *ctx, const uint8_t in[PVDEV_KW_LEN],
		      uint8_t out[PVDEV_KEY_LEN])
{
	struct pvdev_openssl *o = ctx;
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint8_t buf[PVDEV_KW_LEN + 8];
	int n = 0;
	bool ok;

	if (c)
		EVP_CIPHER_CTX_set_flags(c, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	ok = c && o->kek &&
	     EVP_DecryptInit_ex2(c, o->wrap, o->kek, NULL, NULL) == 1 &&
	     EVP_DecryptUpdate(c, buf, &n, in, PVDEV_KW_LEN) == 1 &&
	     n == PVDEV_KEY_LEN;
	if (ok)
		memcpy(out, buf, PVDEV_KEY_LEN);
	OPENSSL_cleanse(buf, sizeof(buf));
	EVP_CIPHER_CTX_free(c);
	return ok;
}

const struct pvdev_crypto pvdev_crypto_openssl = {
	.sha256_begin = sha256_begin,
	.sha256_update = sha256_update,
	.sha256_final = sha256_final,
	.hmac_begin = hmac_begin,
	.hmac_begin_slot = hmac_begin_slot,
	.hmac_update = hmac_update,
	.hmac_final = hmac_final,
	.p256_verify = p256_verify,
	.p256_sign = p256_sign,
	.p256_ecdh = p256_ecdh,
	.gcm_open = gcm_open,
	.kw_unwrap = kw_unwrap,
};

bool pvdev_openssl_init(struct pvdev_openssl *o)
{
	memset(o, 0, sizeof(*o));
	o->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	o->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	o->gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	o->wrap = EVP_CIPHER_fetch(NULL, "AES-256-WRAP", NULL);
	o->md_ctx = EVP_MD_CTX_new();
	o->mac_ctx = o->hmac ? EVP_MAC_CTX_new(o->hmac) : NULL;
	if (o->sha256 && o->gcm && o->wrap && o->md_ctx && o->mac_ctx)
		return true;
	pvdev_openssl_release(o);
	return false;
}

void pvdev_openssl_release(struct pvdev_openssl *o)
{
	EVP_MAC_CTX_free(o->mac_ctx);
	EVP_MD_CTX_free(o->md_ctx);
	EVP_CIPHER_free(o->wrap);
	EVP_CIPHER_free(o->gcm);
	EVP_MAC_free(o->hmac);
	EVP_MD_free(o->sha256);
	memset(o, 0, sizeof(*o));
}

bool pvdev_openssl_point(const EVP_PKEY *key, uint8_t out[PVDEV_POINT_LEN])
{
	char group[32];
	size_t len = 0, group_len = 0;

	return EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME,
					      group, sizeof(group),
					      &group_len) == 1 &&
	       strcmp(group, "prime256v1") == 0 &&
	       EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY,
					       out, PVDEV_POINT_LEN,
					       &len) == 1 &&
	       len == PVDEV_POINT_LEN && out[0] == 4;
}

bool pvdev_openssl_spki_hash(const EVP_PKEY *key, uint8_t out[PVDEV_HASH_LEN])
{
	uint8_t *der = NULL;
	int len = i2d_PUBKEY(key, &der);
	bool ok = len > 0 && EVP_Digest(der, (size_t)len, out, NULL,
					EVP_sha256(), NULL) == 1;

	OPENSSL_free(der);
	return ok;
}
