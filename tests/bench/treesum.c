/*
 * treesum DIR SIZE: plain SHA-256 of an exported log's first SIZE entries in
 * the shape of its tree, with all of them in memory before the clock starts;
 * prints {"entries":n,"bytes":b,"entries_per_cpu_s":e,"root":"BASE64"}. No
 * tile, checkpoint or entry is looked at. One process.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/bench/shatree.h"

#define WIDTH 256u /* entries of a whole bundle (c2sp.org/tlog-tiles) */

struct entries {
	uint8_t *bytes; /* be16 length and entry, one after the other */
	size_t len, cap;
};

/* "x001/x234/067" of an index. */
static void put_index(char out[64], uint64_t index)
{
	unsigned group[7], n = 0;
	size_t len = 0;

	do
		group[n++] = (unsigned)(index % 1000);
	while ((index /= 1000) > 0);
	while (n-- > 1)
		len += (size_t)snprintf(out + len, 64 - len, "x%03u/",
					group[n]);
	snprintf(out + len, 64 - len, "%03u", group[0]);
}

static bool add_file(struct entries *e, const char *path)
{
	FILE *f = fopen(path, "rb");
	size_t n = 1;

	while (f && n > 0) {
		if (e->cap - e->len < 1 << 20) {
			e->cap = 2 * e->cap + (1 << 21);
			e->bytes = realloc(e->bytes, e->cap);
			if (!e->bytes)
				abort();
		}
		n = fread(e->bytes + e->len, 1, e->cap - e->len, f);
		e->len += n;
	}
	if (!f || fclose(f) != 0) {
		perror(path);
		return false;
	}
	return true;
}

static bool load(struct entries *e, const char *dir, uint64_t size)
{
	for (uint64_t i = 0; i * WIDTH < size; i++) {
		uint64_t width = size - i * WIDTH;
		char index[64], part[16] = "", path[1024];

		put_index(index, i);
		if (width < WIDTH)
			snprintf(part, sizeof(part), ".p/%u", (unsigned)width);
		snprintf(path, sizeof(path), "%s/tile/entries/%s%s", dir, index,
			 part);
		if (!add_file(e, path))
			return false;
	}
	return true;
}

/* The second byte of a length makes room for the leaf's prefix 00. */
static bool sum(struct shatree *t, struct entries *e, uint64_t size)
{
	uint8_t *p = e->bytes, *end = e->bytes + e->len;

	while (t->size < size && end - p >= 2) {
		size_t len = (size_t)p[0] << 8 | p[1];

		if (len > (size_t)(end - p) - 2)
			return false;
		p[1] = 0x00;
		if (!shatree_append(t, p + 1, 1 + len))
			return false;
		p += 2 + len;
	}
	return t->size == size && p == end;
}

static double cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	uint64_t size = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
	uint8_t root[SHATREE_HASH];
	struct entries e = { NULL, 0, 0 };
	char base64[64] = "";
	struct shatree t;
	double from, seconds;
	bool ok;

	if (size == 0) {
		fputs("usage: treesum DIR SIZE\n", stderr);
		return 2;
	}
	ok = shatree_init(&t) && load(&e, argv[1], size);
	from = cpu_s();
	ok = ok && sum(&t, &e, size) && shatree_root(&t, root);
	seconds = cpu_s() - from;
	if (ok) {
		EVP_EncodeBlock((unsigned char *)base64, root, sizeof(root));
		printf("{\"entries\":%" PRIu64 ",\"bytes\":%zu,"
		       "\"entries_per_cpu_s\":%.0f,\"root\":\"%s\"}\n",
		       size, e.len - 2 * size, (double)size / seconds, base64);
	}
	shatree_release(&t);
	free(e.bytes);
	return ok ? 0 : 1;
}
