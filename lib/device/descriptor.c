#include "lib/device/impl.h"

#define FIRST_MAC0 0xd1u  /* tag 17 */
#define FIRST_SIGN1 0xd2u /* tag 18 */
#define FIRST_BATCH 0x82u /* array of two */
/* array, context text, two string heads and an empty string around prot */
#define PREFIX_MAX (1 + 11 + 3 + PVDEV_PROTECTED_MAX + 1 + 9)

bool pvdev_sig_digest(const struct pvdev_config *cfg, struct cbor_bytes prot,
		      struct cbor_bytes payload, uint8_t out[32])
{
	uint8_t prefix[PREFIX_MAX];
	struct cbor_bytes parts[2];
	struct cbor_writer w;

	if (prot.len > PVDEV_PROTECTED_MAX)
		return false;
	cbor_writer_init(&w, prefix, sizeof(prefix));
	cose_put_sig_prefix(&w, prot, payload.len);
	parts[0] = PVDEV_BYTES(prefix, w.len);
	parts[1] = payload;
	return cbor_writer_ok(&w) && pvdev_sha256(cfg, parts, 2, out);
}

static enum pvdev_result verify_plain(const struct pvdev_config *cfg,
				      struct cbor_bytes bytes,
				      struct pvdev_signed *out)
{
	struct cose_msg m;
	uint8_t digest[32];

	if (!cose_parse(&m, COSE_TAG_SIGN1, COSE_ALG_ES256, bytes.p, bytes.len,
			NULL) ||
	    !m.payload.p || m.kid.len != sizeof(cfg->bundle_kid))
		return PVDEV_DESC_COSE;
	if (!pvdev_equal(m.kid,
			 PVDEV_BYTES(cfg->bundle_kid, sizeof(cfg->bundle_kid))))
		return PVDEV_DESC_KID;
	if (!pvdev_sig_digest(cfg, m.protected_hdr, m.payload, digest))
		return PVDEV_CRYPTO;
	if (!cfg->crypto->p256_verify(cfg->crypto_ctx, cfg->bundle_point,
				      digest, m.auth.p))
		return PVDEV_DESC_SIGNATURE;
	out->payload = m.payload;
	out->kid = m.kid;
	return PVDEV_OK;
}

static bool mac_of(const struct pvdev_config *cfg, const struct cose_msg *m,
		   uint8_t out[32])
{
	const struct pvdev_crypto *c = cfg->crypto;
	uint8_t prefix[PREFIX_MAX];
	struct cbor_writer w;

	cbor_writer_init(&w, prefix, sizeof(prefix));
	cose_put_mac_prefix(&w, m->protected_hdr, m->payload.len);
	return cbor_writer_ok(&w) &&
	       c->hmac_begin_slot(cfg->crypto_ctx, PVDEV_SLOT_AUTH) &&
	       c->hmac_update(cfg->crypto_ctx, prefix, w.len) &&
	       c->hmac_update(cfg->crypto_ctx, m->payload.p, m->payload.len) &&
	       c->hmac_final(cfg->crypto_ctx, out);
}

static enum pvdev_result verify_mac0(const struct pvdev_config *cfg,
				     struct cbor_bytes bytes,
				     struct pvdev_signed *out)
{
	struct cose_msg m;
	uint8_t mac[32];
	bool same;

	if (!cose_parse(&m, COSE_TAG_MAC0, COSE_ALG_HMAC256, bytes.p, bytes.len,
			NULL) ||
	    !m.payload.p || m.kid.len != PVDEV_MASTER_ID_LEN)
		return PVDEV_DESC_COSE;
	if (!mac_of(cfg, &m, mac))
		return PVDEV_CRYPTO;
	same = pvdev_same(mac, m.auth.p, sizeof(mac));
	pvdev_wipe(mac, sizeof(mac));
	if (!same)
		return PVDEV_DESC_SIGNATURE;
	out->payload = m.payload;
	out->kid = m.kid;
	return PVDEV_OK;
}

enum pvdev_result pvdev_descriptor(const struct pvdev_config *cfg,
				   struct cbor_bytes bytes,
				   struct pvdev_signed *out)
{
	uint8_t first = bytes.len > 0 ? bytes.p[0] : 0;
	bool mac0 = cfg->form == PVDEV_FORM_MAC0;

	out->batch = false;
	switch (first) {
	case FIRST_MAC0:
		return mac0 ? verify_mac0(cfg, bytes, out) : PVDEV_DESC_FORM;
	case FIRST_SIGN1:
		return mac0 ? PVDEV_DESC_FORM : verify_plain(cfg, bytes, out);
	case FIRST_BATCH:
		return cfg->form == PVDEV_FORM_BATCH
			       ? pvdev_batch(cfg, bytes, out)
			       : PVDEV_DESC_FORM;
	default:
		return PVDEV_DESC_COSE;
	}
}
