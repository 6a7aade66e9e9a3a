#include "lib/seal/descriptor.h"

#include <string.h>

#include "lib/seal/bundle_impl.h"
#include "lib/seal/sign1.h"

#define HEADER_MAX 64
#define MESSAGE_HEADS_MAX 64 /* tag, protected, array and bstr heads */

enum pv_code seal_plain_digest(struct span payload,
			       const uint8_t kid[static SEAL_KID_LEN],
			       uint8_t digest[static 32], struct err *err)
{
	return sign1_digest(payload, kid, digest, err);
}

enum pv_code seal_plain_finish(struct span payload,
			       const uint8_t kid[static SEAL_KID_LEN],
			       const uint8_t sig[static 64], struct buf *out,
			       struct err *err)
{
	return sign1_finish(payload, kid, sig, out, err);
}

/* Only a device whose BS is wrapped under its KEK has an auth key. */
static enum pv_code check_mac0(struct span payload,
			       const struct secret *auth_key,
			       const uint8_t *kid, struct err *err)
{
	struct seal_view view;
	enum pv_code rc = seal_payload_parse(payload, &view, err);

	if (rc != PV_OK)
		return rc;
	if (auth_key->len != KDF_OUT_LEN || view.kind != SEAL_KIND_KEK ||
	    memcmp(view.key_id.p, kid, SEAL_MASTER_ID_LEN) != 0)
		return err_fail(err, PV_INTERNAL, "seal.mac0", NULL,
				"this bundle cannot have a mac0 descriptor");
	return PV_OK;
}

enum pv_code seal_mac0(struct seal *s, struct span payload,
		       const struct secret *auth_key,
		       const uint8_t kid[static SEAL_MASTER_ID_LEN],
		       struct buf *out, struct err *err)
{
	uint8_t prot[HEADER_MAX], prefix[HEADER_MAX], tag[COSE_MAC_LEN];
	size_t max = payload.len + MESSAGE_HEADS_MAX + COSE_MAC_LEN;
	struct span parts[2], key = { auth_key->data, auth_key->len };
	struct cbor_writer w;
	struct cbor_bytes header;
	uint8_t *room;
	enum pv_code rc = check_mac0(payload, auth_key, kid, err);

	if (rc != PV_OK)
		return rc;
	cbor_writer_init(&w, prot, sizeof(prot));
	cose_put_protected(&w, COSE_ALG_HMAC256, kid, SEAL_MASTER_ID_LEN);
	header = (struct cbor_bytes){ prot, w.len };
	cbor_writer_init(&w, prefix, sizeof(prefix));
	cose_put_mac_prefix(&w, header, payload.len);
	parts[0] = (struct span){ prefix, w.len };
	parts[1] = payload;
	rc = kdf_hmac(seal_kdf(s), key, parts, 2, tag, err);
	kdf_forget(seal_kdf(s));
	if (rc != PV_OK)
		return rc;
	room = buf_room(out, max);
	if (!room)
		return buf_check(out, err);
	cbor_writer_init(&w, room, max);
	cose_put_message(&w, COSE_TAG_MAC0, header, sign1_bytes(payload), tag,
			 sizeof(tag));
	buf_commit(out, w.len);
	return PV_OK;
}
