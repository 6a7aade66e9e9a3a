#include "lib/seal/hpke.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>

#include "lib/base/mem.h"
#include "lib/seal/gcm.h"
#include "lib/seal/hpke_impl.h"
#include "lib/seal/kdf.h"
#include "lib/seal/ossl.h"

#define LITERAL(s)                                                             \
	{                                                                      \
		(const uint8_t *)(s), sizeof(s) - 1                            \
	}

/* RFC 9180 4.1 and 5.1: "KEM" || kem_id; "HPKE" || kem_id || kdf_id || aead_id
 */
static const struct span version_label = LITERAL("HPKE-v1");
static const struct span kem_suite = LITERAL("KEM\x00\x10");
static const struct span hpke_suite = LITERAL("HPKE\x00\x10\x00\x01\x00\x02");
static const struct span nothing = { NULL, 0 };

struct hpke {
	struct kdf *kdf;
	struct gcm *gcm;
	EVP_PKEY_CTX *keygen;
	EVP_PKEY *peer;		       /* re-used for every recipient */
	uint8_t point[HPKE_POINT_LEN]; /* what peer holds; 00: nothing usable */
	EVP_PKEY *ephemeral;	       /* injected for one call, else NULL */
	uint8_t psk_id_hash[HPKE_NH];  /* constant in mode base */
};

CLEANUP_PTR(struct hpke, hpke_free);

static struct span text(const char *s)
{
	struct span out = { (const uint8_t *)s, strlen(s) };

	return out;
}

static enum pv_code labeled_extract(struct hpke *h, struct span suite,
				    struct span salt, const char *label,
				    struct span ikm, uint8_t out[HPKE_NH],
				    struct err *err)
{
	const struct span parts[] = { version_label, suite, text(label), ikm };

	return kdf_extract(h->kdf, salt, parts, 4, out, err);
}

static enum pv_code labeled_expand(struct hpke *h, struct span suite,
				   const uint8_t prk[HPKE_NH],
				   const char *label, struct span info,
				   uint8_t *out, size_t len, struct err *err)
{
	const uint8_t be16[2] = { (uint8_t)(len >> 8), (uint8_t)len };
	const struct span parts[] = {
		{ be16, 2 }, version_label, suite, text(label), info
	};
	struct span key = { prk, HPKE_NH };

	return kdf_expand(h->kdf, key, parts, 5, out, len, err);
}

enum pv_code hpke_kem_secret(struct hpke *h, struct span dh,
			     struct span kem_context,
			     uint8_t shared[static HPKE_NH], struct err *err)
{
	uint8_t prk[HPKE_NH];
	enum pv_code rc =
		labeled_extract(h, kem_suite, nothing, "eae_prk", dh, prk, err);

	if (rc == PV_OK)
		rc = labeled_expand(h, kem_suite, prk, "shared_secret",
				    kem_context, shared, HPKE_NH, err);
	secret_wipe(prk, sizeof(prk));
	return rc;
}

enum pv_code hpke_key_schedule(struct hpke *h,
			       const uint8_t shared[static HPKE_NH],
			       struct span info, struct hpke_schedule *s,
			       struct err *err)
{
	const struct span context = { s->context, sizeof(s->context) };
	const struct span salt = { shared, HPKE_NH };
	enum pv_code rc;

	s->context[0] = 0; /* mode_base */
	memcpy(s->context + 1, h->psk_id_hash, HPKE_NH);
	rc = labeled_extract(h, hpke_suite, nothing, "info_hash", info,
			     s->context + 1 + HPKE_NH, err);
	if (rc == PV_OK)
		rc = labeled_extract(h, hpke_suite, salt, "secret", nothing,
				     s->secret, err);
	if (rc == PV_OK)
		rc = labeled_expand(h, hpke_suite, s->secret, "key", context,
				    s->key, sizeof(s->key), err);
	if (rc == PV_OK)
		rc = labeled_expand(h, hpke_suite, s->secret, "base_nonce",
				    context, s->base_nonce,
				    sizeof(s->base_nonce), err);
	return rc;
}

static bool new_contexts(struct hpke *h)
{
	char group[] = "P-256";
	OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(
					OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
				OSSL_PARAM_construct_end() };

	h->keygen = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	/* Any key makes a holder for points: its own is replaced each time. */
	return h->keygen && EVP_PKEY_keygen_init(h->keygen) == 1 &&
	       EVP_PKEY_CTX_set_params(h->keygen, params) == 1 &&
	       EVP_PKEY_paramgen_init(h->keygen) == 1 &&
	       EVP_PKEY_CTX_set_params(h->keygen, params) == 1 &&
	       EVP_PKEY_generate(h->keygen, &h->peer) == 1 &&
	       EVP_PKEY_keygen_init(h->keygen) == 1 &&
	       EVP_PKEY_CTX_set_params(h->keygen, params) == 1;
}

enum pv_code hpke_new(struct hpke **h, struct err *err)
{
	CLEANUP(cleanup_hpke_free) struct hpke *n = NULL;
	enum pv_code rc;

	*h = NULL;
	n = mem_new(sizeof(*n), err);
	if (!n)
		return PV_INTERNAL;
	rc = kdf_new(&n->kdf, err);
	if (rc == PV_OK)
		rc = gcm_new(&n->gcm, err);
	if (rc != PV_OK)
		return rc;
	if (!new_contexts(n))
		return ossl_fail(err, "P-256");
	rc = labeled_extract(n, hpke_suite, nothing, "psk_id_hash", nothing,
			     n->psk_id_hash, err);
	if (rc == PV_OK)
		*h = TAKE(n);
	return rc;
}

void hpke_free(struct hpke *h)
{
	if (!h)
		return;
	kdf_free(h->kdf);
	gcm_free(h->gcm);
	EVP_PKEY_CTX_free(h->keygen);
	EVP_PKEY_free(h->peer);
	EVP_PKEY_free(h->ephemeral);
	free(h);
}

void hpke_set_ephemeral(struct hpke *h, EVP_PKEY *key)
{
	EVP_PKEY_free(h->ephemeral);
	h->ephemeral = key;
}

/* OpenSSL takes infinity (one 00 byte) and compressed points: not we. */
enum pv_code hpke_point_check(struct hpke *h,
			      const uint8_t point[static HPKE_POINT_LEN],
			      struct err *err)
{
	if (point[0] == 0x04 && !memcmp(h->point, point, HPKE_POINT_LEN))
		return PV_OK;
	h->point[0] = 0;
	if (point[0] == 0x04 && EVP_PKEY_set1_encoded_public_key(
					h->peer, point, HPKE_POINT_LEN) == 1) {
		memcpy(h->point, point, HPKE_POINT_LEN);
		return PV_OK;
	}
	ERR_clear_error();
	return err_fail(err, PV_INPUT, "seal.point",
			"make the sealing key anew",
			"the key is not an uncompressed point on P-256");
}

/* The peer was checked when it was imported: derivation does not repeat it. */
static enum pv_code derive(struct hpke *h, EVP_PKEY *key,
			   uint8_t dh[static HPKE_NH], struct err *err)
{
	CLEANUP(cleanup_EVP_PKEY_CTX_free)
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	size_t len = HPKE_NH;

	if (!ctx || EVP_PKEY_derive_init(ctx) != 1 ||
	    EVP_PKEY_derive_set_peer_ex(ctx, h->peer, 0) != 1 ||
	    EVP_PKEY_derive(ctx, dh, &len) != 1 || len != HPKE_NH)
		return ossl_fail(err, "P-256 key agreement");
	return PV_OK;
}

enum pv_code hpke_dh(struct hpke *h, EVP_PKEY *key,
		     const uint8_t point[static HPKE_POINT_LEN],
		     uint8_t dh[static HPKE_NH], struct err *err)
{
	enum pv_code rc = hpke_point_check(h, point, err);

	return rc == PV_OK ? derive(h, key, dh, err) : rc;
}

/* Shared secret, then schedule: the same on both sides but for the key. */
static enum pv_code agree(struct hpke *h, EVP_PKEY *key, const uint8_t *peer,
			  const uint8_t kem_context[2 * HPKE_POINT_LEN],
			  struct span info, struct hpke_schedule *s,
			  struct err *err)
{
	const struct span context = { kem_context, 2 * HPKE_POINT_LEN };
	uint8_t dh[HPKE_NH], shared[HPKE_NH];
	enum pv_code rc = hpke_dh(h, key, peer, dh, err);

	if (rc == PV_OK)
		rc = hpke_kem_secret(h, (struct span){ dh, sizeof(dh) },
				     context, shared, err);
	if (rc == PV_OK)
		rc = hpke_key_schedule(h, shared, info, s, err);
	secret_wipe(dh, sizeof(dh));
	secret_wipe(shared, sizeof(shared));
	kdf_forget(h->kdf);
	return rc;
}

static enum pv_code new_ephemeral(struct hpke *h, EVP_PKEY **key,
				  uint8_t enc[static HPKE_ENC_LEN],
				  struct err *err)
{
	size_t len = 0;

	*key = TAKE(h->ephemeral);
	if (!*key && EVP_PKEY_generate(h->keygen, key) != 1)
		return ossl_fail(err, "P-256 key generation");
	if (EVP_PKEY_get_octet_string_param(*key,
					    OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY,
					    enc, HPKE_ENC_LEN, &len) != 1 ||
	    len != HPKE_ENC_LEN || enc[0] != 0x04)
		return ossl_fail(err, "P-256 key encoding");
	return PV_OK;
}

enum pv_code hpke_seal(struct hpke *h,
		       const uint8_t point[static HPKE_POINT_LEN],
		       struct span info, struct span aad, struct span plain,
		       uint8_t enc[static HPKE_ENC_LEN], uint8_t *ct,
		       struct err *err)
{
	CLEANUP(cleanup_EVP_PKEY_free) EVP_PKEY *key = NULL;
	uint8_t kem_context[2 * HPKE_POINT_LEN];
	struct hpke_schedule s;
	enum pv_code rc = new_ephemeral(h, &key, enc, err);

	if (rc != PV_OK)
		return rc;
	memcpy(kem_context, enc, HPKE_ENC_LEN);
	memcpy(kem_context + HPKE_ENC_LEN, point, HPKE_POINT_LEN);
	rc = agree(h, key, point, kem_context, info, &s, err);
	if (rc == PV_OK)
		rc = gcm_key(h->gcm, s.key, err);
	/* Sequence number 0: the nonce is the base nonce (RFC 9180 5.2). */
	if (rc == PV_OK)
		rc = gcm_seal(h->gcm, s.base_nonce, aad, plain, ct, err);
	gcm_forget(h->gcm);
	secret_wipe(&s, sizeof(s));
	return rc;
}

enum pv_code hpke_open(struct hpke *h, const struct secret *scalar,
		       const uint8_t enc[static HPKE_ENC_LEN], struct span info,
		       struct span aad, struct span ct, struct secret *plain,
		       struct err *err)
{
	CLEANUP(cleanup_EVP_PKEY_free) EVP_PKEY *key = NULL;
	uint8_t kem_context[2 * HPKE_POINT_LEN];
	struct hpke_schedule s;
	enum pv_code rc;

	secret_release(plain);
	if (ct.len <= HPKE_TAG_LEN)
		return err_fail(err, PV_INPUT, "seal.hpke", NULL,
				"a sealed text of %zu bytes is too short",
				ct.len);
	rc = hpke_key(scalar, &key, kem_context + HPKE_ENC_LEN, err);
	memcpy(kem_context, enc, HPKE_ENC_LEN);
	if (rc == PV_OK)
		rc = agree(h, key, enc, kem_context, info, &s, err);
	if (rc == PV_OK)
		rc = gcm_key(h->gcm, s.key, err);
	if (rc == PV_OK)
		rc = secret_alloc(plain, ct.len - HPKE_TAG_LEN, err);
	if (rc == PV_OK)
		rc = gcm_open(h->gcm, s.base_nonce, aad, ct, plain->data, err);
	gcm_forget(h->gcm);
	secret_wipe(&s, sizeof(s));
	if (rc != PV_OK)
		secret_release(plain);
	return rc;
}
