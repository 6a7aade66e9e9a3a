/*
 * batch_impl: labels of formats.md 3 (RFC 9942, RFC 9597, RFC 8392), for
 * batch.c and batch_open.c.
 */
#ifndef PV_SEAL_BATCH_IMPL_H
#define PV_SEAL_BATCH_IMPL_H

#include "lib/base/cose.h"
#include "lib/seal/batch.h"

#define BATCH_HEADER_ALG 1
#define BATCH_HEADER_KID 4
#define BATCH_HEADER_CLAIMS 15 /* CWT claims (RFC 9597) */
#define BATCH_HEADER_VDS 395   /* verifiable data structure */
#define BATCH_HEADER_VDP 396   /* its proofs */
#define BATCH_VDS_RFC9162 1    /* RFC9162_SHA256 */
#define BATCH_PROOF_INCLUSION (-1)
#define BATCH_CLAIM_ISS 1
#define BATCH_CLAIM_SUB 2
#define BATCH_CLAIM_EXP 4
#define BATCH_CLAIM_IAT 6
#define BATCH_CLAIM_TREE_SIZE (-70004)
#define BATCH_NAME_MAX 64 /* bytes of an authority's name */
#define BATCH_PATH_MAX 16 /* log2 of SEAL_BATCH_MAX */

/* SHA-256(01 || left || right) (RFC 9162 2.1.1). */
PV_MUST enum pv_code seal_batch_node(const uint8_t left[static 32],
				     const uint8_t right[static 32],
				     uint8_t out[static 32], struct err *err);

#endif
