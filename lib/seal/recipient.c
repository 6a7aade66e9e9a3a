#include "lib/seal/recipient.h"

#include <string.h>

#include <openssl/x509.h>

#include "lib/base/fileio.h"
#include "lib/base/p256.h"
#include "lib/base/sha256.h"
#include "lib/seal/bundle_impl.h"
#include "lib/seal/ossl.h"
#include "lib/seal/sign1.h"

static const char key_label[] = "provctl/seal-key/v1";
static const char rotate_label[] = "provctl/rotate-key/v1";

#define MESSAGE_MAX 2048 /* bytes: label, id and SPKI, of RSA-4096, too */

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

/* The label with its NUL, the id with its, and the key. */
static enum pv_code put_message(struct span label, const char *device_id,
				struct span spki, struct buf *out,
				struct err *err)
{
	if (!name_is_safe(device_id, strlen(device_id)))
		return err_fail(err, PV_INPUT, "seal.name",
				"use 1 to 64 printable bytes",
				"the device-id is no safe name");
	buf_put(out, label.p, label.len);
	buf_put(out, device_id, strlen(device_id) + 1);
	buf_put(out, spki.p, spki.len);
	return buf_check(out, err);
}

enum pv_code seal_recipient_message(const char *device_id,
				    struct span seal_spki, struct buf *out,
				    struct err *err)
{
	const struct span label = { (const uint8_t *)key_label,
				    sizeof(key_label) };

	return put_message(label, device_id, seal_spki, out, err);
}

/* key: of whatever kind a certificate of ours has. */
static bool verify_with(EVP_PKEY *key, struct span msg, struct span sig)
{
	CLEANUP(cleanup_EVP_MD_CTX_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok =
		key && ctx && sig.len > 0 &&
		EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
		EVP_DigestVerify(ctx, sig.p, sig.len, msg.p, msg.len) == 1;

	ERR_clear_error();
	return ok;
}

enum pv_code seal_rotate_verify(struct span certified_spki,
				const char *device_id, struct span new_spki,
				struct span sig, struct err *err)
{
	const struct span label = { (const uint8_t *)rotate_label,
				    sizeof(rotate_label) };
	const uint8_t *p = certified_spki.p;
	CLEANUP(cleanup_EVP_PKEY_free)
	EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)certified_spki.len);
	CLEANUP(buf_release) struct buf msg;
	enum pv_code rc;

	buf_init(&msg, MESSAGE_MAX);
	rc = put_message(label, device_id, new_spki, &msg, err);
	if (rc != PV_OK)
		return rc;
	if (verify_with(key, buf_span(&msg), sig))
		return PV_OK;
	return err_fail(err, PV_INPUT, "seal.key-signature",
			"sign the new key with the one that is certified",
			"the new key is not signed by the certified key");
}

bool seal_ecdsa_verify(struct span spki, struct span msg, struct span sig)
{
	const uint8_t *point = p256_point(spki);
	CLEANUP(cleanup_EVP_PKEY_free)
	EVP_PKEY *key = point ? p256_load(point) : NULL;

	return verify_with(key, msg, sig);
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
