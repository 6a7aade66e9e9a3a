/*
 * evidence_fix: COSE messages of devices and what verifies them, for the tests
 * of lib/evidence.
 */
#ifndef PV_TESTS_EVIDENCE_FIX_H
#define PV_TESTS_EVIDENCE_FIX_H

#include <openssl/evp.h>

#include "lib/evidence/evidence.h"

/* A message with the protected header {1: alg} and an empty unprotected one;
 * signed by key, or where that is NULL under mac_key. */
void ef_message(EVP_PKEY *key, struct span mac_key, int64_t alg,
		struct span payload, struct buf *out);
/* CBOR from diagnostic notation (RFC 8949 8): numbers, h'', texts, arrays,
 * maps and comments. */
void ef_diag(const char *text, struct buf *out);
/* The private key of a PEM file below tests/data. */
EVP_PKEY *ef_key(const char *name);
/* Verifies; the code and rule must be these (PV_OK: no rule). */
void ef_expect(struct span bytes, const struct evidence_want *want,
	       enum pv_code code, const char *rule);
/* Every byte of good, changed in two ways, is refused with 3 or 5. */
void ef_flip_all(struct span good, const struct evidence_want *want);

#endif
