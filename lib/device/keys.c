#include "lib/device/impl.h"

#define SEAL_LABEL "provctl/seal/v1"
#define KEM_LABEL "provctl/seal-kem/v1"
#define OKM_LEN 108u  /* commit, key, base-iv, dk */
#define OKM_BLOCKS 4u /* of HMAC-SHA256 */

/* The constants' terminating NUL is the 00 behind each label. */
static enum pvdev_result open_p256(struct pvdev *d,
				   const struct pvdev_binding *b)
{
	const struct pvdev_config *cfg = d->cfg;
	uint8_t info[sizeof(KEM_LABEL) + PVDEV_HASH_LEN];
	uint8_t key[PVDEV_KEY_LEN], nonce[PVDEV_NONCE_LEN];
	uint8_t box[PVDEV_KEY_LEN + PVDEV_TAG_LEN];
	bool ok;

	memcpy(info, KEM_LABEL, sizeof(KEM_LABEL));
	memcpy(info + sizeof(KEM_LABEL), d->facts.bh, PVDEV_HASH_LEN);
	memcpy(box, b->envelope.p + PVDEV_POINT_LEN, sizeof(box));
	ok = pvdev_hpke_schedule(cfg, b->envelope.p,
				 PVDEV_BYTES(info, sizeof(info)), key, nonce) &&
	     cfg->crypto->gcm_open(cfg->crypto_ctx, key, nonce, NULL, 0, box,
				   PVDEV_KEY_LEN);
	if (ok)
		memcpy(d->bs, box, PVDEV_KEY_LEN);
	pvdev_wipe(key, sizeof(key));
	pvdev_wipe(nonce, sizeof(nonce));
	pvdev_wipe(box, sizeof(box));
	return ok ? PVDEV_OK : PVDEV_ENVELOPE;
}

enum pvdev_result pvdev_envelope(struct pvdev *d, const struct pvdev_binding *b)
{
	const struct pvdev_config *cfg = d->cfg;
	bool p256 = cfg->kind == PVDEV_KIND_P256;

	if (b->kind != (uint64_t)cfg->kind ||
	    b->envelope.len != (p256 ? PVDEV_ENVELOPE_P256_LEN : PVDEV_KW_LEN))
		return PVDEV_ENVELOPE_KIND;
	if ((p256 || cfg->key_id_len > 0) &&
	    !pvdev_equal(b->key_id, PVDEV_BYTES(cfg->key_id, cfg->key_id_len)))
		return PVDEV_ENVELOPE_KEY;
	if (p256)
		return b->envelope.p[0] == PVDEV_POINT_FORM ? open_p256(d, b)
							    : PVDEV_ENVELOPE;
	if (!cfg->crypto->kw_unwrap(cfg->crypto_ctx, b->envelope.p, d->bs))
		return PVDEV_ENVELOPE;
	return PVDEV_OK;
}

/* HKDF-Expand (RFC 5869 2.3) from BS, which is uniform: no extract step. */
static bool expand(const struct pvdev *d, unsigned i,
		   uint8_t okm[OKM_BLOCKS * PVDEV_HASH_LEN])
{
	struct cbor_bytes parts[5];
	uint8_t place[2], counter;

	pvdev_be16(place, i);
	parts[1] = PVDEV_BYTES((const uint8_t *)SEAL_LABEL, sizeof(SEAL_LABEL));
	parts[2] = PVDEV_BYTES(d->facts.bh, PVDEV_HASH_LEN);
	parts[3] = PVDEV_BYTES(place, sizeof(place));
	parts[4] = PVDEV_BYTES(&counter, 1);
	for (counter = 1; counter <= OKM_BLOCKS; counter++) {
		uint8_t *block = okm + (counter - 1u) * PVDEV_HASH_LEN;

		parts[0] = counter == 1 ? PVDEV_BYTES(NULL, 0)
					: PVDEV_BYTES(block - PVDEV_HASH_LEN,
						      PVDEV_HASH_LEN);
		if (!pvdev_hmac(d->cfg, d->bs, sizeof(d->bs), parts, 5, block))
			return false;
	}
	return true;
}

bool pvdev_keys(struct pvdev *d, unsigned i, uint8_t commit[32])
{
	uint8_t okm[OKM_BLOCKS * PVDEV_HASH_LEN];
	bool ok;

	if (!commit && d->keys_of == i)
		return true;
	ok = expand(d, i, okm);
	if (ok && commit)
		memcpy(commit, okm, PVDEV_HASH_LEN);
	if (ok)
		memcpy(d->keys, okm + PVDEV_HASH_LEN, sizeof(d->keys));
	d->keys_of = ok ? i : PVDEV_COMPONENTS_MAX;
	pvdev_wipe(okm, sizeof(okm));
	return ok;
}
