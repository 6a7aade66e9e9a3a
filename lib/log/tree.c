#include "lib/log/tree.h"

#include <string.h>

enum pv_code log_hasher_init(struct log_hasher *h, struct err *err)
{
	h->md = EVP_MD_fetch(NULL, "SHA256", NULL);
	h->start = EVP_MD_CTX_new();
	h->ctx = EVP_MD_CTX_new();
	if (h->md && h->start && h->ctx &&
	    EVP_DigestInit_ex2(h->start, h->md, NULL) == 1)
		return PV_OK;
	log_hasher_release(h);
	return err_fail(err, PV_INTERNAL, "crypto.sha256",
			"check the OpenSSL configuration",
			"SHA-256 is not to be had");
}

void log_hasher_release(struct log_hasher *h)
{
	EVP_MD_CTX_free(h->start);
	EVP_MD_CTX_free(h->ctx);
	EVP_MD_free(h->md);
	h->start = h->ctx = NULL;
	h->md = NULL;
}

enum pv_code log_hash_raw(struct log_hasher *h, struct span a, struct span b,
			  uint8_t out[static LOG_HASH], struct err *err)
{
	/* A copy costs less than to start again. */
	if (EVP_MD_CTX_copy_ex(h->ctx, h->start) == 1 &&
	    (a.len == 0 || EVP_DigestUpdate(h->ctx, a.p, a.len) == 1) &&
	    (b.len == 0 || EVP_DigestUpdate(h->ctx, b.p, b.len) == 1) &&
	    EVP_DigestFinal_ex(h->ctx, out, NULL) == 1)
		return PV_OK;
	return err_fail(err, PV_INTERNAL, "crypto.sha256", NULL,
			"SHA-256 failed");
}

enum pv_code log_hash_leaf(struct log_hasher *h, struct span entry,
			   uint8_t out[static LOG_HASH], struct err *err)
{
	static const uint8_t prefix[1] = { 0x00 };
	struct span p = { prefix, sizeof(prefix) };
	struct span none = { NULL, 0 };

	if (entry.len >= sizeof(h->leaf))
		return log_hash_raw(h, p, entry, out, err);
	/* One call for a short one: the digest takes whole blocks at once. */
	h->leaf[0] = prefix[0];
	if (entry.len)
		memcpy(h->leaf + 1, entry.p, entry.len);
	p = (struct span){ h->leaf, 1 + entry.len };
	return log_hash_raw(h, p, none, out, err);
}

enum pv_code log_hash_node(struct log_hasher *h,
			   const uint8_t left[static LOG_HASH],
			   const uint8_t right[static LOG_HASH],
			   uint8_t out[static LOG_HASH], struct err *err)
{
	uint8_t node[1 + 2 * LOG_HASH] = { 0x01 };
	struct span p = { node, sizeof(node) };
	struct span none = { NULL, 0 };

	memcpy(node + 1, left, LOG_HASH);
	memcpy(node + 1 + LOG_HASH, right, LOG_HASH);
	return log_hash_raw(h, p, none, out, err);
}

static enum pv_code tell(const struct log_tree_sink *sink, unsigned level,
			 uint64_t index, const uint8_t hash[static LOG_HASH],
			 struct err *err)
{
	if (!sink)
		return PV_OK;
	return sink->done(sink->ctx, level, index, hash, err);
}

enum pv_code log_tree_append(struct log_tree *t, struct log_hasher *h,
			     const uint8_t leaf[static LOG_HASH],
			     const struct log_tree_sink *sink, struct err *err)
{
	uint8_t hash[LOG_HASH];
	unsigned level = 0;
	enum pv_code rc;

	if (t->size == UINT64_MAX)
		return err_fail(err, PV_INTERNAL, "log.full", NULL,
				"the tree is full");
	memcpy(hash, leaf, LOG_HASH);
	rc = tell(sink, 0, t->size, hash, err);
	/* Each set bit below the first clear one is a subtree that pairs up. */
	for (; rc == PV_OK && (t->size >> level & 1); level++) {
		rc = log_hash_node(h, t->node[level], hash, hash, err);
		if (rc == PV_OK)
			rc = tell(sink, level + 1, t->size >> (level + 1), hash,
				  err);
	}
	if (rc != PV_OK)
		return rc;
	memcpy(t->node[level], hash, LOG_HASH);
	t->size++;
	return PV_OK;
}

enum pv_code log_tree_root(const struct log_tree *t, struct log_hasher *h,
			   uint8_t out[static LOG_HASH], struct err *err)
{
	struct span none = { NULL, 0 };
	bool started = false;

	if (t->size == 0)
		return log_hash_raw(h, none, none, out, err);
	for (unsigned level = 0; level < LOG_LEVELS; level++) {
		enum pv_code rc = PV_OK;

		if (!(t->size >> level & 1))
			continue;
		if (!started)
			memcpy(out, t->node[level], LOG_HASH);
		else
			rc = log_hash_node(h, t->node[level], out, out, err);
		if (rc != PV_OK)
			return rc;
		started = true;
	}
	return PV_OK;
}

size_t log_tree_put(const struct log_tree *t,
		    uint8_t out[static LOG_FRONTIER_MAX])
{
	size_t len = 8;

	for (unsigned i = 0; i < 8; i++)
		out[i] = (uint8_t)(t->size >> (56 - 8 * i));
	for (unsigned level = LOG_LEVELS; level-- > 0;) {
		if (!(t->size >> level & 1))
			continue;
		memcpy(out + len, t->node[level], LOG_HASH);
		len += LOG_HASH;
	}
	return len;
}

enum pv_code log_tree_get(struct log_tree *t, struct span bytes,
			  struct err *err)
{
	size_t at = 8;
	size_t want = 8;
	uint64_t size = 0;

	for (unsigned i = 0; i < 8 && bytes.len >= 8; i++)
		size = size << 8 | bytes.p[i];
	want += (size_t)__builtin_popcountll(size) * LOG_HASH;
	memset(t, 0, sizeof(*t));
	if (bytes.len != want)
		return err_fail(err, PV_INTEGRITY, "log.frontier",
				"restore the store from a backup",
				"the kept tree has %zu bytes, not %zu",
				bytes.len, want);
	t->size = size;
	for (unsigned level = LOG_LEVELS; level-- > 0;) {
		if (!(size >> level & 1))
			continue;
		memcpy(t->node[level], bytes.p + at, LOG_HASH);
		at += LOG_HASH;
	}
	return PV_OK;
}
