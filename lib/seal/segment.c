/*
 * Segments: tagged COSE_Encrypt0 with the Partial IV as the only unprotected
 * header (formats.md 1). Nothing is allocated here.
 */
#include <string.h>

#include "lib/seal/bundle_impl.h"

/* bh || be16(i) || be32(k) || last */
#define AAD_LEN (SEAL_HASH_LEN + 2 + 4 + 1)
#define ENC_STRUCTURE_MAX 64
#define TAIL_LEN 5	   /* be32(k) || last: what differs by segment */
#define FULL_HEADER_LEN 16 /* of every full segment */

static const uint8_t segment_protected[] = { 0xa1, 0x01, 0x03 };

uint64_t seal_segments_len(uint64_t total, uint32_t chunk)
{
	uint64_t full = total / chunk, rest = total % chunk;
	uint64_t len = full * (chunk + SEAL_SEGMENT_OVERHEAD);
	uint8_t head[COSE_SEGMENT_HEADER_MAX];

	if (rest)
		len += cose_segment_header(head, 0, rest + GCM_TAG_LEN) + rest +
		       GCM_TAG_LEN;
	return len;
}

static void put_be32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

/* The Enc_structure with k and last zero; they are its last bytes. */
static size_t start_aad(uint8_t out[ENC_STRUCTURE_MAX],
			const uint8_t bh[SEAL_HASH_LEN], uint16_t component)
{
	struct cbor_bytes prot = { segment_protected,
				   sizeof(segment_protected) };
	uint8_t aad[AAD_LEN] = { 0 };
	struct cbor_bytes b = { aad, sizeof(aad) };
	struct cbor_writer w;

	memcpy(aad, bh, SEAL_HASH_LEN);
	aad[SEAL_HASH_LEN] = (uint8_t)(component >> 8);
	aad[SEAL_HASH_LEN + 1] = (uint8_t)component;
	cbor_writer_init(&w, out, ENC_STRUCTURE_MAX);
	cose_put_enc_structure(&w, prot, b);
	return w.len;
}

/* base-iv XOR be96(k) */
static void nonce_of(const uint8_t base[GCM_NONCE_LEN], uint32_t k,
		     uint8_t out[GCM_NONCE_LEN])
{
	memcpy(out, base, GCM_NONCE_LEN);
	out[8] ^= (uint8_t)(k >> 24);
	out[9] ^= (uint8_t)(k >> 16);
	out[10] ^= (uint8_t)(k >> 8);
	out[11] ^= (uint8_t)k;
}

enum pv_code seal_segments_put(struct gcm *gcm, const struct seal_keys *keys,
			       const uint8_t bh[static SEAL_HASH_LEN],
			       uint16_t component, const struct secret *plain,
			       uint32_t chunk, uint8_t *out, struct err *err)
{
	uint32_t n = (uint32_t)((plain->len + chunk - 1) / chunk);
	uint8_t aad[ENC_STRUCTURE_MAX], nonce[GCM_NONCE_LEN];
	struct span a = { aad, start_aad(aad, bh, component) };
	enum pv_code rc = gcm_key(gcm, keys->key, err);

	for (uint32_t k = 0; k < n && rc == PV_OK; k++) {
		struct span p = { plain->data + (size_t)k * chunk, chunk };

		if (k == n - 1)
			p.len = plain->len - (size_t)k * chunk;
		out += cose_segment_header(out, k, p.len + GCM_TAG_LEN);
		put_be32(aad + a.len - TAIL_LEN, k);
		aad[a.len - 1] = k == n - 1;
		nonce_of(keys->base_iv, k, nonce);
		rc = gcm_seal(gcm, nonce, a, p, out, err);
		out += p.len + GCM_TAG_LEN;
	}
	return rc;
}
