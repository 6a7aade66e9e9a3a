#include "lib/seal/batch.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/sha256.h"
#include "lib/seal/batch_impl.h"
#include "lib/seal/sign1.h"

#define PROTECTED_MAX 192 /* 66 bytes of name, 22 of subject, 4 numbers */
#define RECEIPT_HEADS_MAX 64

/*
 * All levels of the tree, leaves first. Level l + 1 joins pairs of level l; an
 * odd last node moves up as it is, which gives the tree of RFC 9162 2.1.1.
 */
struct seal_batch {
	struct sha256 *hash;
	uint8_t (*nodes)[32]; /* owned; levels one behind the other */
	size_t at[BATCH_PATH_MAX + 1], len[BATCH_PATH_MAX + 1];
	size_t levels;
	uint8_t prot[PROTECTED_MAX];
	size_t prot_len;
};

CLEANUP_PTR(struct seal_batch, seal_batch_free);

static const struct span leaf_mark = { (const uint8_t *)"\x00", 1 };
static const struct span node_mark = { (const uint8_t *)"\x01", 1 };

enum pv_code seal_batch_leaf(struct span payload, uint8_t leaf[static 32],
			     struct err *err)
{
	const struct span parts[] = { leaf_mark, payload };

	return sha256_parts(parts, 2, leaf, err);
}

enum pv_code seal_batch_node(const uint8_t left[static 32],
			     const uint8_t right[static 32],
			     uint8_t out[static 32], struct err *err)
{
	const struct span parts[] = { node_mark, { left, 32 }, { right, 32 } };

	return sha256_parts(parts, 3, out, err);
}

void seal_batch_free(struct seal_batch *b)
{
	if (!b)
		return;
	sha256_free(b->hash);
	free(b->nodes);
	free(b);
}

/* seal_batch_leaf() and seal_batch_node() on the kept hash. */
static enum pv_code hash(const struct seal_batch *b, struct span mark,
			 struct span first, struct span second,
			 uint8_t out[static 32], struct err *err)
{
	sha256_begin(b->hash);
	sha256_add(b->hash, mark);
	sha256_add(b->hash, first);
	sha256_add(b->hash, second);
	return sha256_end(b->hash, out, err);
}

/* One level above the last; its nodes are there already, zeroed. */
static enum pv_code add_level(struct seal_batch *b, struct err *err)
{
	size_t l = b->levels, n = b->len[l - 1];
	uint8_t(*from)[32] = b->nodes + b->at[l - 1];
	uint8_t(*to)[32] = from + n;
	enum pv_code rc = PV_OK;

	b->at[l] = b->at[l - 1] + n;
	b->len[l] = (n + 1) / 2;
	for (size_t i = 0; i + 1 < n && rc == PV_OK; i += 2)
		rc = hash(b, node_mark, (struct span){ from[i], 32 },
			  (struct span){ from[i + 1], 32 }, to[i / 2], err);
	if (n & 1)
		memcpy(to[n / 2], from[n - 1], 32);
	b->levels++;
	return rc;
}

static enum pv_code build_tree(struct seal_batch *b,
			       const uint8_t (*leaves)[32], size_t n,
			       struct err *err)
{
	enum pv_code rc = PV_OK;

	/* Each level has at most half of the one below, and one node more. */
	b->nodes = mem_array(2 * n + BATCH_PATH_MAX, sizeof(*b->nodes), err);
	if (!b->nodes)
		return PV_INTERNAL;
	memcpy(b->nodes, leaves, n * sizeof(*leaves));
	b->len[0] = n;
	b->levels = 1;
	while (b->len[b->levels - 1] > 1 && rc == PV_OK)
		rc = add_level(b, err);
	return rc;
}

/* Map keys in the order of their encodings: 1, 4, 15, 395. */
static enum pv_code put_protected(struct seal_batch *b,
				  const uint8_t kid[SEAL_KID_LEN],
				  const struct seal_batch_claims *claims,
				  struct err *err)
{
	struct cbor_writer w;

	cbor_writer_init(&w, b->prot, sizeof(b->prot));
	cbor_put_map(&w, 4);
	cbor_put_uint(&w, BATCH_HEADER_ALG);
	cbor_put_int(&w, COSE_ALG_ES256);
	cbor_put_uint(&w, BATCH_HEADER_KID);
	cbor_put_bstr(&w, kid, SEAL_KID_LEN);
	cbor_put_uint(&w, BATCH_HEADER_CLAIMS);
	cbor_put_map(&w, 5);
	cbor_put_uint(&w, BATCH_CLAIM_ISS);
	cbor_put_str(&w, claims->authority);
	cbor_put_uint(&w, BATCH_CLAIM_SUB);
	cbor_put_str(&w, SEAL_BATCH_SUBJECT);
	cbor_put_uint(&w, BATCH_CLAIM_EXP);
	cbor_put_uint(&w, claims->not_after_s);
	cbor_put_uint(&w, BATCH_CLAIM_IAT);
	cbor_put_uint(&w, claims->iat_s);
	cbor_put_int(&w, BATCH_CLAIM_TREE_SIZE);
	cbor_put_uint(&w, b->len[0]);
	cbor_put_uint(&w, BATCH_HEADER_VDS);
	cbor_put_uint(&w, BATCH_VDS_RFC9162);
	b->prot_len = w.len;
	if (!cbor_writer_ok(&w))
		return err_fail(err, PV_INTERNAL, "seal.batch", NULL,
				"a receipt header of %zu bytes is too long",
				w.len);
	return PV_OK;
}

static enum pv_code check_claims(const struct seal_batch_claims *c, size_t n,
				 struct err *err)
{
	size_t len = strnlen(c->authority, BATCH_NAME_MAX + 1);

	if (n < SEAL_BATCH_MIN || n > SEAL_BATCH_MAX)
		return err_fail(err, PV_INPUT, "seal.batch",
				"sign a single descriptor plain",
				"a batch has 2 to %d descriptors, not %zu",
				SEAL_BATCH_MAX, n);
	if (len == 0 || len > BATCH_NAME_MAX)
		return err_fail(err, PV_INPUT, "seal.batch", NULL,
				"the authority's name is not 1 to %d bytes",
				BATCH_NAME_MAX);
	if (c->iat_s > c->not_after_s)
		return err_fail(err, PV_INPUT, "seal.batch",
				"adopt a template whose manifest is in date",
				"the manifest's not-after has passed");
	return PV_OK;
}

enum pv_code seal_batch_new(const uint8_t (*leaves)[32], size_t n,
			    const uint8_t kid[static SEAL_KID_LEN],
			    const struct seal_batch_claims *claims,
			    struct seal_batch **b, struct err *err)
{
	CLEANUP(cleanup_seal_batch_free) struct seal_batch *new = NULL;
	enum pv_code rc = check_claims(claims, n, err);

	*b = NULL;
	if (rc != PV_OK)
		return rc;
	new = mem_new(sizeof(*new), err);
	if (!new)
		return PV_INTERNAL;
	rc = sha256_new(&new->hash, err);
	if (rc == PV_OK)
		rc = build_tree(new, leaves, n, err);
	if (rc == PV_OK)
		rc = put_protected(new, kid, claims, err);
	if (rc == PV_OK)
		*b = TAKE(new);
	return rc;
}

void seal_batch_root(const struct seal_batch *b, uint8_t root[static 32])
{
	memcpy(root, b->nodes[b->at[b->levels - 1]], 32);
}

enum pv_code seal_batch_digest(const struct seal_batch *b,
			       uint8_t digest[static 32], struct err *err)
{
	uint8_t root[32];

	seal_batch_root(b, root);
	return sign1_digest_of((struct span){ b->prot, b->prot_len },
			       (struct span){ root, sizeof(root) }, digest,
			       err);
}

/* Siblings from the leaf up; a node without one adds nothing. */
static size_t path_of(const struct seal_batch *b, size_t index,
		      const uint8_t *path[BATCH_PATH_MAX])
{
	size_t n = 0;

	for (size_t l = 0; l + 1 < b->levels; l++, index /= 2) {
		size_t sibling = index ^ 1;

		if (sibling < b->len[l])
			path[n++] = b->nodes[b->at[l] + sibling];
	}
	return n;
}

/* {396: {-1: [bstr of [tree-size, index, [path...]]]}} */
static void put_proof(struct cbor_writer *w, const struct seal_batch *b,
		      size_t index)
{
	const uint8_t *path[BATCH_PATH_MAX];
	uint8_t proof[16 + BATCH_PATH_MAX * 34];
	size_t n = path_of(b, index, path);
	struct cbor_writer p;

	cbor_writer_init(&p, proof, sizeof(proof));
	cbor_put_array(&p, 3);
	cbor_put_uint(&p, b->len[0]);
	cbor_put_uint(&p, index);
	cbor_put_array(&p, n);
	for (size_t i = 0; i < n; i++)
		cbor_put_bstr(&p, path[i], 32);
	cbor_put_map(w, 1);
	cbor_put_uint(w, BATCH_HEADER_VDP);
	cbor_put_map(w, 1);
	cbor_put_int(w, BATCH_PROOF_INCLUSION);
	cbor_put_array(w, 1);
	cbor_put_bstr(w, proof, p.len);
}

enum pv_code seal_batch_finish(const struct seal_batch *b, size_t index,
			       struct span payload,
			       const uint8_t sig[static 64], struct buf *out,
			       struct err *err)
{
	size_t max = payload.len + PROTECTED_MAX + BATCH_PATH_MAX * 34 +
		     COSE_SIG_LEN + RECEIPT_HEADS_MAX;
	const struct span none = { NULL, 0 };
	uint8_t leaf[32], *room;
	struct cbor_writer w;
	enum pv_code rc = hash(b, leaf_mark, payload, none, leaf, err);

	if (rc != PV_OK)
		return rc;
	if (index >= b->len[0] || memcmp(leaf, b->nodes[index], 32) != 0)
		return err_fail(err, PV_INTERNAL, "seal.batch", NULL,
				"descriptor %zu is not in this batch", index);
	room = buf_room(out, max);
	if (!room)
		return buf_check(out, err);
	cbor_writer_init(&w, room, max);
	cbor_put_array(&w, 2);
	cbor_put_bstr(&w, payload.p, payload.len);
	cbor_put_tag(&w, COSE_TAG_SIGN1);
	cbor_put_array(&w, 4);
	cbor_put_bstr(&w, b->prot, b->prot_len);
	put_proof(&w, b, index);
	cbor_put_null(&w);
	cbor_put_bstr(&w, sig, COSE_SIG_LEN);
	buf_commit(out, w.len);
	return PV_OK;
}
