/*
 * ctx: what keycheck.h calls struct x509_ctx, for the files of lib/x509 only.
 * OpenSSL refuses points off the curve on import but takes infinity: callers
 * have looked at length and first byte before (x509_key_parse()).
 */
#ifndef PV_X509_CTX_H
#define PV_X509_CTX_H

#include <openssl/bn.h>
#include <openssl/evp.h>

#include "lib/base/sha256.h"
#include "lib/x509/keycheck.h"

#define X509_SIEVE_BOUND 65536u /* small factors are primes below this */
#define X509_SIEVE_WORDS 4096	/* products of such primes, in 32 bits */
#define X509_POINT_MAX 97	/* P-384 */

struct x509_curve { /* one curve's key, its point replaced */
	EVP_PKEY *key;
	EVP_PKEY_CTX *use;	       /* on key */
	uint8_t point[X509_POINT_MAX]; /* what key holds now */
	size_t point_len;	       /* 0: nothing usable */
};

struct x509_ctx {
	struct x509_curve p256;
	struct x509_curve p384; /* made with the first such key */
	struct sha256 *hash;
	BN_CTX *bn; /* made with the first RSA key, as is sieve */
	uint32_t sieve[X509_SIEVE_WORDS];
	size_t sieve_n;
};

/*
 * Puts the point of an EC key (alg P256 or P384) into the kept key. PV_DENIED,
 * rule "key.off_curve".
 */
PV_MUST enum pv_code x509_ctx_import(struct x509_ctx *ctx,
				     const struct key_facts *facts,
				     struct x509_curve **curve,
				     struct err *err);

/* The RSA parts of x509_key_check_form() and x509_key_check_weak(). */
PV_MUST enum pv_code x509_rsa_check_form(const struct key_facts *facts,
					 struct err *err);
PV_MUST enum pv_code x509_rsa_check_weak(struct x509_ctx *ctx,
					 const struct key_facts *facts,
					 struct err *err);

/* OpenSSL failed where it has no reason to; its queue is emptied. */
enum pv_code x509_openssl_fail(const char *what, struct err *err);

#endif
