/*
 * The batch form of a descriptor (formats.md 3): a COSE receipt (RFC 9942) that
 * proves the payload's inclusion in a signed RFC 9162 tree.
 */
#include "lib/device/impl.h"

#define LABEL_ALG 1
#define LABEL_KID 4
#define LABEL_CLAIMS 15
#define LABEL_VDS 395
#define VDS_RFC9162_SHA256 1
#define LABEL_VDP 396
#define VDP_INCLUSION (-1)
#define CLAIM_ISSUER 1
#define CLAIM_SUBJECT 2
#define CLAIM_EXPIRES 4
#define CLAIM_ISSUED_AT 6
#define CLAIM_TREE_SIZE (-70004)
#define BATCH_MIN 2u
#define BATCH_MAX 65536u
#define PATH_MAX_LEN 16u /* log2 of BATCH_MAX */

struct receipt {
	struct cbor_bytes payload, prot, kid, proof, sig;
	uint64_t expires, issued_at, tree_size;
};

static bool expect_int(struct cbor_reader *r, int64_t want)
{
	int64_t v;

	return cbor_get_int(r, &v) && v == want;
}

static bool parse_claims(struct receipt *t, struct cbor_reader *r)
{
	struct cbor_bytes issuer, subject;
	uint64_t n;

	return cbor_get_map(r, &n) && n == 5 &&
	       cbor_expect_uint(r, CLAIM_ISSUER) &&
	       pvdev_get_text(r, PVDEV_ISSUER_MAX, &issuer) &&
	       cbor_expect_uint(r, CLAIM_SUBJECT) &&
	       cbor_get_tstr(r, &subject) &&
	       pvdev_equal_str(subject, "provctl/seal-batch/v1") &&
	       cbor_expect_uint(r, CLAIM_EXPIRES) &&
	       cbor_get_uint(r, &t->expires) &&
	       cbor_expect_uint(r, CLAIM_ISSUED_AT) &&
	       cbor_get_uint(r, &t->issued_at) &&
	       expect_int(r, CLAIM_TREE_SIZE) &&
	       cbor_get_uint(r, &t->tree_size);
}

static bool parse_protected(struct receipt *t)
{
	struct cbor_reader r;
	uint64_t n;

	if (t->prot.len > PVDEV_PROTECTED_MAX ||
	    !cbor_valid(t->prot.p, t->prot.len, CBOR_DEPTH_MAX, NULL))
		return false;
	cbor_reader_init(&r, t->prot.p, t->prot.len);
	return cbor_get_map(&r, &n) && n == 4 &&
	       cbor_expect_uint(&r, LABEL_ALG) &&
	       expect_int(&r, COSE_ALG_ES256) &&
	       cbor_expect_uint(&r, LABEL_KID) && cbor_get_bstr(&r, &t->kid) &&
	       cbor_expect_uint(&r, LABEL_CLAIMS) && parse_claims(t, &r) &&
	       cbor_expect_uint(&r, LABEL_VDS) &&
	       cbor_expect_uint(&r, VDS_RFC9162_SHA256) && cbor_done(&r);
}

/* [payload, 18([prot, {396: {-1: [proof]}}, null, sig])] */
static bool parse(struct receipt *t, struct cbor_bytes bytes)
{
	struct cbor_reader r;
	uint64_t n, tag;

	if (!cbor_valid(bytes.p, bytes.len, CBOR_DEPTH_MAX, NULL))
		return false;
	cbor_reader_init(&r, bytes.p, bytes.len);
	return cbor_get_array(&r, &n) && n == 2 &&
	       cbor_get_bstr(&r, &t->payload) && cbor_get_tag(&r, &tag) &&
	       tag == COSE_TAG_SIGN1 && cbor_get_array(&r, &n) && n == 4 &&
	       cbor_get_bstr(&r, &t->prot) && cbor_get_map(&r, &n) && n == 1 &&
	       cbor_expect_uint(&r, LABEL_VDP) && cbor_get_map(&r, &n) &&
	       n == 1 && expect_int(&r, VDP_INCLUSION) &&
	       cbor_get_array(&r, &n) && n == 1 &&
	       cbor_get_bstr(&r, &t->proof) && cbor_get_null(&r) &&
	       pvdev_get_fixed(&r, COSE_SIG_LEN, &t->sig) && cbor_done(&r) &&
	       parse_protected(t);
}

/* RFC 9162 2.1.3.2, one step of the loop: node becomes its parent. */
static bool climb(const struct pvdev_config *cfg, uint64_t *fn, uint64_t *sn,
		  struct cbor_bytes sibling, uint8_t node[32])
{
	static const uint8_t one = 1;
	struct cbor_bytes parts[3];
	bool right = (*fn & 1) || *fn == *sn;

	if (*sn == 0)
		return false;
	parts[0] = PVDEV_BYTES(&one, 1);
	parts[right ? 1 : 2] = sibling;
	parts[right ? 2 : 1] = PVDEV_BYTES(node, 32);
	if (!pvdev_sha256(cfg, parts, 3, node))
		return false;
	while (right && !(*fn & 1) && *fn != 0) {
		*fn >>= 1;
		*sn >>= 1;
	}
	*fn >>= 1;
	*sn >>= 1;
	return true;
}

static bool leaf_hash(const struct pvdev_config *cfg, struct cbor_bytes payload,
		      uint8_t out[32])
{
	static const uint8_t zero = 0;
	struct cbor_bytes parts[2];

	parts[0] = PVDEV_BYTES(&zero, 1);
	parts[1] = payload;
	return pvdev_sha256(cfg, parts, 2, out);
}

/* Proof [tree-size, index, [path...]] over the payload gives the root. */
static bool root_of(const struct pvdev_config *cfg, const struct receipt *t,
		    uint8_t root[32])
{
	struct cbor_reader r;
	struct cbor_bytes sibling;
	uint64_t n, size, index, last;

	if (!cbor_valid(t->proof.p, t->proof.len, CBOR_DEPTH_MAX, NULL))
		return false;
	cbor_reader_init(&r, t->proof.p, t->proof.len);
	if (!cbor_get_array(&r, &n) || n != 3 || !cbor_get_uint(&r, &size) ||
	    !cbor_get_uint(&r, &index) || !cbor_get_array(&r, &n) ||
	    size != t->tree_size || index >= size || n > PATH_MAX_LEN)
		return false;
	if (!leaf_hash(cfg, t->payload, root))
		return false;
	last = size - 1;
	for (; n > 0; n--) {
		if (!pvdev_get_fixed(&r, 32, &sibling) ||
		    !climb(cfg, &index, &last, sibling, root))
			return false;
	}
	return last == 0 && cbor_done(&r);
}

enum pvdev_result pvdev_batch(const struct pvdev_config *cfg,
			      struct cbor_bytes bytes, struct pvdev_signed *out)
{
	struct receipt t;
	uint8_t root[32], digest[32];

	if (!parse(&t, bytes))
		return PVDEV_BATCH_RECEIPT;
	if (t.tree_size < BATCH_MIN || t.tree_size > BATCH_MAX)
		return PVDEV_BATCH_RECEIPT;
	if (!pvdev_equal(t.kid,
			 PVDEV_BYTES(cfg->bundle_kid, sizeof(cfg->bundle_kid))))
		return PVDEV_DESC_KID;
	if (!root_of(cfg, &t, root))
		return PVDEV_BATCH_PROOF;
	if (!pvdev_sig_digest(cfg, t.prot, PVDEV_BYTES(root, 32), digest))
		return PVDEV_CRYPTO;
	if (!cfg->crypto->p256_verify(cfg->crypto_ctx, cfg->bundle_point,
				      digest, t.sig.p))
		return PVDEV_DESC_SIGNATURE;
	if (t.issued_at > t.expires)
		return PVDEV_BATCH_TIME;
	out->payload = t.payload;
	out->kid = t.kid;
	out->batch = true;
	out->batch_not_after = t.expires;
	return PVDEV_OK;
}
