#include <string.h>

#include "lib/base/fileio.h"
#include "lib/base/sha256.h"
#include "lib/seal/batch.h"
#include "lib/seal/bundle_impl.h"
#include "lib/seal/sign1.h"

#define HINT "take the bundle from the authority again"

static bool get_name(struct cbor_reader *r, char out[SEAL_NAME_MAX + 1])
{
	struct cbor_bytes t;

	if (!cbor_get_tstr(r, &t) || !name_is_safe((const char *)t.p, t.len))
		return false;
	memcpy(out, t.p, t.len);
	out[t.len] = '\0';
	return true;
}

static bool get_fixed(struct cbor_reader *r, size_t len, struct span *out)
{
	struct cbor_bytes b;

	if (!cbor_get_bstr(r, &b) || b.len != len)
		return false;
	*out = (struct span){ b.p, b.len };
	return true;
}

static bool get_sealed(struct cbor_reader *r, struct seal_view *v)
{
	uint64_t n, parts, chunk;

	if (!cbor_expect_uint(r, SEAL_B_SEALED) || !cbor_get_array(r, &n) ||
	    n == 0 || n > SEAL_COMPONENTS_MAX)
		return false;
	v->sealed_n = (size_t)n;
	for (size_t i = 0; i < v->sealed_n; i++) {
		struct seal_view_component *c = &v->sealed[i];

		if (!cbor_get_array(r, &parts) || parts != 3 ||
		    !get_name(r, c->id) || !cbor_get_uint(r, &chunk) ||
		    !seal_chunk_ok(chunk) || !cbor_get_uint(r, &c->total) ||
		    c->total == 0 || c->total > SEAL_TOTAL_MAX)
			return false;
		c->chunk = (uint32_t)chunk;
	}
	return true;
}

static bool get_clear(struct cbor_reader *r, struct seal_view *v)
{
	uint64_t n;

	if (!cbor_expect_uint(r, SEAL_B_CLEAR) || !cbor_get_array(r, &n) ||
	    n > SEAL_COMPONENTS_MAX - v->sealed_n)
		return false;
	v->clear_n = (size_t)n;
	for (size_t i = 0; i < v->clear_n; i++)
		if (!get_name(r, v->clear[i]))
			return false;
	return true;
}

static bool get_recipient(struct cbor_reader *r, struct seal_view *v)
{
	uint64_t parts, kind;

	if (!cbor_expect_uint(r, SEAL_B_RECIPIENT) ||
	    !cbor_get_array(r, &parts) || parts != 2 ||
	    !cbor_get_uint(r, &kind) ||
	    (kind != SEAL_KIND_KEM && kind != SEAL_KIND_KEK))
		return false;
	v->kind = (enum seal_kind)kind;
	return get_fixed(
		r, kind == SEAL_KIND_KEM ? SEAL_KEY_ID_LEN : SEAL_MASTER_ID_LEN,
		&v->key_id);
}

static bool get_binding(struct cbor_reader *r, struct seal_view *v)
{
	struct cbor_bytes format;
	struct span id;
	uint64_t pairs;

	if (!cbor_get_map(r, &pairs) || (pairs != 9 && pairs != 10) ||
	    !cbor_expect_uint(r, SEAL_B_FORMAT) || !cbor_get_tstr(r, &format) ||
	    !span_is((struct span){ format.p, format.len }, SEAL_FORMAT) ||
	    !cbor_expect_uint(r, SEAL_B_BUNDLE) ||
	    !get_fixed(r, SEAL_ID_LEN, &id) ||
	    !cbor_expect_uint(r, SEAL_B_DEVICE) || !get_name(r, v->device_id) ||
	    !cbor_expect_uint(r, SEAL_B_ROLE) || !get_name(r, v->role) ||
	    !cbor_expect_uint(r, SEAL_B_SEQ) || !cbor_get_uint(r, &v->seq) ||
	    v->seq == 0 || v->seq > INT64_MAX)
		return false;
	memcpy(v->bundle_id, id.p, SEAL_ID_LEN);
	if (!get_sealed(r, v) || !get_clear(r, v) || !get_recipient(r, v) ||
	    !cbor_expect_uint(r, SEAL_B_MANIFEST) ||
	    !get_fixed(r, SEAL_HASH_LEN, &v->manifest_sha256))
		return false;
	return pairs == 9 || (cbor_expect_uint(r, SEAL_B_EVIDENCE) &&
			      get_fixed(r, SEAL_HASH_LEN, &v->evidence_sha256));
}

static bool get_checks(struct cbor_reader *r, struct seal_view *v)
{
	uint64_t n, parts;

	if (!cbor_get_array(r, &n) || n != v->sealed_n)
		return false;
	for (size_t i = 0; i < v->sealed_n; i++)
		if (!cbor_get_array(r, &parts) || parts != 2 ||
		    !get_fixed(r, SEAL_HASH_LEN, &v->sealed[i].commit) ||
		    !get_fixed(r, SEAL_HASH_LEN, &v->sealed[i].mac))
			return false;
	return true;
}

static bool get_payload(struct cbor_reader *r, struct seal_view *v)
{
	struct cbor_reader inner;
	struct cbor_bytes binding;
	uint64_t parts;

	if (!cbor_get_array(r, &parts) || parts != 3 || !cbor_skip(r, &binding))
		return false;
	v->binding = (struct span){ binding.p, binding.len };
	cbor_reader_init(&inner, binding.p, binding.len);
	return get_binding(&inner, v) && cbor_done(&inner) &&
	       get_fixed(r,
			 v->kind == SEAL_KIND_KEM ? SEAL_ENVELOPE_KEM
						  : SEAL_ENVELOPE_KEK,
			 &v->envelope) &&
	       get_checks(r, v) && cbor_done(r);
}

static bool doubled(const struct seal_view *v)
{
	const char *ids[SEAL_COMPONENTS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < v->sealed_n; i++)
		ids[n++] = v->sealed[i].id;
	for (size_t i = 0; i < v->clear_n; i++)
		ids[n++] = v->clear[i];
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(ids[i], ids[j]) == 0)
				return true;
	return false;
}

enum pv_code seal_payload_parse(struct span payload, struct seal_view *view,
				struct err *err)
{
	const char *why = "a field is missing, surplus or of a wrong type";
	struct cbor_reader r;

	memset(view, 0, sizeof(*view));
	view->payload = payload;
	if (payload.len > SEAL_DESCRIPTOR_MAX)
		return err_fail(err, PV_INPUT, "seal.descriptor", HINT,
				"a descriptor of %zu bytes is too long",
				payload.len);
	if (cbor_valid(payload.p, payload.len, CBOR_DEPTH_MAX, &why)) {
		cbor_reader_init(&r, payload.p, payload.len);
		why = "a field is missing, surplus or of a wrong type";
		if (get_payload(&r, view)) {
			if (!doubled(view))
				return sha256(view->binding, view->bh, err);
			why = "a component stands twice";
		}
	}
	return err_fail(err, PV_INPUT, "seal.descriptor", HINT,
			"descriptor: %s", why);
}

static enum pv_code parse_message(struct span bytes, uint64_t tag, int64_t alg,
				  struct seal_view *view, struct err *err)
{
	size_t kid_len =
		tag == COSE_TAG_SIGN1 ? SEAL_KID_LEN : SEAL_MASTER_ID_LEN;
	const char *why = "the payload or the key id is wrong";
	struct cose_msg msg;
	enum pv_code rc;

	if (!cose_parse(&msg, tag, alg, bytes.p, bytes.len, &why) ||
	    !msg.payload.p || msg.kid.len != kid_len)
		return err_fail(err, PV_INPUT, "seal.descriptor", HINT,
				"descriptor: %s", why);
	rc = seal_payload_parse((struct span){ msg.payload.p, msg.payload.len },
				view, err);
	view->kid = (struct span){ msg.kid.p, msg.kid.len };
	view->auth = (struct span){ msg.auth.p, msg.auth.len };
	if (rc == PV_OK && tag == COSE_TAG_MAC0 &&
	    (view->kind != SEAL_KIND_KEK ||
	     !span_equal(view->kid, view->key_id)))
		return err_fail(err, PV_INPUT, "seal.descriptor", HINT,
				"descriptor: mac0 without its master's id");
	return rc;
}

static enum pv_code parse_batch(struct span bytes, struct seal_view *view,
				struct err *err)
{
	struct seal_batch_view b;
	enum pv_code rc = seal_batch_open(bytes, &b, err);

	if (rc == PV_OK)
		rc = seal_payload_parse(b.payload, view, err);
	if (rc == PV_OK) {
		view->form = SEAL_FORM_BATCH;
		view->kid = b.kid;
		view->auth = b.sig;
	}
	return rc;
}

enum pv_code seal_descriptor_parse(struct span bytes, struct seal_view *view,
				   struct err *err)
{
	uint8_t first = bytes.len ? bytes.p[0] : 0;
	enum pv_code rc;

	memset(view, 0, sizeof(*view));
	if (first == (0xc0 | COSE_TAG_SIGN1))
		return parse_message(bytes, COSE_TAG_SIGN1, COSE_ALG_ES256,
				     view, err);
	if (first != (0xc0 | COSE_TAG_MAC0))
		return parse_batch(bytes, view, err);
	rc = parse_message(bytes, COSE_TAG_MAC0, COSE_ALG_HMAC256, view, err);
	view->form = SEAL_FORM_MAC0;
	return rc;
}
