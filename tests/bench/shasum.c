/*
 * shasum SECONDS [LEAF_BYTES]: plain SHA-256 with a kept EVP context: bytes a
 * second over 64 KiB buffers, and entries a second when leaves of LEAF_BYTES
 * (200) are hashed into a tree shaped like RFC 6962 2.1; prints
 * {"bytes_per_s":b,"leaf_bytes":l,"entries_per_s":e}. One process.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "tests/bench/bare.h"

#define BUFFER_LEN 65536
#define HASH_LEN 32
#define LEVELS 64

struct hasher {
	EVP_MD *md;
	EVP_MD_CTX *ctx;
};

/* SHA-256 of one prefix byte and the rest; a NULL type starts again. */
static bool hash(struct hasher *h, const uint8_t *p, size_t len,
		 uint8_t out[HASH_LEN])
{
	return EVP_DigestInit_ex2(h->ctx, NULL, NULL) == 1 &&
	       EVP_DigestUpdate(h->ctx, p, len) == 1 &&
	       EVP_DigestFinal_ex(h->ctx, out, NULL) == 1;
}

static double bytes_per_s(struct hasher *h, double seconds)
{
	static uint8_t buffer[BUFFER_LEN];
	uint8_t out[HASH_LEN];
	double start = bare_now_s(), now = start;
	double bytes = 0;

	while (now - start < seconds) {
		if (!hash(h, buffer, sizeof(buffer), out))
			return 0;
		bytes += sizeof(buffer);
		now = bare_now_s();
	}
	return bytes / (now - start);
}

/* One leaf and the nodes that it completes, as in a log that grows. */
static bool append(struct hasher *h, uint8_t node[LEVELS][HASH_LEN],
		   uint64_t size, const uint8_t *leaf, size_t leaf_len)
{
	uint8_t pair[1 + 2 * HASH_LEN] = { 0x01 }, top[HASH_LEN];
	size_t level = 0;

	if (!hash(h, leaf, leaf_len, top))
		return false;
	for (; size & 1; size >>= 1, level++) {
		memcpy(pair + 1, node[level], HASH_LEN);
		memcpy(pair + 1 + HASH_LEN, top, HASH_LEN);
		if (!hash(h, pair, sizeof(pair), top))
			return false;
	}
	memcpy(node[level], top, HASH_LEN);
	return true;
}

static double entries_per_s(struct hasher *h, double seconds, size_t len)
{
	static uint8_t node[LEVELS][HASH_LEN];
	uint8_t *leaf = calloc(1, len + 1); /* 00, then the entry */
	double start = bare_now_s(), now = start;
	uint64_t n = 0;
	bool ok = leaf != NULL;

	while (ok && now - start < seconds) {
		memcpy(leaf + 1, &n, len < sizeof(n) ? len : sizeof(n));
		ok = append(h, node, n++, leaf, len + 1);
		if (n % 64 == 0)
			now = bare_now_s();
	}
	free(leaf);
	return ok ? (double)n / (now - start) : 0;
}

int main(int argc, char **argv)
{
	double seconds = argc >= 2 ? strtod(argv[1], NULL) : 0;
	size_t leaf = argc == 3 ? strtoul(argv[2], NULL, 10) : 200;
	struct hasher h = { EVP_MD_fetch(NULL, "SHA256", NULL),
			    EVP_MD_CTX_new() };
	double bytes, entries;

	if (seconds <= 0 || argc > 3) {
		fputs("usage: shasum SECONDS [LEAF_BYTES]\n", stderr);
		return 2;
	}
	if (!h.md || !h.ctx || EVP_DigestInit_ex2(h.ctx, h.md, NULL) != 1)
		return 1;
	bytes = bytes_per_s(&h, seconds);
	entries = entries_per_s(&h, seconds, leaf);
	printf("{\"bytes_per_s\":%.0f,\"leaf_bytes\":%zu,"
	       "\"entries_per_s\":%.0f}\n",
	       bytes, leaf, entries);
	EVP_MD_CTX_free(h.ctx);
	EVP_MD_free(h.md);
	return bytes > 0 && entries > 0 ? 0 : 1;
}
