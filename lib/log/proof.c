#include "lib/log/proof.h"

#include <string.h>

/* The largest power of two below n, n of 2 or more (RFC 9162 2.1.1: k). */
static uint64_t split(uint64_t n)
{
	return UINT64_C(1) << (63 - __builtin_clzll(n - 1));
}

/*
 * MTH of leaves [start, start + n), where start is a multiple of a power of
 * two that is at least n: complete subtrees are read, the ragged end is folded.
 */
static enum pv_code range_root(struct log_hasher *h, const struct log_reader *r,
			       uint64_t start, uint64_t n,
			       uint8_t out[static LOG_HASH], struct err *err)
{
	uint8_t part[LOG_HASH];
	uint64_t end = start + n;
	bool started = false;
	enum pv_code rc = PV_OK;

	/* Right to left: the smallest subtree ends at end. */
	for (unsigned level = 0; rc == PV_OK && level < 63; level++) {
		if (!(n >> level & 1))
			continue;
		end -= UINT64_C(1) << level;
		rc = r->hash(r->ctx, level, end >> level, part, err);
		if (rc == PV_OK && started)
			rc = log_hash_node(h, part, out, out, err);
		else if (rc == PV_OK)
			memcpy(out, part, LOG_HASH);
		started = true;
	}
	return rc;
}

static enum pv_code put_range(struct log_hasher *h, const struct log_reader *r,
			      uint64_t start, uint64_t n, struct log_proof *p,
			      struct err *err)
{
	if (p->n == LOG_PROOF_MAX)
		return err_fail(err, PV_INTERNAL, "log.proof", NULL,
				"the proof is too long");
	return range_root(h, r, start, n, p->hash[p->n++], err);
}

/* The proof is collected from the root down; RFC 9162 lists it bottom up. */
static void reverse(struct log_proof *p)
{
	uint8_t swap[LOG_HASH];

	for (size_t i = 0; i < p->n / 2; i++) {
		uint8_t *a = p->hash[i];
		uint8_t *b = p->hash[p->n - 1 - i];

		memcpy(swap, a, LOG_HASH);
		memcpy(a, b, LOG_HASH);
		memcpy(b, swap, LOG_HASH);
	}
}

enum pv_code log_prove_inclusion(struct log_hasher *h,
				 const struct log_reader *r, uint64_t index,
				 uint64_t size, struct log_proof *p,
				 struct err *err)
{
	uint64_t start = 0;
	enum pv_code rc = PV_OK;

	p->n = 0;
	if (index >= size || size >= LOG_SIZE_MAX)
		return err_fail(err, PV_INPUT, "log.range", NULL,
				"the tree of that size has no such entry");
	while (rc == PV_OK && size > 1) {
		uint64_t k = split(size);

		if (index < k) {
			rc = put_range(h, r, start + k, size - k, p, err);
			size = k;
		} else {
			rc = put_range(h, r, start, k, p, err);
			start += k;
			index -= k;
			size -= k;
		}
	}
	reverse(p);
	return rc;
}

enum pv_code log_prove_consistency(struct log_hasher *h,
				   const struct log_reader *r, uint64_t old,
				   uint64_t size, struct log_proof *p,
				   struct err *err)
{
	uint64_t start = 0;
	bool whole = true; /* SUBPROOF's b: old's root is known to the asker */
	enum pv_code rc = PV_OK;

	p->n = 0;
	if (old == 0 || old > size || size >= LOG_SIZE_MAX)
		return err_fail(err, PV_INPUT, "log.range", NULL,
				"there is no proof between those sizes");
	while (rc == PV_OK && old != size) {
		uint64_t k = split(size);

		if (old <= k) {
			rc = put_range(h, r, start + k, size - k, p, err);
			size = k;
		} else {
			rc = put_range(h, r, start, k, p, err);
			start += k;
			old -= k;
			size -= k;
			whole = false;
		}
	}
	if (rc == PV_OK && !whole)
		rc = put_range(h, r, start, size, p, err);
	reverse(p);
	return rc;
}

enum pv_code log_root_at(struct log_hasher *h, const struct log_reader *r,
			 uint64_t size, uint8_t out[static LOG_HASH],
			 struct err *err)
{
	struct span none = { NULL, 0 };

	if (size == 0)
		return log_hash_raw(h, none, none, out, err);
	if (size >= LOG_SIZE_MAX)
		return err_fail(err, PV_INPUT, "log.range", NULL,
				"no tree is that large");
	return range_root(h, r, 0, size, out, err);
}

static enum pv_code refuse(struct err *err, const char *why)
{
	return err_fail(err, PV_INTEGRITY, "log.proof",
			"get log and proof anew from the authority",
			"the proof does not hold: %s", why);
}

enum pv_code
log_check_inclusion(struct log_hasher *h, const uint8_t leaf[static LOG_HASH],
		    uint64_t index, uint64_t size, const struct log_proof *p,
		    const uint8_t root[static LOG_HASH], struct err *err)
{
	uint64_t fn = index;
	uint64_t sn = size - 1;
	uint8_t r[LOG_HASH];

	if (index >= size || size >= LOG_SIZE_MAX)
		return refuse(err, "there is no such entry");
	if (p->n > LOG_PROOF_MAX)
		return refuse(err, "it is too long");
	memcpy(r, leaf, LOG_HASH);
	for (size_t i = 0; i < p->n; i++) {
		bool left = (fn & 1) || fn == sn;
		enum pv_code rc;

		if (sn == 0)
			return refuse(err, "it is too long");
		rc = left ? log_hash_node(h, p->hash[i], r, r, err)
			  : log_hash_node(h, r, p->hash[i], r, err);
		if (rc != PV_OK)
			return rc;
		while (left && !(fn & 1) && fn != 0) {
			fn >>= 1;
			sn >>= 1;
		}
		fn >>= 1;
		sn >>= 1;
	}
	if (sn != 0)
		return refuse(err, "it is too short");
	if (memcmp(r, root, LOG_HASH) != 0)
		return refuse(err, "it leads to another root");
	return PV_OK;
}

/* Steps 4 to 6 of RFC 9162 2.1.4.2: both roots from the first node up. */
static enum pv_code fold(struct log_hasher *h, uint64_t fn, uint64_t sn,
			 const uint8_t (*path)[LOG_HASH], size_t n,
			 uint8_t fr[static LOG_HASH],
			 uint8_t sr[static LOG_HASH], struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		enum pv_code rc;

		if (sn == 0)
			return refuse(err, "it is too long");
		if ((fn & 1) || fn == sn) {
			rc = log_hash_node(h, path[i], fr, fr, err);
			if (rc == PV_OK)
				rc = log_hash_node(h, path[i], sr, sr, err);
			while (!(fn & 1) && fn != 0) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			rc = log_hash_node(h, sr, path[i], sr, err);
		}
		if (rc != PV_OK)
			return rc;
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 ? PV_OK : refuse(err, "it is too short");
}

enum pv_code log_check_consistency(struct log_hasher *h,
				   const struct log_point *old,
				   const struct log_point *now,
				   const struct log_proof *p, struct err *err)
{
	const uint8_t(*path)[LOG_HASH] = p->hash;
	size_t n = p->n;
	uint8_t fr[LOG_HASH];
	uint8_t sr[LOG_HASH];
	uint64_t fn = old->size - 1;
	uint64_t sn = now->size - 1;
	enum pv_code rc;

	if (old->size == 0 || old->size > now->size ||
	    now->size >= LOG_SIZE_MAX || n > LOG_PROOF_MAX)
		return refuse(err, "the sizes do not allow one");
	if (old->size == now->size) {
		if (n != 0 || memcmp(old->root, now->root, LOG_HASH) != 0)
			return refuse(err, "one size has two roots");
		return PV_OK;
	}
	if (n == 0)
		return refuse(err, "it is empty");
	/* A power of two is itself the first node of the path (step 2). */
	if ((old->size & (old->size - 1)) == 0) {
		memcpy(fr, old->root, LOG_HASH);
	} else {
		memcpy(fr, path[0], LOG_HASH);
		path++;
		n--;
	}
	memcpy(sr, fr, LOG_HASH);
	for (; fn & 1; fn >>= 1)
		sn >>= 1;
	rc = fold(h, fn, sn, path, n, fr, sr, err);
	if (rc != PV_OK)
		return rc;
	if (memcmp(fr, old->root, LOG_HASH) != 0)
		return refuse(err, "it leads to another old root");
	if (memcmp(sr, now->root, LOG_HASH) != 0)
		return refuse(err, "it leads to another new root");
	return PV_OK;
}
