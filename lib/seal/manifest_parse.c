#include <string.h>

#include "lib/base/cose.h"
#include "lib/base/sha256.h"
#include "lib/seal/manifest_impl.h"
#include "lib/seal/sign1.h"

static bool get_text(struct cbor_reader *r, char *out, size_t max)
{
	struct cbor_bytes t;

	if (!cbor_get_tstr(r, &t) || t.len > max ||
	    (t.len && memchr(t.p, 0, t.len)))
		return false;
	memcpy(out, t.p, t.len);
	out[t.len] = '\0';
	return true;
}

static bool get_fixed(struct cbor_reader *r, uint8_t *out, size_t len)
{
	struct cbor_bytes b;

	if (!cbor_get_bstr(r, &b) || b.len != len)
		return false;
	memcpy(out, b.p, len);
	return true;
}

static bool get_component(struct cbor_reader *r, struct manifest_component *c)
{
	uint64_t pairs;

	if (!cbor_get_map(r, &pairs) || !cbor_expect_uint(r, MANIFEST_C_ID) ||
	    !get_text(r, c->id, MANIFEST_NAME_MAX) ||
	    !cbor_expect_uint(r, MANIFEST_C_VERSION) ||
	    !get_text(r, c->version, MANIFEST_NAME_MAX) ||
	    !cbor_expect_uint(r, MANIFEST_C_MIN_VERSION) ||
	    !get_text(r, c->min_version, MANIFEST_NAME_MAX) ||
	    !cbor_expect_uint(r, MANIFEST_C_SEALED) ||
	    !cbor_get_bool(r, &c->sealed))
		return false;
	if (pairs != (c->sealed ? 5u : 6u))
		return false;
	if (!c->sealed && (!cbor_expect_uint(r, MANIFEST_C_DIGEST) ||
			   !get_fixed(r, c->digest, sizeof(c->digest))))
		return false;
	return cbor_expect_uint(r, MANIFEST_C_MAX_SIZE) &&
	       cbor_get_uint(r, &c->max_size);
}

static bool get_components(struct cbor_reader *r, struct manifest *m)
{
	uint64_t n;

	if (!cbor_expect_uint(r, MANIFEST_COMPONENTS) ||
	    !cbor_get_array(r, &n) || n > MANIFEST_COMPONENTS_MAX)
		return false;
	m->components_n = (size_t)n;
	for (size_t i = 0; i < m->components_n; i++)
		if (!get_component(r, &m->components[i]))
			return false;
	return true;
}

/* Sets the bit of a listed component; false when unknown or set already. */
static bool get_member(struct cbor_reader *r, const struct manifest *m,
		       struct manifest_role *role)
{
	char id[MANIFEST_NAME_MAX + 1];

	if (!get_text(r, id, MANIFEST_NAME_MAX))
		return false;
	for (size_t i = 0; i < m->components_n; i++) {
		if (strcmp(m->components[i].id, id) != 0)
			continue;
		if (role->components >> i & 1)
			return false;
		role->components |= 1u << i;
		return true;
	}
	return false;
}

static bool get_roles(struct cbor_reader *r, struct manifest *m)
{
	uint64_t n, members;

	if (!cbor_expect_uint(r, MANIFEST_ROLES) || !cbor_get_map(r, &n) ||
	    n > MANIFEST_ROLES_MAX)
		return false;
	m->roles_n = (size_t)n;
	for (size_t i = 0; i < m->roles_n; i++) {
		if (!get_text(r, m->roles[i].name, MANIFEST_NAME_MAX) ||
		    !cbor_get_array(r, &members))
			return false;
		for (uint64_t j = 0; j < members; j++)
			if (!get_member(r, m, &m->roles[i]))
				return false;
	}
	return true;
}

static bool get_payload(struct cbor_reader *r, struct manifest *m)
{
	struct cbor_bytes name;
	uint64_t pairs;

	return cbor_get_map(r, &pairs) && pairs == MANIFEST_PAIRS &&
	       cbor_expect_uint(r, MANIFEST_FORMAT) &&
	       cbor_get_tstr(r, &name) &&
	       span_is((struct span){ name.p, name.len }, MANIFEST_NAME) &&
	       cbor_expect_uint(r, MANIFEST_VENDOR) &&
	       get_fixed(r, m->vendor, sizeof(m->vendor)) &&
	       cbor_expect_uint(r, MANIFEST_CLASS) &&
	       get_fixed(r, m->class_id, sizeof(m->class_id)) &&
	       cbor_expect_uint(r, MANIFEST_SEQUENCE) &&
	       cbor_get_uint(r, &m->sequence) &&
	       cbor_expect_uint(r, MANIFEST_NOT_BEFORE) &&
	       cbor_get_uint(r, &m->not_before_s) &&
	       cbor_expect_uint(r, MANIFEST_NOT_AFTER) &&
	       cbor_get_uint(r, &m->not_after_s) && get_components(r, m) &&
	       cbor_expect_uint(r, MANIFEST_ORIGIN) &&
	       get_text(r, m->origin, MANIFEST_ORIGIN_MAX) && get_roles(r, m) &&
	       cbor_expect_uint(r, MANIFEST_STAGE) &&
	       get_text(r, m->stage, MANIFEST_NAME_MAX) && cbor_done(r);
}

static enum pv_code parse_payload(struct span payload, struct manifest *m,
				  struct err *err)
{
	struct cbor_reader r;
	const char *why = "a field is missing, surplus or of a wrong type";

	memset(m, 0, sizeof(*m));
	if (cbor_valid(payload.p, payload.len, CBOR_DEPTH_MAX, &why)) {
		cbor_reader_init(&r, payload.p, payload.len);
		if (get_payload(&r, m))
			return manifest_check(m, err);
	}
	return err_fail(err, PV_INPUT, "manifest.format",
			"take the manifest from the authority again",
			"manifest: %s", why);
}

enum pv_code manifest_parse(struct span message, struct manifest *m,
			    struct manifest_parts *parts, struct err *err)
{
	struct manifest scratch;
	struct cose_msg msg;
	const char *why = NULL;
	enum pv_code rc;

	if (message.len > MANIFEST_SIZE_MAX ||
	    !cose_parse(&msg, COSE_TAG_SIGN1, COSE_ALG_ES256, message.p,
			message.len, &why) ||
	    !msg.payload.p || msg.kid.len != MANIFEST_KID_LEN)
		return err_fail(err, PV_INPUT, "manifest.format",
				"take the manifest from the authority again",
				"manifest: %s",
				why ? why : "not a signed manifest");
	parts->payload = (struct span){ msg.payload.p, msg.payload.len };
	parts->kid = (struct span){ msg.kid.p, msg.kid.len };
	parts->sig = (struct span){ msg.auth.p, msg.auth.len };
	rc = parse_payload(parts->payload, m ? m : &scratch, err);
	if (rc == PV_OK)
		rc = sha256(parts->payload, parts->payload_sha256, err);
	if (rc == PV_OK)
		rc = sign1_digest_of((struct span){ msg.protected_hdr.p,
						    msg.protected_hdr.len },
				     parts->payload, parts->digest, err);
	return rc;
}
