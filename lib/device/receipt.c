#include "lib/device/receipt.h"

#include "lib/device/impl.h"

#define CLAIM_CTI 7
#define CLAIM_NONCE 10
#define CLAIM_BH (-70001)
#define CLAIM_SEQ (-70002)
#define CLAIM_RESULT (-70003)
#define PAYLOAD_MAX (1 + 18 + 3 + PVDEV_CHALLENGE_MAX + 39 + 14 + 10)
#define PROTECTED_MAX (1 + 2 + 3 + PVDEV_KEY_ID_MAX)
#define PREFIX_MAX (16 + PROTECTED_MAX)

static struct cbor_bytes written(const struct cbor_writer *w)
{
	return PVDEV_BYTES(w->p, w->len);
}

static void put_claims(struct cbor_writer *w, const struct pvdev_facts *f,
		       enum pvdev_result result)
{
	cbor_put_map(w, f->challenge_len > 0 ? 5 : 4);
	cbor_put_uint(w, CLAIM_CTI);
	cbor_put_bstr(w, f->bundle_id, sizeof(f->bundle_id));
	if (f->challenge_len > 0) {
		cbor_put_uint(w, CLAIM_NONCE);
		cbor_put_bstr(w, f->challenge, f->challenge_len);
	}
	cbor_put_int(w, CLAIM_BH);
	cbor_put_bstr(w, f->bh, sizeof(f->bh));
	cbor_put_int(w, CLAIM_SEQ);
	cbor_put_uint(w, f->seq);
	cbor_put_int(w, CLAIM_RESULT);
	cbor_put_uint(w, (uint64_t)result);
}

static bool authenticate(const struct pvdev_config *cfg, struct cbor_bytes prot,
			 struct cbor_bytes payload, uint8_t *out)
{
	const struct pvdev_crypto *c = cfg->crypto;
	uint8_t prefix[PREFIX_MAX], digest[PVDEV_HASH_LEN];
	struct cbor_writer w;

	if (cfg->receipt_slot != PVDEV_SLOT_RECEIPT)
		return pvdev_sig_digest(cfg, prot, payload, digest) &&
		       c->p256_sign(cfg->crypto_ctx, cfg->receipt_slot, digest,
				    out);
	cbor_writer_init(&w, prefix, sizeof(prefix));
	cose_put_mac_prefix(&w, prot, payload.len);
	return cbor_writer_ok(&w) &&
	       c->hmac_begin_slot(cfg->crypto_ctx, PVDEV_SLOT_RECEIPT) &&
	       c->hmac_update(cfg->crypto_ctx, prefix, w.len) &&
	       c->hmac_update(cfg->crypto_ctx, payload.p, payload.len) &&
	       c->hmac_final(cfg->crypto_ctx, out);
}

enum pvdev_result pvdev_receipt_of(const struct pvdev_config *cfg,
				   const struct pvdev_facts *facts,
				   enum pvdev_result result,
				   uint8_t out[PVDEV_RECEIPT_MAX], size_t *len)
{
	bool mac = cfg->receipt_slot == PVDEV_SLOT_RECEIPT;
	uint8_t payload[PAYLOAD_MAX], prot[PROTECTED_MAX], auth[COSE_SIG_LEN];
	struct cbor_writer p, h, w;

	cbor_writer_init(&p, payload, sizeof(payload));
	put_claims(&p, facts, result);
	cbor_writer_init(&h, prot, sizeof(prot));
	if (mac)
		cose_put_protected(&h, COSE_ALG_HMAC256, facts->key_id,
				   facts->key_id_len);
	else
		cose_put_protected(&h, COSE_ALG_ES256, cfg->receipt_kid,
				   sizeof(cfg->receipt_kid));
	if (!cbor_writer_ok(&p) || !cbor_writer_ok(&h))
		return PVDEV_TOO_LARGE;
	if (!authenticate(cfg, written(&h), written(&p), auth))
		return PVDEV_CRYPTO;
	cbor_writer_init(&w, out, PVDEV_RECEIPT_MAX);
	cose_put_message(&w, mac ? COSE_TAG_MAC0 : COSE_TAG_SIGN1, written(&h),
			 written(&p), auth, mac ? COSE_MAC_LEN : COSE_SIG_LEN);
	*len = w.len;
	return cbor_writer_ok(&w) ? PVDEV_OK : PVDEV_TOO_LARGE;
}

enum pvdev_result pvdev_receipt(const struct pvdev *d,
				uint8_t out[PVDEV_RECEIPT_MAX], size_t *len)
{
	bool ended = d->state == PVDEV_DONE || d->state == PVDEV_FAILED;

	if (!ended || !d->verified)
		return PVDEV_STATE;
	return pvdev_receipt_of(d->cfg, &d->facts, d->result, out, len);
}
