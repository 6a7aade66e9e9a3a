/* notepair: key pairs that sign notes the way a token does, for tests. */
#ifndef PV_TESTS_NOTEPAIR_H
#define PV_TESTS_NOTEPAIR_H

#include <string.h>

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "lib/base/note.h"
#include "tests/unit/unit.h"

static inline struct span span_of(const char *s)
{
	return (struct span){ (const uint8_t *)s, strlen(s) };
}

/* A key pair of the test, and how it signs. */
struct pair {
	EVP_PKEY *pkey;
	struct note_key key;
	enum { PAIR_GOOD, PAIR_WRONG, PAIR_ZERO, PAIR_FAIL } way;
};

static inline void raw_of_der(const uint8_t *der, size_t len, uint8_t raw[64])
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);

	ck_assert_ptr_nonnull(sig);
	ck_assert_int_eq(BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32), 32);
	ck_assert_int_eq(BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32), 32);
	ECDSA_SIG_free(sig);
}

/* What a token does: ECDSA over the digest, Ed25519 over the text. */
static inline enum pv_code pair_sign(void *ctx, struct span text,
				     const uint8_t digest[32], uint8_t raw[64],
				     struct err *err)
{
	struct pair *pair = ctx;
	uint8_t der[NOTE_DER_MAX];
	size_t len = sizeof(der);

	if (pair->way == PAIR_FAIL)
		return err_fail(err, PV_HSM_TEMP, "hsm.gone", NULL, "gone");
	if (pair->way == PAIR_ZERO) {
		memset(raw, 0, 64);
		return PV_OK;
	}
	if (pair->key.type == NOTE_ED25519) {
		EVP_MD_CTX *md = EVP_MD_CTX_new();

		len = 64;
		ck_assert_int_eq(
			EVP_DigestSignInit(md, NULL, NULL, NULL, pair->pkey),
			1);
		ck_assert_int_eq(
			EVP_DigestSign(md, raw, &len, text.p, text.len), 1);
		EVP_MD_CTX_free(md);
	} else {
		EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(pair->pkey, NULL);

		ck_assert_int_eq(EVP_PKEY_sign_init(c), 1);
		ck_assert_int_eq(EVP_PKEY_sign(c, der, &len, digest, 32), 1);
		EVP_PKEY_CTX_free(c);
		raw_of_der(der, len, raw);
	}
	if (pair->way == PAIR_WRONG)
		raw[40] ^= 1;
	return PV_OK;
}

static inline void pair_use(struct pair *pair, EVP_PKEY *pkey, const char *name)
{
	uint8_t *der = NULL;
	int len = i2d_PUBKEY(pkey, &der);
	struct span spki = { der, (size_t)len };
	struct err err;

	ck_assert_int_gt(len, 0);
	err_init(&err);
	pair->pkey = pkey;
	pair->way = PAIR_GOOD;
	unit_ok(note_key_from_spki(&pair->key, name, spki, &err), &err);
	OPENSSL_free(der);
}

static inline void pair_new(struct pair *pair, enum note_type type,
			    const char *name)
{
	EVP_PKEY *pkey = type == NOTE_ECDSA
				 ? EVP_EC_gen("P-256")
				 : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

	ck_assert_ptr_nonnull(pkey);
	pair_use(pair, pkey, name);
	ck_assert_int_eq(pair->key.type, type);
}

static inline enum pv_code add(struct buf *out, const char *text,
			       struct pair *pair, struct err *err)
{
	struct note_signer signer = { &pair->key, pair_sign, pair };

	return note_sign(out, span_of(text), &signer, err);
}

static inline void start(struct buf *out, const char *text)
{
	struct err err;

	err_init(&err);
	buf_init(out, NOTE_SIZE_MAX);
	unit_ok(note_start(out, span_of(text), &err), &err);
}

#endif
