#include "lib/device/impl.h"

#define BINDING_FORMAT "provctl-bundle-1"
#define CHUNK_MIN 256u
#define CHUNK_MAX 4096u

static bool chunk_ok(uint64_t c)
{
	return c >= CHUNK_MIN && c <= CHUNK_MAX && (c & (c - 1)) == 0;
}

uint32_t pvdev_segments(const struct pvdev_component *c)
{
	return c->chunk ? (c->len - 1) / c->chunk + 1 : 0;
}

static struct pvdev_component *add(struct pvdev *d, struct cbor_bytes id)
{
	struct pvdev_component *c = &d->comp[d->sealed_n + d->clear_n];

	c->id = id.p;
	c->id_len = (uint8_t)id.len;
	return c;
}

/* [[component-id, chunk, total-len], ...] */
static bool parse_sealed(struct pvdev *d, struct cbor_reader *r)
{
	struct pvdev_component *c;
	struct cbor_bytes id;
	uint64_t n, parts, chunk, len;

	if (!cbor_get_array(r, &n) || n < 1 || n > PVDEV_COMPONENTS_MAX)
		return false;
	for (; n > 0; n--) {
		if (!cbor_get_array(r, &parts) || parts != 3 ||
		    !pvdev_get_id(r, &id) || !cbor_get_uint(r, &chunk) ||
		    !chunk_ok(chunk) ||
		    !pvdev_get_count(r, PVDEV_LEN_MAX, &len))
			return false;
		c = add(d, id);
		c->chunk = (uint16_t)chunk;
		c->len = (uint32_t)len;
		d->sealed_n++;
	}
	return true;
}

static bool parse_clear(struct pvdev *d, struct cbor_reader *r)
{
	struct cbor_bytes id;
	uint64_t n;

	if (!cbor_get_array(r, &n) || n > PVDEV_COMPONENTS_MAX - d->sealed_n)
		return false;
	for (; n > 0; n--) {
		if (!pvdev_get_id(r, &id))
			return false;
		add(d, id);
		d->clear_n++;
	}
	return true;
}

/* 8: [kind, recipient-key-id], a hash or the id of the KDF master. */
static bool parse_recipient(struct pvdev_binding *b, struct cbor_reader *r)
{
	uint64_t n;

	if (!cbor_get_array(r, &n) || n != 2 || !cbor_get_uint(r, &b->kind))
		return false;
	if (b->kind == PVDEV_KIND_P256)
		return pvdev_get_fixed(r, PVDEV_HASH_LEN, &b->key_id);
	return b->kind == PVDEV_KIND_KDF &&
	       pvdev_get_fixed(r, PVDEV_MASTER_ID_LEN, &b->key_id);
}

static enum pvdev_result parse_map(struct pvdev *d, struct cbor_reader *r,
				   struct pvdev_binding *b)
{
	struct cbor_bytes format;
	uint64_t n;

	if (!cbor_get_map(r, &n) || n < 9 || n > 10 ||
	    !cbor_expect_uint(r, 1) || !cbor_get_tstr(r, &format) ||
	    !pvdev_equal_str(format, BINDING_FORMAT) ||
	    !cbor_expect_uint(r, 2) ||
	    !pvdev_get_fixed(r, PVDEV_BUNDLE_ID_LEN, &b->bundle_id) ||
	    !cbor_expect_uint(r, 3) || !pvdev_get_id(r, &b->device_id) ||
	    !cbor_expect_uint(r, 4) || !pvdev_get_id(r, &b->role) ||
	    !cbor_expect_uint(r, 5) ||
	    !pvdev_get_count(r, PVDEV_SEQ_MAX, &b->seq))
		return PVDEV_BINDING;
	if (!cbor_expect_uint(r, 6) || !parse_sealed(d, r) ||
	    !cbor_expect_uint(r, 7) || !parse_clear(d, r))
		return PVDEV_BINDING_COMPONENTS;
	if (!cbor_expect_uint(r, 8) || !parse_recipient(b, r) ||
	    !cbor_expect_uint(r, 9) ||
	    !pvdev_get_fixed(r, PVDEV_HASH_LEN, &b->manifest_hash))
		return PVDEV_BINDING;
	b->evidence_hash = PVDEV_BYTES(NULL, 0);
	if (n == 10 && (!cbor_expect_uint(r, 10) ||
			!pvdev_get_fixed(r, PVDEV_HASH_LEN, &b->evidence_hash)))
		return PVDEV_BINDING;
	return PVDEV_OK;
}

/* [[commit, mac], ...], one pair a sealed component */
static bool parse_pairs(struct pvdev *d, struct cbor_reader *r)
{
	struct cbor_bytes commit, mac;
	uint64_t n, parts;
	unsigned i;

	if (!cbor_get_array(r, &n) || n != d->sealed_n)
		return false;
	for (i = 0; i < d->sealed_n; i++) {
		if (!cbor_get_array(r, &parts) || parts != 2 ||
		    !pvdev_get_fixed(r, PVDEV_HASH_LEN, &commit) ||
		    !pvdev_get_fixed(r, PVDEV_HASH_LEN, &mac))
			return false;
		d->comp[i].commit = commit.p;
		d->comp[i].check = mac.p;
	}
	return true;
}

enum pvdev_result pvdev_binding(struct pvdev *d, struct cbor_bytes payload,
				struct pvdev_binding *b)
{
	enum pvdev_result result;
	struct cbor_reader r;
	uint64_t n;

	if (payload.len > PVDEV_PAYLOAD_MAX ||
	    !cbor_valid(payload.p, payload.len, CBOR_DEPTH_MAX, NULL))
		return PVDEV_DESC_PAYLOAD;
	cbor_reader_init(&r, payload.p, payload.len);
	if (!cbor_get_array(&r, &n) || n != 3)
		return PVDEV_DESC_PAYLOAD;
	b->bytes.p = payload.p + r.pos;
	result = parse_map(d, &r, b);
	if (result != PVDEV_OK)
		return result;
	b->bytes.len = (size_t)(payload.p + r.pos - b->bytes.p);
	if (!cbor_get_bstr(&r, &b->envelope) || !parse_pairs(d, &r) ||
	    !cbor_done(&r))
		return PVDEV_DESC_PAYLOAD;
	return PVDEV_OK;
}
