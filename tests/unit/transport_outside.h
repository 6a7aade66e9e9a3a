/*
 * transport_outside: what pkcs11/transport.h says of a key that goes to another
 * token, done by OpenSSL alone. RFC 5649; CBC with an IV of zeros.
 */
#ifndef PV_TESTS_TRANSPORT_OUTSIDE_H
#define PV_TESTS_TRANSPORT_OUTSIDE_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "lib/base/sha256.h"
#include "tests/unit/unit.h"

/* The wrap key that the shared coordinate gives for a context of n parts. */
static inline void outside_derive(const uint8_t coordinate[32],
				  const struct span *parts, size_t n,
				  uint8_t wrap_key[32])
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	const uint8_t iv[16] = { 0 };
	uint8_t context[32];
	struct err err;
	int len = 0;

	err_init(&err);
	unit_ok(sha256_parts(parts, n, context, &err), &err);
	ck_assert_int_eq(EVP_EncryptInit_ex(ctx, EVP_aes_256_cbc(), NULL,
					    coordinate, iv),
			 1);
	EVP_CIPHER_CTX_set_padding(ctx, 0);
	ck_assert_int_eq(EVP_EncryptUpdate(ctx, wrap_key, &len, context, 32),
			 1);
	ck_assert_int_eq(len, 32);
	EVP_CIPHER_CTX_free(ctx);
}

/* The key in there; NULL: it does not open. The caller frees it. */
static inline EVP_PKEY *outside_open(const uint8_t wrap_key[32],
				     struct span wrapped)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t out[512];
	const uint8_t *p = out;
	EVP_PKEY *pkey = NULL;
	int len = 0;

	ck_assert_uint_le(wrapped.len, sizeof(out) - 16);
	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	ck_assert_int_eq(EVP_DecryptInit_ex(ctx, EVP_aes_256_wrap_pad(), NULL,
					    wrap_key, NULL),
			 1);
	if (EVP_DecryptUpdate(ctx, out, &len, wrapped.p, (int)wrapped.len) == 1)
		pkey = d2i_AutoPrivateKey(NULL, &p, len);
	EVP_CIPHER_CTX_free(ctx);
	return pkey;
}

#endif
