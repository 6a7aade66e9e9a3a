/*
 * sign1: COSE_Sign1 with ES256 and {1: alg, 4: kid} (formats.md, opening
 * section) in two steps around a signature that somebody else makes. For
 * manifests, descriptors and batch receipts; only this folder includes it.
 */
#ifndef PV_SEAL_SIGN1_H
#define PV_SEAL_SIGN1_H

#include "lib/base/buf.h"
#include "lib/base/cose.h"

#define SIGN1_KID_LEN 8

static inline struct cbor_bytes sign1_bytes(struct span s)
{
	struct cbor_bytes b = { s.p, s.len };

	return b;
}

/* SHA-256 of ["Signature1", prot, h'', payload] for any protected header. */
PV_MUST enum pv_code sign1_digest_of(struct span prot, struct span payload,
				     uint8_t digest[static 32],
				     struct err *err);
/* The same with the protected header {1: -7, 4: kid}. */
PV_MUST enum pv_code sign1_digest(struct span payload,
				  const uint8_t kid[static SIGN1_KID_LEN],
				  uint8_t digest[static 32], struct err *err);
/* Appends the tagged message; out keeps its length on failure. */
PV_MUST enum pv_code sign1_finish(struct span payload,
				  const uint8_t kid[static SIGN1_KID_LEN],
				  const uint8_t sig[static COSE_SIG_LEN],
				  struct buf *out, struct err *err);

#endif
