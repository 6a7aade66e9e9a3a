/*
 * evidence_chain: certificates of devices, made with OpenSSL, for the tests of
 * lib/evidence.
 */
#ifndef PV_TESTS_EVIDENCE_CHAIN_H
#define PV_TESTS_EVIDENCE_CHAIN_H

#include <openssl/evp.h>

#include "lib/base/buf.h"

#define EC_NOW UINT64_C(1767225600) /* 2026-01-01T00:00:00Z */

struct ec_ext {
	const char *oid;
	struct span value; /* of extnValue */
};

struct ec_cert {
	const char *subject, *issuer; /* CN */
	EVP_PKEY *key, *signer;
	/* OpenSSL's words for the value, NULL: without the extension. */
	const char *basic, *usage, *names, *extended, *san;
	struct span tcb; /* DiceTcbInfo, p NULL: none; critical */
	struct span tcb2;
	const char *other;	   /* a critical extension of this OID */
	const struct ec_ext *exts; /* not critical */
	size_t exts_n;
	int64_t from_s, until_s; /* 0: a day before and after EC_NOW */
	const EVP_MD *md;	 /* NULL: SHA-256 */
	unsigned serial;	 /* 0: 77 */
};

void ec_make(const struct ec_cert *what, struct buf *der);

struct ec_crl {
	const char *issuer; /* CN */
	EVP_PKEY *signer;
	unsigned revoked;	 /* serial; 0: none */
	int64_t from_s, until_s; /* 0: a day before and after EC_NOW; -1: no
				  * nextUpdate */
};
void ec_crl(const struct ec_crl *what, struct buf *der);

/* DiceTcbInfo of what is set. */
struct ec_tcb {
	int layer, svn;				     /* -1: none */
	unsigned flags;				     /* bits, 0: none */
	const uint8_t *sha256, *sha256_too, *sha384; /* NULL: none */
};
void ec_tcb(const struct ec_tcb *what, struct buf *out);

#endif
