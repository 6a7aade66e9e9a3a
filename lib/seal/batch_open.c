#include <string.h>

#include "lib/seal/batch_impl.h"
#include "lib/seal/sign1.h"

/* A receipt while it is taken apart. */
struct receipt {
	struct seal_batch_view *view;
	struct cbor_bytes prot, proof;
	struct cbor_bytes path[BATCH_PATH_MAX];
	size_t path_n;
};

static struct span span_of(struct cbor_bytes b)
{
	return (struct span){ b.p, b.len };
}

static bool expect_int(struct cbor_reader *r, int64_t want)
{
	int64_t v;

	return cbor_get_int(r, &v) && v == want;
}

static bool get_claims(struct cbor_reader *r, struct seal_batch_view *v)
{
	struct cbor_bytes iss, sub;
	uint64_t n;

	if (!cbor_get_map(r, &n) || n != 5 ||
	    !cbor_expect_uint(r, BATCH_CLAIM_ISS) || !cbor_get_tstr(r, &iss) ||
	    !cbor_expect_uint(r, BATCH_CLAIM_SUB) || !cbor_get_tstr(r, &sub) ||
	    !cbor_expect_uint(r, BATCH_CLAIM_EXP) ||
	    !cbor_get_uint(r, &v->not_after_s) ||
	    !cbor_expect_uint(r, BATCH_CLAIM_IAT) ||
	    !cbor_get_uint(r, &v->iat_s) ||
	    !expect_int(r, BATCH_CLAIM_TREE_SIZE) ||
	    !cbor_get_uint(r, &v->tree_size))
		return false;
	v->authority = span_of(iss);
	return span_is(span_of(sub), SEAL_BATCH_SUBJECT) && iss.len > 0 &&
	       iss.len <= BATCH_NAME_MAX && v->iat_s <= v->not_after_s &&
	       v->tree_size >= SEAL_BATCH_MIN && v->tree_size <= SEAL_BATCH_MAX;
}

static bool get_protected(struct cbor_bytes prot, struct seal_batch_view *v)
{
	struct cbor_reader r;
	struct cbor_bytes kid;
	uint64_t n;

	if (!cbor_valid(prot.p, prot.len, CBOR_DEPTH_MAX, NULL))
		return false;
	cbor_reader_init(&r, prot.p, prot.len);
	if (!cbor_get_map(&r, &n) || n != 4 ||
	    !cbor_expect_uint(&r, BATCH_HEADER_ALG) ||
	    !expect_int(&r, COSE_ALG_ES256) ||
	    !cbor_expect_uint(&r, BATCH_HEADER_KID) ||
	    !cbor_get_bstr(&r, &kid) || kid.len != SEAL_KID_LEN ||
	    !cbor_expect_uint(&r, BATCH_HEADER_CLAIMS) || !get_claims(&r, v) ||
	    !cbor_expect_uint(&r, BATCH_HEADER_VDS) ||
	    !cbor_expect_uint(&r, BATCH_VDS_RFC9162))
		return false;
	v->kid = span_of(kid);
	return cbor_done(&r);
}

static bool get_proof(struct receipt *t)
{
	struct cbor_reader r;
	uint64_t parts, size, n;

	if (!cbor_valid(t->proof.p, t->proof.len, CBOR_DEPTH_MAX, NULL))
		return false;
	cbor_reader_init(&r, t->proof.p, t->proof.len);
	if (!cbor_get_array(&r, &parts) || parts != 3 ||
	    !cbor_get_uint(&r, &size) || size != t->view->tree_size ||
	    !cbor_get_uint(&r, &t->view->index) || t->view->index >= size ||
	    !cbor_get_array(&r, &n) || n > BATCH_PATH_MAX)
		return false;
	for (t->path_n = 0; t->path_n < n; t->path_n++) {
		struct cbor_bytes *p = &t->path[t->path_n];

		if (!cbor_get_bstr(&r, p) || p->len != 32)
			return false;
	}
	return cbor_done(&r);
}

static bool get_descriptor(struct cbor_reader *r, struct receipt *t)
{
	struct cbor_bytes payload, sig;
	uint64_t n, tag;

	if (!cbor_get_array(r, &n) || n != 2 || !cbor_get_bstr(r, &payload) ||
	    !cbor_get_tag(r, &tag) || tag != COSE_TAG_SIGN1 ||
	    !cbor_get_array(r, &n) || n != 4 || !cbor_get_bstr(r, &t->prot) ||
	    !cbor_get_map(r, &n) || n != 1 ||
	    !cbor_expect_uint(r, BATCH_HEADER_VDP) || !cbor_get_map(r, &n) ||
	    n != 1 || !expect_int(r, BATCH_PROOF_INCLUSION) ||
	    !cbor_get_array(r, &n) || n != 1 || !cbor_get_bstr(r, &t->proof) ||
	    !cbor_get_null(r) || !cbor_get_bstr(r, &sig) ||
	    sig.len != COSE_SIG_LEN || !cbor_done(r))
		return false;
	t->view->payload = span_of(payload);
	t->view->sig = span_of(sig);
	return get_protected(t->prot, t->view) && get_proof(t);
}

/* RFC 9162 2.1.3.2; *whole is false when the path has not the right length. */
static enum pv_code follow(const struct receipt *t, bool *whole,
			   struct err *err)
{
	uint64_t fn = t->view->index, sn = t->view->tree_size - 1;
	uint8_t *r = t->view->root;
	enum pv_code rc = seal_batch_leaf(t->view->payload, r, err);

	*whole = false;
	for (size_t i = 0; i < t->path_n && rc == PV_OK; i++) {
		const uint8_t *p = t->path[i].p;

		if (sn == 0)
			return PV_OK;
		if ((fn & 1) || fn == sn) {
			rc = seal_batch_node(p, r, r, err);
			for (; !(fn & 1) && fn; sn >>= 1)
				fn >>= 1;
		} else {
			rc = seal_batch_node(r, p, r, err);
		}
		fn >>= 1;
		sn >>= 1;
	}
	*whole = sn == 0;
	return rc;
}

enum pv_code seal_batch_open(struct span descriptor,
			     struct seal_batch_view *view, struct err *err)
{
	const char *why = "a field is missing, surplus or out of range";
	struct receipt t = { .view = view };
	struct cbor_reader r;
	bool whole = false;
	enum pv_code rc = PV_OK;

	memset(view, 0, sizeof(*view));
	if (cbor_valid(descriptor.p, descriptor.len, CBOR_DEPTH_MAX, &why)) {
		cbor_reader_init(&r, descriptor.p, descriptor.len);
		why = "a field is missing, surplus or out of range";
		if (get_descriptor(&r, &t)) {
			why = "its proof has the wrong length";
			rc = follow(&t, &whole, err);
		}
	}
	if (rc != PV_OK)
		return rc;
	if (!whole)
		return err_fail(err, PV_INPUT, "seal.batch",
				"take the bundle from the authority again",
				"batch descriptor: %s", why);
	return sign1_digest_of(span_of(t.prot), (struct span){ view->root, 32 },
			       view->digest, err);
}
