#include "lib/device/impl.h"

#define MANIFEST_FORMAT "provctl-manifest-1"

struct entry {
	struct cbor_bytes id;
	struct cbor_bytes digest; /* p NULL for a sealed component */
	uint64_t max_size;
	bool sealed;
};

enum pvdev_result pvdev_manifest_open(const struct pvdev_config *cfg,
				      struct cbor_bytes bytes,
				      const struct pvdev_binding *b,
				      struct cbor_bytes *payload)
{
	struct cose_msg m;
	uint8_t digest[32];

	if (bytes.len > PVDEV_MANIFEST_MAX ||
	    !cose_parse(&m, COSE_TAG_SIGN1, COSE_ALG_ES256, bytes.p, bytes.len,
			NULL) ||
	    !m.payload.p || m.kid.len != sizeof(cfg->bundle_kid))
		return PVDEV_MANIFEST_COSE;
	if (!pvdev_sha256(cfg, &m.payload, 1, digest))
		return PVDEV_CRYPTO;
	if (!pvdev_equal(b->manifest_hash, PVDEV_BYTES(digest, 32)))
		return PVDEV_MANIFEST_HASH;
	*payload = m.payload;
	/* A device without ECC trusts the manifest through binding 9. */
	if (cfg->form == PVDEV_FORM_MAC0)
		return PVDEV_OK;
	if (!pvdev_equal(m.kid,
			 PVDEV_BYTES(cfg->bundle_kid, sizeof(cfg->bundle_kid))))
		return PVDEV_MANIFEST_KID;
	if (!pvdev_sig_digest(cfg, m.protected_hdr, m.payload, digest))
		return PVDEV_CRYPTO;
	if (!cfg->crypto->p256_verify(cfg->crypto_ctx, cfg->bundle_point,
				      digest, m.auth.p))
		return PVDEV_MANIFEST_SIGNATURE;
	return PVDEV_OK;
}

/* {1: id, 2: version, 3: min-version, 4: sealed, 5: digest, 6: max-size} */
static bool read_entry(struct cbor_reader *r, struct entry *e)
{
	struct cbor_bytes text;
	uint64_t n;

	if (!cbor_get_map(r, &n) || !cbor_expect_uint(r, 1) ||
	    !pvdev_get_id(r, &e->id) || !cbor_expect_uint(r, 2) ||
	    !pvdev_get_text(r, PVDEV_VERSION_MAX, &text) ||
	    !cbor_expect_uint(r, 3) ||
	    !pvdev_get_text(r, PVDEV_VERSION_MAX, &text) ||
	    !cbor_expect_uint(r, 4) || !cbor_get_bool(r, &e->sealed) ||
	    n != (e->sealed ? 5u : 6u))
		return false;
	e->digest = PVDEV_BYTES(NULL, 0);
	if (!e->sealed && (!cbor_expect_uint(r, 5) ||
			   !pvdev_get_fixed(r, PVDEV_HASH_LEN, &e->digest)))
		return false;
	return cbor_expect_uint(r, 6) &&
	       pvdev_get_count(r, PVDEV_LEN_MAX, &e->max_size);
}

/* Place of the first component of this id; PVDEV_COMPONENTS_MAX: none. */
static unsigned place_of(struct cbor_bytes components, struct cbor_bytes id)
{
	struct cbor_reader r;
	struct entry e;
	uint64_t n;
	unsigned i;

	cbor_reader_init(&r, components.p, components.len);
	if (!cbor_get_array(&r, &n) || n > PVDEV_COMPONENTS_MAX)
		return PVDEV_COMPONENTS_MAX;
	for (i = 0; i < n; i++) {
		if (!read_entry(&r, &e))
			return PVDEV_COMPONENTS_MAX;
		if (pvdev_equal(e.id, id))
			return i;
	}
	return PVDEV_COMPONENTS_MAX;
}

/* Each id once. */
static bool components_ok(struct cbor_bytes components)
{
	struct cbor_reader r;
	struct entry e;
	uint64_t n, i;

	cbor_reader_init(&r, components.p, components.len);
	if (!cbor_get_array(&r, &n) || n < 1 || n > PVDEV_COMPONENTS_MAX)
		return false;
	for (i = 0; i < n; i++) {
		if (!read_entry(&r, &e) || place_of(components, e.id) != i)
			return false;
	}
	return cbor_done(&r);
}

/* [component-id, ...]: listed components, each once, at least one. */
static bool members_ok(struct cbor_reader *r, struct cbor_bytes components)
{
	struct cbor_bytes id;
	uint32_t seen = 0;
	uint64_t n;
	unsigned i;

	if (!cbor_get_array(r, &n) || n < 1 || n > PVDEV_COMPONENTS_MAX)
		return false;
	for (; n > 0; n--) {
		if (!pvdev_get_id(r, &id))
			return false;
		i = place_of(components, id);
		if (i == PVDEV_COMPONENTS_MAX || (seen >> i & 1u))
			return false;
		seen |= (uint32_t)1 << i;
	}
	return true;
}

/* {role: [component-id, ...]} */
static bool roles_ok(struct cbor_bytes roles, struct cbor_bytes components)
{
	struct cbor_reader r;
	struct cbor_bytes name;
	uint64_t n;

	cbor_reader_init(&r, roles.p, roles.len);
	if (!cbor_get_map(&r, &n) || n < 1 || n > PVDEV_ROLES_MAX)
		return false;
	for (; n > 0; n--) {
		if (!pvdev_get_id(&r, &name) || !members_ok(&r, components))
			return false;
	}
	return cbor_done(&r);
}

enum pvdev_result pvdev_manifest_parse(struct cbor_bytes payload,
				       struct pvdev_manifest *m)
{
	struct cbor_reader r;
	struct cbor_bytes text;
	uint64_t n;

	if (!cbor_valid(payload.p, payload.len, CBOR_DEPTH_MAX, NULL))
		return PVDEV_MANIFEST;
	cbor_reader_init(&r, payload.p, payload.len);
	if (!cbor_get_map(&r, &n) || n != 10 || !cbor_expect_uint(&r, 1) ||
	    !cbor_get_tstr(&r, &text) ||
	    !pvdev_equal_str(text, MANIFEST_FORMAT) ||
	    !cbor_expect_uint(&r, 2) ||
	    !pvdev_get_fixed(&r, PVDEV_UUID_LEN, &m->vendor) ||
	    !cbor_expect_uint(&r, 3) ||
	    !pvdev_get_fixed(&r, PVDEV_UUID_LEN, &m->class_id) ||
	    !cbor_expect_uint(&r, 4) ||
	    !pvdev_get_count(&r, PVDEV_SEQ_MAX, &m->sequence) ||
	    !cbor_expect_uint(&r, 5) || !cbor_get_uint(&r, &m->not_before) ||
	    !cbor_expect_uint(&r, 6) || !cbor_get_uint(&r, &m->not_after) ||
	    m->not_before > m->not_after || !cbor_expect_uint(&r, 7) ||
	    !cbor_skip(&r, &m->components) || !cbor_expect_uint(&r, 8) ||
	    !pvdev_get_text(&r, PVDEV_ORIGIN_MAX, &text) ||
	    !cbor_expect_uint(&r, 9) || !cbor_skip(&r, &m->roles) ||
	    !cbor_expect_uint(&r, 10) || !pvdev_get_id(&r, &m->stage) ||
	    !cbor_done(&r))
		return PVDEV_MANIFEST;
	return components_ok(m->components) && roles_ok(m->roles, m->components)
		       ? PVDEV_OK
		       : PVDEV_MANIFEST;
}

bool pvdev_manifest_role(const struct pvdev_manifest *m, struct cbor_bytes role,
			 struct cbor_bytes *ids)
{
	struct cbor_reader r;
	struct cbor_bytes name;
	uint64_t n;

	cbor_reader_init(&r, m->roles.p, m->roles.len);
	if (!cbor_get_map(&r, &n))
		return false;
	for (; n > 0; n--) {
		if (!cbor_get_tstr(&r, &name) || !cbor_skip(&r, ids))
			return false;
		if (pvdev_equal(name, role))
			return true;
	}
	return false;
}

static bool role_has(struct cbor_bytes ids, struct cbor_bytes id)
{
	struct cbor_reader r;
	struct cbor_bytes one;
	uint64_t n;

	cbor_reader_init(&r, ids.p, ids.len);
	if (!cbor_get_array(&r, &n))
		return false;
	for (; n > 0; n--) {
		if (cbor_get_tstr(&r, &one) && pvdev_equal(one, id))
			return true;
	}
	return false;
}

static bool match_entry(struct pvdev *d, const struct entry *e,
			unsigned *sealed, unsigned *clear)
{
	struct pvdev_component *c;

	if (e->sealed ? *sealed >= d->sealed_n : *clear >= d->clear_n)
		return false;
	c = &d->comp[e->sealed ? (*sealed)++ : d->sealed_n + (*clear)++];
	if (!pvdev_equal(e->id, PVDEV_BYTES(c->id, c->id_len)))
		return false;
	if (e->sealed)
		return c->len <= e->max_size;
	c->check = e->digest.p;
	c->len = (uint32_t)e->max_size;
	return true;
}

enum pvdev_result pvdev_manifest_match(struct pvdev *d,
				       const struct pvdev_manifest *m,
				       const struct pvdev_binding *b)
{
	struct cbor_reader r;
	struct cbor_bytes ids;
	struct entry e;
	uint64_t n;
	unsigned sealed = 0, clear = 0;

	if (!pvdev_manifest_role(m, b->role, &ids))
		return PVDEV_OTHER_ROLE;
	cbor_reader_init(&r, m->components.p, m->components.len);
	if (!cbor_get_array(&r, &n))
		return PVDEV_MANIFEST;
	for (; n > 0; n--) {
		if (!read_entry(&r, &e))
			return PVDEV_MANIFEST;
		if (role_has(ids, e.id) && !match_entry(d, &e, &sealed, &clear))
			return PVDEV_COMPONENTS;
	}
	return sealed == d->sealed_n && clear == d->clear_n ? PVDEV_OK
							    : PVDEV_COMPONENTS;
}
