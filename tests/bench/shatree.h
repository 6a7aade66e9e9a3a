/*
 * shatree: plain SHA-256 with a kept EVP context, and a tree over leaves that
 * is shaped like RFC 6962 2.1. Nothing of provctl.
 */
#ifndef PV_TESTS_BENCH_SHATREE_H
#define PV_TESTS_BENCH_SHATREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#define SHATREE_HASH 32
#define SHATREE_LEVELS 64

struct shatree {
	EVP_MD *md;
	EVP_MD_CTX *ctx;
	uint64_t size; /* leaves */
	uint8_t node[SHATREE_LEVELS][SHATREE_HASH];
};

/* The empty tree. */
bool shatree_init(struct shatree *t);
void shatree_release(struct shatree *t);
/* SHA-256 of len bytes, which begin with a prefix where one is due. */
bool shatree_hash(struct shatree *t, const uint8_t *p, size_t len,
		  uint8_t out[SHATREE_HASH]);
/* One leaf, its prefix 00 included, and the nodes that it completes. */
bool shatree_append(struct shatree *t, const uint8_t *leaf, size_t len);
/* Of one leaf or more. */
bool shatree_root(struct shatree *t, uint8_t out[SHATREE_HASH]);

#endif
