/*
 * HPKE base mode, receiver's side: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256,
 * AES-256-GCM (RFC 9180 4.1, 5.1, 7). Every expansion here fits one block.
 */
#include "lib/device/impl.h"

#define VERSION PVDEV_TEXT("HPKE-v1")
#define HASH_LEN PVDEV_HASH_LEN
#define CONTEXT_LEN (1 + 2 * HASH_LEN)

static const uint8_t kem_suite[] = { 'K', 'E', 'M', 0x00, 0x10 };
static const uint8_t hpke_suite[] = { 'H',  'P',  'K',	'E',  0x00,
				      0x10, 0x00, 0x01, 0x00, 0x02 };
/* HMAC pads its key with zeros, so this is the empty salt of RFC 5869 2.2. */
static const uint8_t no_salt[HASH_LEN];

#define KEM PVDEV_BYTES(kem_suite, sizeof(kem_suite))
#define HPKE PVDEV_BYTES(hpke_suite, sizeof(hpke_suite))
#define NOTHING PVDEV_BYTES(NULL, 0)

/* LabeledExtract(salt, label, ikm); salt and result are HASH_LEN bytes. */
static bool extract(const struct pvdev_config *cfg, struct cbor_bytes suite,
		    const uint8_t *salt, struct cbor_bytes label,
		    struct cbor_bytes ikm, uint8_t *out)
{
	struct cbor_bytes parts[4];

	parts[0] = VERSION;
	parts[1] = suite;
	parts[2] = label;
	parts[3] = ikm;
	return pvdev_hmac(cfg, salt, HASH_LEN, parts, 4, out);
}

/* LabeledExpand(prk, label, info, len) with len up to HASH_LEN. */
static bool expand(const struct pvdev_config *cfg, struct cbor_bytes suite,
		   const uint8_t *prk, struct cbor_bytes label,
		   struct cbor_bytes info, uint8_t *out, size_t len)
{
	static const uint8_t first = 1;
	struct cbor_bytes parts[6];
	uint8_t block[HASH_LEN], length[2];
	bool ok;

	pvdev_be16(length, (unsigned)len);
	parts[0] = PVDEV_BYTES(length, 2);
	parts[1] = VERSION;
	parts[2] = suite;
	parts[3] = label;
	parts[4] = info;
	parts[5] = PVDEV_BYTES(&first, 1);
	ok = pvdev_hmac(cfg, prk, HASH_LEN, parts, 6, block);
	if (ok)
		memcpy(out, block, len);
	pvdev_wipe(block, sizeof(block));
	return ok;
}

/* Decap (4.1) with the device's own key behind its slot. */
static bool decap(const struct pvdev_config *cfg, const uint8_t enc[65],
		  uint8_t shared[HASH_LEN])
{
	uint8_t context[2 * PVDEV_POINT_LEN];
	uint8_t dh[PVDEV_KEY_LEN], prk[HASH_LEN];
	bool ok;

	memcpy(context, enc, PVDEV_POINT_LEN);
	memcpy(context + PVDEV_POINT_LEN, cfg->seal_point, PVDEV_POINT_LEN);
	ok = cfg->crypto->p256_ecdh(cfg->crypto_ctx, cfg->seal_slot, enc, dh) &&
	     extract(cfg, KEM, no_salt, PVDEV_TEXT("eae_prk"),
		     PVDEV_BYTES(dh, sizeof(dh)), prk) &&
	     expand(cfg, KEM, prk, PVDEV_TEXT("shared_secret"),
		    PVDEV_BYTES(context, sizeof(context)), shared, HASH_LEN);
	pvdev_wipe(dh, sizeof(dh));
	pvdev_wipe(prk, sizeof(prk));
	return ok;
}

bool pvdev_hpke_schedule(const struct pvdev_config *cfg, const uint8_t enc[65],
			 struct cbor_bytes info, uint8_t key[32],
			 uint8_t nonce[12])
{
	uint8_t context[CONTEXT_LEN] = { 0 }; /* mode_base is 00 */
	uint8_t shared[HASH_LEN], secret[HASH_LEN];
	struct cbor_bytes whole = { context, sizeof(context) };
	bool ok;

	ok = decap(cfg, enc, shared) &&
	     extract(cfg, HPKE, no_salt, PVDEV_TEXT("psk_id_hash"), NOTHING,
		     context + 1) &&
	     extract(cfg, HPKE, no_salt, PVDEV_TEXT("info_hash"), info,
		     context + 1 + HASH_LEN) &&
	     extract(cfg, HPKE, shared, PVDEV_TEXT("secret"), NOTHING,
		     secret) &&
	     expand(cfg, HPKE, secret, PVDEV_TEXT("key"), whole, key,
		    PVDEV_KEY_LEN) &&
	     expand(cfg, HPKE, secret, PVDEV_TEXT("base_nonce"), whole, nonce,
		    PVDEV_NONCE_LEN);
	pvdev_wipe(shared, sizeof(shared));
	pvdev_wipe(secret, sizeof(secret));
	return ok;
}
