/*
 * tree: the Merkle tree of the log, RFC 6962 2.1 (leaf 00, node 01, SHA-256),
 * grown one leaf at a time. Only the frontier is held: the roots of the
 * complete subtrees that make up the size, one for each bit that is set.
 *
 * Does not check: what the leaves are. Nothing here does I/O.
 */
#ifndef PV_LOG_TREE_H
#define PV_LOG_TREE_H

#include <openssl/evp.h>

#include "lib/base/buf.h"

#define LOG_HASH 32u /* bytes of SHA-256 */
#define LOG_LEVELS 64u
#define LOG_FRONTIER_MAX (8u + LOG_LEVELS * LOG_HASH)

/* SHA-256 fetched once, with contexts that are used again and again. */
struct log_hasher {
	EVP_MD *md;
	EVP_MD_CTX *start; /* has taken nothing yet */
	EVP_MD_CTX *ctx;   /* a copy of it */
	uint8_t leaf[512]; /* prefix and entry of a short one */
};

#define LOG_HASHER_INIT                                                        \
	{                                                                      \
		.md = NULL, .start = NULL, .ctx = NULL                         \
	}

/* PV_INTERNAL when SHA-256 cannot be had; h is then empty. */
PV_MUST enum pv_code log_hasher_init(struct log_hasher *h, struct err *err);
void log_hasher_release(struct log_hasher *h);

/* SHA-256 of a || b; either may be empty. PV_INTERNAL. */
PV_MUST enum pv_code log_hash_raw(struct log_hasher *h, struct span a,
				  struct span b, uint8_t out[static LOG_HASH],
				  struct err *err);
/* SHA-256(00 || entry). */
PV_MUST enum pv_code log_hash_leaf(struct log_hasher *h, struct span entry,
				   uint8_t out[static LOG_HASH],
				   struct err *err);
/* SHA-256(01 || left || right); out may be left or right. */
PV_MUST enum pv_code log_hash_node(struct log_hasher *h,
				   const uint8_t left[static LOG_HASH],
				   const uint8_t right[static LOG_HASH],
				   uint8_t out[static LOG_HASH],
				   struct err *err);

struct log_tree {      /* zeroed: the empty tree; plain data */
	uint64_t size; /* leaves */
	uint8_t node[LOG_LEVELS][LOG_HASH]; /* [k] counts if bit k of size */
};

/*
 * Told of every subtree that becomes complete: level 0 is the leaf itself,
 * index counts subtrees of that level from the left.
 */
struct log_tree_sink {
	enum pv_code (*done)(void *ctx, unsigned level, uint64_t index,
			     const uint8_t hash[static LOG_HASH],
			     struct err *err);
	void *ctx;
};

/*
 * Appends a leaf hash. sink may be NULL. After a failure t is as it was.
 * PV_INTERNAL, or what the sink returned.
 */
PV_MUST enum pv_code log_tree_append(struct log_tree *t, struct log_hasher *h,
				     const uint8_t leaf[static LOG_HASH],
				     const struct log_tree_sink *sink,
				     struct err *err);
/* Root; of the empty tree SHA-256 of nothing. */
PV_MUST enum pv_code log_tree_root(const struct log_tree *t,
				   struct log_hasher *h,
				   uint8_t out[static LOG_HASH],
				   struct err *err);

/* be64(size) || roots from the largest subtree to the smallest; its length. */
size_t log_tree_put(const struct log_tree *t,
		    uint8_t out[static LOG_FRONTIER_MAX]);
/* The opposite; PV_INTEGRITY, rule "log.frontier", when the length is wrong. */
PV_MUST enum pv_code log_tree_get(struct log_tree *t, struct span bytes,
				  struct err *err);

#endif
