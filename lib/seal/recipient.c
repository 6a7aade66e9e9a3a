#include "lib/seal/recipient.h"

#include <string.h>

#include "lib/base/fileio.h"
#include "lib/base/p256.h"
#include "lib/base/sha256.h"
#include "lib/seal/bundle_impl.h"
#include "lib/seal/ossl.h"
#include "lib/seal/sign1.h"

static const char key_label[] = "provctl/seal-key/v1";

enum pv_code seal_recipient_from_spki(struct seal *s, struct span spki,
				      struct seal_recipient *r, struct err *err)
{
	const uint8_t *point = p256_bytes(spki);
	enum pv_code rc;

	if (!point)
		return err_fail(err, PV_INPUT, "seal.recipient",
				"use a P-256 key (named curve, uncompressed)",
				"the sealing key is not a P-256 public key");
	memcpy(r->point, point, HPKE_POINT_LEN);
	rc = hpke_point_check(seal_hpke(s), r->point, err);
	if (rc == PV_OK)
		rc = sha256_kept(seal_hash(s), spki, r->id, err);
	return rc;
}

enum pv_code seal_recipient_message(const char *device_id,
				    struct span seal_spki, struct buf *out,
				    struct err *err)
{
	if (!name_is_safe(device_id, strlen(device_id)))
		return err_fail(err, PV_INPUT, "seal.name",
				"use 1 to 64 printable bytes",
				"the device-id is no safe name");
	buf_put(out, key_label, sizeof(key_label));
	buf_put(out, device_id, strlen(device_id) + 1);
	buf_put(out, seal_spki.p, seal_spki.len);
	return buf_check(out, err);
}

bool seal_ecdsa_verify(struct span spki, struct span msg, struct span sig)
{
	const uint8_t *point = p256_point(spki);
	CLEANUP(cleanup_EVP_PKEY_free)
	EVP_PKEY *key = point ? p256_load(point) : NULL;
	CLEANUP(cleanup_EVP_MD_CTX_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok =
		key && ctx && sig.len > 0 &&
		EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
		EVP_DigestVerify(ctx, sig.p, sig.len, msg.p, msg.len) == 1;

	ERR_clear_error();
	return ok;
}

enum pv_code seal_recipient_verify(struct span certified_spki,
				   const char *device_id, struct span seal_spki,
				   struct span sig, struct err *err)
{
	CLEANUP(buf_release) struct buf msg;
	enum pv_code rc;

	buf_init(&msg, 1024);
	rc = seal_recipient_message(device_id, seal_spki, &msg, err);
	if (rc != PV_OK)
		return rc;
	if (seal_ecdsa_verify(certified_spki, buf_span(&msg), sig))
		return PV_OK;
	return err_fail(err, PV_INPUT, "seal.key-signature",
			"sign the sealing key with the key of the CSR",
			"the sealing key is not signed by the certified key");
}
