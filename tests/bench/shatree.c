#include "tests/bench/shatree.h"

#include <string.h>

bool shatree_init(struct shatree *t)
{
	memset(t, 0, sizeof(*t));
	t->md = EVP_MD_fetch(NULL, "SHA256", NULL);
	t->ctx = EVP_MD_CTX_new();
	return t->md && t->ctx && EVP_DigestInit_ex2(t->ctx, t->md, NULL) == 1;
}

void shatree_release(struct shatree *t)
{
	EVP_MD_CTX_free(t->ctx);
	EVP_MD_free(t->md);
}

bool shatree_hash(struct shatree *t, const uint8_t *p, size_t len,
		  uint8_t out[SHATREE_HASH])
{
	/* A NULL type starts again. */
	return EVP_DigestInit_ex2(t->ctx, NULL, NULL) == 1 &&
	       EVP_DigestUpdate(t->ctx, p, len) == 1 &&
	       EVP_DigestFinal_ex(t->ctx, out, NULL) == 1;
}

static bool join(struct shatree *t, const uint8_t left[SHATREE_HASH],
		 uint8_t top[SHATREE_HASH])
{
	uint8_t pair[1 + 2 * SHATREE_HASH] = { 0x01 };

	memcpy(pair + 1, left, SHATREE_HASH);
	memcpy(pair + 1 + SHATREE_HASH, top, SHATREE_HASH);
	return shatree_hash(t, pair, sizeof(pair), top);
}

bool shatree_append(struct shatree *t, const uint8_t *leaf, size_t len)
{
	uint8_t top[SHATREE_HASH];
	size_t level = 0;

	if (!shatree_hash(t, leaf, len, top))
		return false;
	for (; t->size >> level & 1; level++)
		if (!join(t, t->node[level], top))
			return false;
	memcpy(t->node[level], top, SHATREE_HASH);
	t->size++;
	return true;
}

bool shatree_root(struct shatree *t, uint8_t out[SHATREE_HASH])
{
	bool started = false;

	for (size_t level = 0; level < SHATREE_LEVELS; level++) {
		if (!(t->size >> level & 1))
			continue;
		if (!started)
			memcpy(out, t->node[level], SHATREE_HASH);
		else if (!join(t, t->node[level], out))
			return false;
		started = true;
	}
	return started;
}
