/*
 * proof: inclusion and consistency proofs of the log's tree, made from a
 * reader of subtree hashes and verified as in RFC 9162 2.1.3.2 and 2.1.4.2
 * (the hashing is that of RFC 6962). Sizes and indices are below 2^63.
 */
#ifndef PV_LOG_PROOF_H
#define PV_LOG_PROOF_H

#include "lib/log/tree.h"

#define LOG_PROOF_MAX 64u /* a tree below 2^63 needs at most 64 */
#define LOG_SIZE_MAX (UINT64_C(1) << 63)

struct log_proof { /* plain data */
	size_t n;
	uint8_t hash[LOG_PROOF_MAX][LOG_HASH];
};

/*
 * The root of the complete subtree of 2^level leaves that starts at leaf
 * index << level. Only asked for subtrees inside the tree.
 */
struct log_reader {
	enum pv_code (*hash)(void *ctx, unsigned level, uint64_t index,
			     uint8_t out[static LOG_HASH], struct err *err);
	void *ctx;
};

/* PATH(index, D[size]) of RFC 9162 2.1.3.1. PV_INPUT when index >= size. */
PV_MUST enum pv_code log_prove_inclusion(struct log_hasher *h,
					 const struct log_reader *r,
					 uint64_t index, uint64_t size,
					 struct log_proof *p, struct err *err);
/* PROOF(old, D[size]) of 2.1.4.1; PV_INPUT unless 1 <= old <= size. */
PV_MUST enum pv_code log_prove_consistency(struct log_hasher *h,
					   const struct log_reader *r,
					   uint64_t old, uint64_t size,
					   struct log_proof *p,
					   struct err *err);
/* Root of the first size leaves of a tree; of none, SHA-256 of nothing. */
PV_MUST enum pv_code log_root_at(struct log_hasher *h,
				 const struct log_reader *r, uint64_t size,
				 uint8_t out[static LOG_HASH], struct err *err);

/* 2.1.3.2: leaf hash stands at index in the tree of size and root.
 * PV_INTEGRITY, rule "log.proof". */
PV_MUST enum pv_code
log_check_inclusion(struct log_hasher *h, const uint8_t leaf[static LOG_HASH],
		    uint64_t index, uint64_t size, const struct log_proof *p,
		    const uint8_t root[static LOG_HASH], struct err *err);

struct log_point { /* what a checkpoint says */
	uint64_t size;
	uint8_t root[LOG_HASH];
};
/*
 * 2.1.4.2: the tree of now begins with the tree of old. Equal sizes need
 * equal roots and an empty proof; an old size of 0 proves nothing and is
 * refused. PV_INTEGRITY, rule "log.proof".
 */
PV_MUST enum pv_code log_check_consistency(struct log_hasher *h,
					   const struct log_point *old,
					   const struct log_point *now,
					   const struct log_proof *p,
					   struct err *err);

#endif
