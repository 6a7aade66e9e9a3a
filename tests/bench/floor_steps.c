#include "tests/bench/floor_steps.h"

#include <stdio.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#define HASH_LEN 32
#define TAG_LEN 16

static EVP_PKEY *issuer_key(const char *path)
{
	FILE *f = fopen(path, "r");
	X509 *cert = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
	EVP_PKEY *key = cert ? X509_get_pubkey(cert) : NULL;

	if (f)
		fclose(f);
	X509_free(cert);
	return key;
}

static bool init_p256(struct floor_keys *k)
{
	EVP_PKEY_CTX *gen = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	bool ok = gen && EVP_PKEY_paramgen_init(gen) == 1 &&
		  EVP_PKEY_CTX_set_group_name(gen, "P-256") == 1 &&
		  EVP_PKEY_paramgen(gen, &k->device) == 1;

	EVP_PKEY_CTX_free(gen);
	k->device_verify =
		ok ? EVP_PKEY_CTX_new_from_pkey(NULL, k->device, NULL) : NULL;
	k->keygen = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	return k->device_verify && k->keygen &&
	       EVP_PKEY_keygen_init(k->keygen) == 1 &&
	       EVP_PKEY_CTX_set_group_name(k->keygen, "P-256") == 1;
}

bool floor_keys_init(struct floor_keys *k, const char *cert)
{
	static const uint8_t zeros[32];
	EVP_PKEY *issuer = issuer_key(cert);

	k->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	k->md = EVP_MD_CTX_new();
	k->gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	k->cipher = EVP_CIPHER_CTX_new();
	k->issuer_verify =
		issuer ? EVP_PKEY_CTX_new_from_pkey(NULL, issuer, NULL) : NULL;
	EVP_PKEY_free(issuer);
	return k->sha256 && k->md && k->gcm && k->cipher && k->issuer_verify &&
	       EVP_DigestInit_ex2(k->md, k->sha256, NULL) == 1 &&
	       EVP_CipherInit_ex2(k->cipher, k->gcm, zeros, zeros, 1, NULL) ==
		       1 &&
	       EVP_PKEY_verify_init(k->issuer_verify) == 1 && init_p256(k);
}

/* SHA-256 of a || b. A NULL type starts the context's own digest again. */
static bool hash(struct floor_keys *k, const void *a, size_t a_len,
		 const void *b, size_t b_len, uint8_t out[HASH_LEN])
{
	return EVP_DigestInit_ex2(k->md, NULL, NULL) == 1 &&
	       EVP_DigestUpdate(k->md, a, a_len) == 1 &&
	       (b_len == 0 || EVP_DigestUpdate(k->md, b, b_len) == 1) &&
	       EVP_DigestFinal_ex(k->md, out, NULL) == 1;
}

static bool check_csr(struct floor_keys *k, struct floor_work *w)
{
	const struct floor_csr *c = w->csr;
	uint8_t digest[HASH_LEN];

	return hash(k, c->info, c->info_len, NULL, 0, digest) &&
	       EVP_PKEY_set1_encoded_public_key(k->device, c->point,
						FLOOR_POINT_LEN) == 1 &&
	       EVP_PKEY_verify_init(k->device_verify) == 1 &&
	       EVP_PKEY_verify(k->device_verify, c->sig, c->sig_len, digest,
			       sizeof(digest)) == 1;
}

static bool sign_cert(struct floor_keys *k, struct floor_work *w)
{
	memcpy(w->tbs, w->csr->point, FLOOR_POINT_LEN);
	return hash(k, w->tbs, sizeof(w->tbs), NULL, 0, w->digest) &&
	       bare_sign(&k->token, w->digest, w->sig);
}

/* INTEGER from 32 big-endian bytes; its length. */
static size_t put_integer(uint8_t *out, const uint8_t *v)
{
	size_t skip = 0, pad;

	while (skip < 31 && v[skip] == 0)
		skip++;
	pad = v[skip] >> 7;
	out[0] = 0x02;
	out[1] = (uint8_t)(32 - skip + pad);
	out[2] = 0;
	memcpy(out + 2 + pad, v + skip, 32 - skip);
	return 2 + out[1];
}

static bool verify_cert(struct floor_keys *k, struct floor_work *w)
{
	uint8_t der[72];
	size_t len = 2;

	len += put_integer(der + len, w->sig);
	len += put_integer(der + len, w->sig + 32);
	der[0] = 0x30;
	der[1] = (uint8_t)(len - 2);
	return EVP_PKEY_verify(k->issuer_verify, der, len, w->digest,
			       sizeof(w->digest)) == 1;
}

static bool make_ephemeral(struct floor_keys *k, struct floor_work *w)
{
	size_t len = 0;

	EVP_PKEY_free(w->ephemeral);
	w->ephemeral = NULL;
	return EVP_PKEY_generate(k->keygen, &w->ephemeral) == 1 &&
	       EVP_PKEY_get_octet_string_param(
		       w->ephemeral, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, w->enc,
		       FLOOR_POINT_LEN, &len) == 1;
}

/* The device's point was checked when it was taken: not again here. */
static bool agree(struct floor_keys *k, struct floor_work *w)
{
	EVP_PKEY_CTX *ctx =
		EVP_PKEY_CTX_new_from_pkey(NULL, w->ephemeral, NULL);
	size_t len = sizeof(w->dh);
	bool ok = ctx && EVP_PKEY_derive_init(ctx) == 1 &&
		  EVP_PKEY_derive_set_peer_ex(ctx, k->device, 0) == 1 &&
		  EVP_PKEY_derive(ctx, w->dh, &len) == 1;

	EVP_PKEY_CTX_free(ctx);
	return ok;
}

/* HMAC-SHA256 (RFC 2104) of one message under a 32-byte key. */
static bool hmac(struct floor_keys *k, const uint8_t key[HASH_LEN],
		 const void *msg, size_t len, uint8_t out[HASH_LEN])
{
	uint8_t inner[64], outer[64], digest[HASH_LEN];

	memset(inner, 0x36, sizeof(inner));
	memset(outer, 0x5c, sizeof(outer));
	for (size_t i = 0; i < HASH_LEN; i++) {
		inner[i] ^= key[i];
		outer[i] ^= key[i];
	}
	return hash(k, inner, sizeof(inner), msg, len, digest) &&
	       hash(k, outer, sizeof(outer), digest, sizeof(digest), out);
}

/*
 * RFC 9180: eae_prk, shared_secret, info_hash, secret, key, base_nonce, with
 * messages of the lengths they have there; then key and base IV of the content.
 */
static bool schedule(struct floor_keys *k, struct floor_work *w)
{
	static const uint8_t zeros[HASH_LEN];
	uint8_t prk[HASH_LEN], shared[HASH_LEN], secret[HASH_LEN];
	uint8_t msg[192] = { 0 }, out[HASH_LEN];
	bool ok;

	memcpy(msg, w->dh, sizeof(w->dh));
	ok = hmac(k, zeros, msg, 56, prk);
	memcpy(msg, w->enc, FLOOR_POINT_LEN);
	memcpy(msg + FLOOR_POINT_LEN, w->csr->point, FLOOR_POINT_LEN);
	ok = ok && hmac(k, prk, msg, 159, shared) &&
	     hmac(k, zeros, msg, 100, out) && hmac(k, shared, msg, 23, secret);
	memcpy(msg, out, sizeof(out));
	ok = ok && hmac(k, secret, msg, 86, w->hpke_key) &&
	     hmac(k, secret, msg, 93, out);
	memcpy(w->hpke_nonce, out, sizeof(w->hpke_nonce));
	ok = ok && hmac(k, secret, msg, 40, w->key) &&
	     hmac(k, secret, msg, 44, out);
	memcpy(w->nonce, out, sizeof(w->nonce));
	return ok;
}

static bool seal(struct floor_keys *k, const uint8_t *nonce, const uint8_t *aad,
		 size_t aad_len, const uint8_t *plain, size_t len, uint8_t *out)
{
	int n;

	return EVP_CipherInit_ex2(k->cipher, NULL, NULL, nonce, 1, NULL) == 1 &&
	       EVP_CipherUpdate(k->cipher, NULL, &n, aad, (int)aad_len) == 1 &&
	       EVP_CipherUpdate(k->cipher, out, &n, plain, (int)len) == 1 &&
	       EVP_CipherFinal_ex(k->cipher, out + len, &n) == 1 &&
	       EVP_CIPHER_CTX_ctrl(k->cipher, EVP_CTRL_AEAD_GET_TAG, TAG_LEN,
				   out + len) == 1;
}

/* The content key under HPKE's key, then the content in its segments. */
static bool seal_content(struct floor_keys *k, struct floor_work *w)
{
	uint8_t aad[56] = { 0 }, wrapped[HASH_LEN + TAG_LEN];
	uint8_t *out = w->sealed, nonce[12];
	bool ok = EVP_CipherInit_ex2(k->cipher, NULL, w->hpke_key, NULL, -1,
				     NULL) == 1 &&
		  seal(k, w->hpke_nonce, aad, sizeof(aad), w->key,
		       sizeof(w->key), wrapped) &&
		  EVP_CipherInit_ex2(k->cipher, NULL, w->key, NULL, -1, NULL) ==
			  1;

	for (size_t at = 0; ok && at < FLOOR_PLAIN_LEN;
	     at += FLOOR_SEGMENT_LEN) {
		memcpy(nonce, w->nonce, sizeof(nonce));
		nonce[11] ^= (uint8_t)(at / FLOOR_SEGMENT_LEN);
		ok = seal(k, nonce, aad, sizeof(aad), w->plain + at,
			  FLOOR_SEGMENT_LEN, out);
		out += FLOOR_SEGMENT_LEN + TAG_LEN;
	}
	return ok;
}

const struct floor_step floor_steps[FLOOR_STEPS] = {
	{ "csr", check_csr },	    { "c_sign", sign_cert },
	{ "verify", verify_cert },  { "ephemeral", make_ephemeral },
	{ "ecdh", agree },	    { "schedule", schedule },
	{ "gcm_4k", seal_content },
};
