#include "lib/seal/recipient.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "lib/base/fileio.h"
#include "lib/base/sha256.h"
#include "lib/seal/bundle_impl.h"
#include "lib/seal/ossl.h"
#include "lib/seal/sign1.h"

static const char key_label[] = "provctl/seal-key/v1";

/* SEQUENCE { { id-ecPublicKey, prime256v1 }, BIT STRING (0 unused bits) } */
static const uint8_t spki_head[SEAL_SPKI_LEN - HPKE_POINT_LEN] = {
	0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
	0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
	0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00
};

static bool is_p256_spki(struct span spki)
{
	return spki.len == SEAL_SPKI_LEN &&
	       memcmp(spki.p, spki_head, sizeof(spki_head)) == 0;
}

enum pv_code seal_recipient_from_spki(struct seal *s, struct span spki,
				      struct seal_recipient *r, struct err *err)
{
	enum pv_code rc;

	if (!is_p256_spki(spki))
		return err_fail(err, PV_INPUT, "seal.recipient",
				"use a P-256 key (named curve, uncompressed)",
				"the sealing key is not a P-256 public key");
	memcpy(r->point, spki.p + sizeof(spki_head), HPKE_POINT_LEN);
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

/* NULL unless it is a point on P-256. d2i_PUBKEY() would cost five times it. */
static EVP_PKEY *import(struct span spki)
{
	CLEANUP(cleanup_EVP_PKEY_CTX_free)
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	uint8_t point[HPKE_POINT_LEN];
	char group[] = "P-256";
	EVP_PKEY *key = NULL;
	OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(
					OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
				OSSL_PARAM_construct_octet_string(
					OSSL_PKEY_PARAM_PUB_KEY, point,
					sizeof(point)),
				OSSL_PARAM_construct_end() };

	if (!is_p256_spki(spki) || spki.p[sizeof(spki_head)] != 0x04)
		return NULL;
	memcpy(point, spki.p + sizeof(spki_head), sizeof(point));
	if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		return NULL;
	return key;
}

bool seal_ecdsa_verify(struct span spki, struct span msg, struct span sig)
{
	CLEANUP(cleanup_EVP_PKEY_free) EVP_PKEY *key = import(spki);
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
