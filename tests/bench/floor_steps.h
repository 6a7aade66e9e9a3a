/*
 * floor_steps: the cryptography that one device cannot do without, each step
 * as fast as we know to make it with OpenSSL 3.0: algorithms fetched once,
 * contexts kept, one EVP_PKEY that takes every device's point in turn, each
 * point checked once when it is taken. What is made is right (verified in
 * part), but nothing is kept: no certificate, no store, no log.
 */
#ifndef PV_TESTS_BENCH_FLOOR_STEPS_H
#define PV_TESTS_BENCH_FLOOR_STEPS_H

#include <openssl/evp.h>

#include "tests/bench/bare.h"

#define FLOOR_POINT_LEN 65
#define FLOOR_PLAIN_LEN 4096 /* sealed for one device */
#define FLOOR_SEGMENT_LEN 1024
#define FLOOR_TBS_LEN 400 /* bytes of a certificate that are digested */

/* A decoded request: what was signed, by which key, and the signature. */
struct floor_csr {
	uint8_t *info; /* CertificationRequestInfo, DER */
	size_t info_len;
	uint8_t point[FLOOR_POINT_LEN];
	uint8_t sig[80]; /* DER */
	size_t sig_len;
};

struct floor_keys {
	struct bare_token token;
	EVP_MD *sha256;
	EVP_MD_CTX *md;
	EVP_CIPHER *gcm;
	EVP_CIPHER_CTX *cipher;
	EVP_PKEY *device; /* holds each device's point in turn */
	EVP_PKEY_CTX *device_verify;
	EVP_PKEY_CTX *issuer_verify;
	EVP_PKEY_CTX *keygen;
};

/* What one device's steps hand on. */
struct floor_work {
	const struct floor_csr *csr;
	uint8_t tbs[FLOOR_TBS_LEN], digest[32], sig[64];
	EVP_PKEY *ephemeral;
	uint8_t enc[FLOOR_POINT_LEN], dh[32];
	uint8_t hpke_key[32], hpke_nonce[12], key[32], nonce[12];
	uint8_t plain[FLOOR_PLAIN_LEN];
	uint8_t sealed[FLOOR_PLAIN_LEN + 16 * 4];
};

struct floor_step {
	const char *name;
	bool (*run)(struct floor_keys *k, struct floor_work *w);
};

#define FLOOR_STEPS 7
extern const struct floor_step floor_steps[FLOOR_STEPS];

/* cert: PEM file whose first certificate is of the token's key. */
bool floor_keys_init(struct floor_keys *k, const char *cert);

#endif
