/*
 * batch: many descriptors under one signature (formats.md 3): a Merkle tree as
 * in RFC 9162 over the descriptor payloads, one COSE receipt (RFC 9942) for
 * each with its inclusion proof.
 *
 *     seal_batch_leaf() for each payload -> seal_batch_new() ->
 *     sign seal_batch_digest() -> seal_batch_finish() for each payload
 */
#ifndef PV_SEAL_BATCH_H
#define PV_SEAL_BATCH_H

#include "lib/base/buf.h"
#include "lib/seal/descriptor.h"

#define SEAL_BATCH_MIN 2 /* a batch of one is plain */
#define SEAL_BATCH_MAX 65536
#define SEAL_BATCH_SUBJECT "provctl/seal-batch/v1"

struct seal_batch;

struct seal_batch_claims {
	const char *authority; /* claim 1: 1 to 64 bytes */
	uint64_t not_after_s;  /* claim 4: the manifest's not-after */
	uint64_t iat_s;	       /* claim 6: at most not_after_s */
};

/* SHA-256(00 || descriptor payload). PV_INTERNAL. */
PV_MUST enum pv_code seal_batch_leaf(struct span payload,
				     uint8_t leaf[static 32], struct err *err);

/*
 * Builds the tree over n leaves (copied) and the receipt's protected header.
 * *b is owned by the caller. PV_INPUT, rule "seal.batch": n outside
 * SEAL_BATCH_MIN..MAX, iat past not-after, a name that is empty or too long.
 */
PV_MUST enum pv_code seal_batch_new(const uint8_t (*leaves)[32], size_t n,
				    const uint8_t kid[static SEAL_KID_LEN],
				    const struct seal_batch_claims *claims,
				    struct seal_batch **b, struct err *err);
void seal_batch_free(struct seal_batch *b);

/* The root, and SHA-256 of the Sig_structure over it: sign this one. */
void seal_batch_root(const struct seal_batch *b, uint8_t root[static 32]);
PV_MUST enum pv_code seal_batch_digest(const struct seal_batch *b,
				       uint8_t digest[static 32],
				       struct err *err);

/*
 * Appends the batch descriptor of leaf index: [payload, receipt]. PV_INTERNAL,
 * rule "seal.batch", when payload is not what that leaf was made from.
 */
PV_MUST enum pv_code seal_batch_finish(const struct seal_batch *b, size_t index,
				       struct span payload,
				       const uint8_t sig[static 64],
				       struct buf *out, struct err *err);

/* A batch descriptor taken apart; spans point into it. */
struct seal_batch_view {
	struct span payload; /* descriptor payload */
	struct span kid, sig;
	struct span authority; /* claim 1 */
	uint64_t not_after_s, iat_s, tree_size, index;
	uint8_t root[32];   /* where the proof leads */
	uint8_t digest[32]; /* what sig must verify against */
};

/*
 * Parses a batch descriptor, checks its claims and follows its proof. PV_INPUT,
 * rule "seal.batch".
 */
PV_MUST enum pv_code seal_batch_open(struct span descriptor,
				     struct seal_batch_view *view,
				     struct err *err);

#endif
