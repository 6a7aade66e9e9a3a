/*
 * shasum SECONDS [LEAF_BYTES]: plain SHA-256 with a kept EVP context: bytes a
 * second over 64 KiB buffers, and entries a second when leaves of LEAF_BYTES
 * (200) are hashed into a tree shaped like RFC 6962 2.1; prints
 * {"bytes_per_s":b,"leaf_bytes":l,"entries_per_s":e}. One process.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/bare.h"
#include "tests/bench/shatree.h"

#define BUFFER_LEN 65536

static double bytes_per_s(struct shatree *t, double seconds)
{
	static uint8_t buffer[BUFFER_LEN];
	uint8_t out[SHATREE_HASH];
	double start = bare_now_s(), now = start;
	double bytes = 0;

	while (now - start < seconds) {
		if (!shatree_hash(t, buffer, sizeof(buffer), out))
			return 0;
		bytes += sizeof(buffer);
		now = bare_now_s();
	}
	return bytes / (now - start);
}

static double entries_per_s(struct shatree *t, double seconds, size_t len)
{
	uint8_t *leaf = calloc(1, len + 1); /* 00, then the entry */
	double start = bare_now_s(), now = start;
	bool ok = leaf != NULL;

	while (ok && now - start < seconds) {
		memcpy(leaf + 1, &t->size,
		       len < sizeof(t->size) ? len : sizeof(t->size));
		ok = shatree_append(t, leaf, len + 1);
		if (t->size % 64 == 0)
			now = bare_now_s();
	}
	free(leaf);
	return ok ? (double)t->size / (now - start) : 0;
}

int main(int argc, char **argv)
{
	double seconds = argc >= 2 ? strtod(argv[1], NULL) : 0;
	size_t leaf = argc == 3 ? strtoul(argv[2], NULL, 10) : 200;
	struct shatree t;
	double bytes, entries;

	if (seconds <= 0 || argc > 3) {
		fputs("usage: shasum SECONDS [LEAF_BYTES]\n", stderr);
		return 2;
	}
	if (!shatree_init(&t))
		return 1;
	bytes = bytes_per_s(&t, seconds);
	entries = entries_per_s(&t, seconds, leaf);
	printf("{\"bytes_per_s\":%.0f,\"leaf_bytes\":%zu,"
	       "\"entries_per_s\":%.0f}\n",
	       bytes, leaf, entries);
	shatree_release(&t);
	return bytes > 0 && entries > 0 ? 0 : 1;
}
