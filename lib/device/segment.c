#include "lib/device/impl.h"

#define PIV_AT 9u /* of the Partial IV in a segment's header */
#define HEADER_MIN 14u
#define PIECE 64u /* bytes read back at a time */

/* RFC 9052 Enc_structure of formats.md 1, with its 39 bytes of external_aad. */
#define SEGMENT_AAD_LEN (PVDEV_HASH_LEN + 2 + 4 + 1)
#define ENC_STRUCTURE_LEN (1 + 9 + 6 + 2 + SEGMENT_AAD_LEN)

static const uint8_t segment_protected[] = { 0xa1, 0x01, 0x03 };

static bool bit_is_set(const struct pvdev *d, uint32_t bit)
{
	return d->cfg->seen[bit / 8] & (1u << bit % 8);
}

static void bit_set(struct pvdev *d, uint32_t bit)
{
	d->cfg->seen[bit / 8] =
		(uint8_t)(d->cfg->seen[bit / 8] | (1u << bit % 8));
}

bool pvdev_segment_number(const uint8_t *seg, size_t len, uint32_t *k)
{
	if (len < HEADER_MIN)
		return false;
	*k = (uint32_t)seg[PIV_AT] << 24 | (uint32_t)seg[PIV_AT + 1] << 16 |
	     (uint32_t)seg[PIV_AT + 2] << 8 | seg[PIV_AT + 3];
	return true;
}

/* Plaintext bytes of segment k. */
static uint32_t plain_len(const struct pvdev_component *c, uint32_t k)
{
	uint32_t offset = k * c->chunk;

	return c->len - offset < c->chunk ? c->len - offset : c->chunk;
}

static bool open_segment(struct pvdev *d, unsigned i, uint32_t k, uint8_t *p,
			 size_t len)
{
	const struct pvdev_config *cfg = d->cfg;
	uint8_t aad[SEGMENT_AAD_LEN], whole[ENC_STRUCTURE_LEN];
	uint8_t nonce[PVDEV_NONCE_LEN], number[4];
	struct cbor_writer w;
	size_t n;

	memcpy(aad, d->facts.bh, PVDEV_HASH_LEN);
	pvdev_be16(aad + PVDEV_HASH_LEN, i);
	pvdev_be32(aad + PVDEV_HASH_LEN + 2, k);
	aad[PVDEV_HASH_LEN + 6] = k + 1 == pvdev_segments(&d->comp[i]);
	cbor_writer_init(&w, whole, sizeof(whole));
	cose_put_enc_structure(
		&w, PVDEV_BYTES(segment_protected, sizeof(segment_protected)),
		PVDEV_BYTES(aad, sizeof(aad)));
	memcpy(nonce, d->keys + PVDEV_KEY_LEN, sizeof(nonce));
	pvdev_be32(number, k);
	for (n = 0; n < 4; n++)
		nonce[PVDEV_NONCE_LEN - 4 + n] ^= number[n];
	return cbor_writer_ok(&w) &&
	       cfg->crypto->gcm_open(cfg->crypto_ctx, d->keys, nonce, whole,
				     w.len, p, len);
}

/* Do the stored bytes equal these? */
static enum pvdev_result compare_stored(const struct pvdev *d, unsigned i,
					uint32_t offset, const uint8_t *p,
					size_t len)
{
	const struct pvdev_config *cfg = d->cfg;
	uint8_t piece[PIECE];
	bool same = true;
	size_t n;

	for (; len > 0 && same; len -= n, p += n, offset += (uint32_t)n) {
		n = len < PIECE ? len : PIECE;
		if (!cfg->storage->read_back(cfg->storage_ctx, i, offset, piece,
					     n))
			return PVDEV_STORAGE;
		same = pvdev_same(piece, p, n);
	}
	pvdev_wipe(piece, sizeof(piece));
	return same ? PVDEV_OK : PVDEV_SEGMENT_CONFLICT;
}

static enum pvdev_result store(struct pvdev *d, unsigned i, uint32_t k,
			       const uint8_t *p, size_t len)
{
	const struct pvdev_config *cfg = d->cfg;
	const struct pvdev_component *c = &d->comp[i];
	uint32_t offset = k * c->chunk;

	if (bit_is_set(d, c->first_bit + k))
		return compare_stored(d, i, offset, p, len);
	if (!cfg->storage->stage(cfg->storage_ctx, i, offset, p, len))
		return PVDEV_STORAGE;
	bit_set(d, c->first_bit + k);
	return PVDEV_OK;
}

static enum pvdev_result take_segment(struct pvdev *d, unsigned i, uint8_t *seg,
				      size_t len)
{
	uint8_t header[COSE_SEGMENT_HEADER_MAX];
	enum pvdev_result r;
	size_t header_len, body;
	uint32_t k;

	if (i >= d->sealed_n)
		return PVDEV_SEGMENT_INDEX;
	if (!pvdev_segment_number(seg, len, &k))
		return PVDEV_SEGMENT_LENGTH;
	if (k >= pvdev_segments(&d->comp[i]))
		return PVDEV_SEGMENT_INDEX;
	body = plain_len(&d->comp[i], k);
	header_len = cose_segment_header(header, k, body + PVDEV_TAG_LEN);
	if (len != header_len + body + PVDEV_TAG_LEN)
		return PVDEV_SEGMENT_LENGTH;
	if (memcmp(seg, header, header_len) != 0)
		return PVDEV_SEGMENT_HEADER;
	if (!pvdev_keys(d, i, NULL))
		return PVDEV_CRYPTO;
	r = open_segment(d, i, k, seg + header_len, body)
		    ? store(d, i, k, seg + header_len, body)
		    : PVDEV_SEGMENT_TAG;
	pvdev_wipe(seg + header_len, body);
	return r;
}

enum pvdev_result pvdev_segment(struct pvdev *d, unsigned i, uint8_t *seg,
				size_t len)
{
	if (d->state != PVDEV_RECEIVING)
		return PVDEV_STATE;
	return pvdev_ended(d, take_segment(d, i, seg, len));
}

static enum pvdev_result take_clear(struct pvdev *d, unsigned j,
				    const uint8_t *p, size_t len)
{
	const struct pvdev_config *cfg = d->cfg;
	struct cbor_bytes bytes = { p, len };
	struct pvdev_component *c;
	uint8_t digest[PVDEV_HASH_LEN];

	if (j >= d->clear_n)
		return PVDEV_CLEAR_INDEX;
	c = &d->comp[d->sealed_n + j];
	if (len < 1 || len > c->len)
		return PVDEV_CLEAR_SIZE;
	if (!pvdev_sha256(cfg, &bytes, 1, digest))
		return PVDEV_CRYPTO;
	if (!pvdev_same(digest, c->check, sizeof(digest)))
		return PVDEV_CLEAR_DIGEST;
	if (!cfg->storage->stage(cfg->storage_ctx, d->sealed_n + j, 0, p, len))
		return PVDEV_STORAGE;
	c->len = (uint32_t)len;
	c->given = true;
	return PVDEV_OK;
}

enum pvdev_result pvdev_clear(struct pvdev *d, unsigned j, const uint8_t *p,
			      size_t len)
{
	if (d->state != PVDEV_RECEIVING)
		return PVDEV_STATE;
	return pvdev_ended(d, take_clear(d, j, p, len));
}

static bool all_present(const struct pvdev *d)
{
	const struct pvdev_component *c;
	uint32_t k;
	unsigned i;

	for (i = 0; i < d->sealed_n; i++) {
		c = &d->comp[i];
		for (k = 0; k < pvdev_segments(c); k++) {
			if (!bit_is_set(d, c->first_bit + k))
				return false;
		}
	}
	for (i = 0; i < d->clear_n; i++) {
		if (!d->comp[d->sealed_n + i].given)
			return false;
	}
	return true;
}

/* mac(i) over what storage reads back, so also over what it stored. */
static enum pvdev_result check_mac(struct pvdev *d, unsigned i)
{
	const struct pvdev_config *cfg = d->cfg;
	const struct pvdev_component *c = &d->comp[i];
	const uint8_t *dk = d->keys + PVDEV_KEY_LEN + PVDEV_NONCE_LEN;
	uint8_t piece[PIECE], mac[PVDEV_HASH_LEN];
	enum pvdev_result r = PVDEV_OK;
	uint32_t at, n;

	if (!pvdev_keys(d, i, NULL) ||
	    !cfg->crypto->hmac_begin(cfg->crypto_ctx, dk, PVDEV_KEY_LEN))
		return PVDEV_CRYPTO;
	for (at = 0; at < c->len && r == PVDEV_OK; at += n) {
		n = c->len - at < PIECE ? c->len - at : PIECE;
		if (!cfg->storage->read_back(cfg->storage_ctx, i, at, piece, n))
			r = PVDEV_STORAGE;
		else if (!cfg->crypto->hmac_update(cfg->crypto_ctx, piece, n))
			r = PVDEV_CRYPTO;
	}
	pvdev_wipe(piece, sizeof(piece));
	if (r != PVDEV_OK)
		return r;
	if (!cfg->crypto->hmac_final(cfg->crypto_ctx, mac))
		return PVDEV_CRYPTO;
	return pvdev_same(mac, c->check, sizeof(mac)) ? PVDEV_OK : PVDEV_MAC;
}

static enum pvdev_result finish(struct pvdev *d)
{
	enum pvdev_result r;
	unsigned i;

	if (!all_present(d))
		return PVDEV_INCOMPLETE;
	for (i = 0; i < d->sealed_n; i++) {
		r = check_mac(d, i);
		if (r != PVDEV_OK)
			return r;
	}
	return d->cfg->storage->activate(d->cfg->storage_ctx, d,
					 d->manifest_seq, &d->facts);
}

enum pvdev_result pvdev_finish(struct pvdev *d)
{
	enum pvdev_result r;

	if (d->state != PVDEV_RECEIVING)
		return PVDEV_STATE;
	r = pvdev_ended(d, finish(d));
	if (r == PVDEV_OK) {
		d->state = PVDEV_DONE;
		pvdev_abort(d);
	}
	return r;
}
