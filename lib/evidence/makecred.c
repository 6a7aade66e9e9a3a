#include "lib/evidence/makecred.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/x509.h>
#include <string.h>

#include "lib/base/cleanup.h"

#define SEED_LEN 32 /* of nameAlg's digest (Part 1, 24.4) */
#define STORAGE_KEY_LEN 16
#define HASH_LEN 32
#define RSA_BYTES 256
#define COORDINATE_LEN 32
#define FILE_MAGIC 0xbadcc0deu /* tpm2-tools, files.c */
#define FILE_VERSION 1u

CLEANUP_PTR(EVP_PKEY, EVP_PKEY_free);
CLEANUP_PTR(EVP_PKEY_CTX, EVP_PKEY_CTX_free);
CLEANUP_PTR(EVP_KDF, EVP_KDF_free);
CLEANUP_PTR(EVP_KDF_CTX, EVP_KDF_CTX_free);
CLEANUP_PTR(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free);

/* Labels with the NUL that they have (Part 1, 24.4, B.4, C.6.1). */
static const char label_identity[] = "IDENTITY";
static const char label_integrity[] = "INTEGRITY";
static const char label_storage[] = "STORAGE";

static enum pv_code failed(struct err *err, const char *what)
{
	ERR_clear_error();
	return err_fail(err, PV_INTERNAL, "evidence.crypto", NULL, "%s failed",
			what);
}

static enum pv_code wrong_key(struct err *err)
{
	ERR_clear_error();
	return err_fail(err, PV_INPUT, "ek.key",
			"give an endorsement key of RSA 2048 or ECC P-256",
			"the endorsement key is of another kind");
}

static OSSL_PARAM octets(const char *name, const void *p, size_t len)
{
	return OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)p,
						 len);
}

static enum pv_code derive(const char *kdf_name, const OSSL_PARAM *params,
			   struct secret *out, struct err *err)
{
	CLEANUP(cleanup_EVP_KDF_free)
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, kdf_name, NULL);
	CLEANUP(cleanup_EVP_KDF_CTX_free)
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;

	if (!ctx || EVP_KDF_derive(ctx, out->data, out->len, params) != 1)
		return failed(err, kdf_name);
	return PV_OK;
}

/*
 * KDFa (Part 1, 11.4.10.2) is SP 800-108 in counter mode with HMAC: the label's
 * NUL is the separator, contextV is empty.
 */
static enum pv_code kdfa(const struct secret *seed, const char *label,
			 struct span context, struct secret *out,
			 struct err *err)
{
	char mac[] = "HMAC", digest[] = "SHA256", mode[] = "COUNTER";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MAC, mac, 0),
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest,
						 0),
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MODE, mode, 0),
		octets(OSSL_KDF_PARAM_KEY, seed->data, seed->len),
		octets(OSSL_KDF_PARAM_SALT, label, strlen(label)),
		octets(OSSL_KDF_PARAM_INFO, context.p, context.len),
		OSSL_PARAM_construct_end(),
	};

	return derive("KBKDF", params, out, err);
}

/* KDFe (Part 1, 11.4.10.3) is SP 800-56A's one-step KDF with a hash. */
static enum pv_code kdfe(const struct secret *z, struct span info,
			 struct secret *out, struct err *err)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest,
						 0),
		octets(OSSL_KDF_PARAM_KEY, z->data, z->len),
		octets(OSSL_KDF_PARAM_INFO, info.p, info.len),
		OSSL_PARAM_construct_end(),
	};

	return derive("SSKDF", params, out, err);
}

/* The seed, to an RSA key: OAEP with SHA-256 and the label (Part 1, B.10.4). */
static enum pv_code seed_to_rsa(EVP_PKEY *ek, struct secret *seed,
				struct buf *to, struct err *err)
{
	CLEANUP(cleanup_EVP_PKEY_CTX_free)
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, ek, NULL);
	char digest[] = "SHA256", padding[] = "oaep";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(
			OSSL_ASYM_CIPHER_PARAM_PAD_MODE, padding, 0),
		OSSL_PARAM_construct_utf8_string(
			OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST, digest, 0),
		OSSL_PARAM_construct_utf8_string(
			OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST, digest, 0),
		octets(OSSL_ASYM_CIPHER_PARAM_OAEP_LABEL, label_identity,
		       sizeof(label_identity)),
		OSSL_PARAM_construct_end(),
	};
	size_t len = RSA_BYTES;
	uint8_t *room;
	enum pv_code rc;

	if (EVP_PKEY_get_bits(ek) != 8 * RSA_BYTES)
		return wrong_key(err);
	rc = secret_random(seed, SEED_LEN, err);
	if (rc != PV_OK)
		return rc;
	buf_put_be16(to, RSA_BYTES);
	room = buf_room(to, RSA_BYTES);
	if (!room)
		return buf_check(to, err);
	if (!ctx || EVP_PKEY_encrypt_init_ex(ctx, params) != 1 ||
	    EVP_PKEY_encrypt(ctx, room, &len, seed->data, seed->len) != 1 ||
	    len != RSA_BYTES)
		return failed(err, "RSA-OAEP");
	buf_commit(to, len);
	return PV_OK;
}

static bool get_point(EVP_PKEY *key, uint8_t point[P256_POINT_LEN])
{
	size_t len;

	return EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY,
					       point, P256_POINT_LEN,
					       &len) == 1 &&
	       len == P256_POINT_LEN;
}

static enum pv_code agree(EVP_PKEY *own, EVP_PKEY *ek, struct secret *z,
			  struct err *err)
{
	CLEANUP(cleanup_EVP_PKEY_CTX_free)
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
	size_t len = COORDINATE_LEN;
	enum pv_code rc = secret_alloc(z, COORDINATE_LEN, err);

	if (rc != PV_OK)
		return rc;
	if (!ctx || EVP_PKEY_derive_init(ctx) != 1 ||
	    EVP_PKEY_derive_set_peer(ctx, ek) != 1 ||
	    EVP_PKEY_derive(ctx, z->data, &len) != 1 || len != COORDINATE_LEN)
		return failed(err, "ECDH");
	return PV_OK;
}

/* The seed, agreed with an ECC key (Part 1, C.6.1): a TPMS_ECC_POINT. */
static enum pv_code seed_to_ecc(EVP_PKEY *ek, struct secret *seed,
				struct buf *to, struct err *err)
{
	CLEANUP(cleanup_EVP_PKEY_free) EVP_PKEY *own = EVP_EC_gen("P-256");
	uint8_t point[P256_POINT_LEN], peer[P256_POINT_LEN];
	uint8_t info[sizeof(label_identity) + 2 * COORDINATE_LEN];
	const uint8_t *x = point + 1, *y = x + COORDINATE_LEN;
	SECRET z = SECRET_INIT;
	enum pv_code rc;

	if (!own || !get_point(own, point) || !get_point(ek, peer))
		return failed(err, "P-256");
	memcpy(info, label_identity, sizeof(label_identity));
	memcpy(info + sizeof(label_identity), x, COORDINATE_LEN);
	memcpy(info + sizeof(label_identity) + COORDINATE_LEN, peer + 1,
	       COORDINATE_LEN);
	rc = agree(own, ek, &z, err);
	if (rc == PV_OK)
		rc = secret_alloc(seed, SEED_LEN, err);
	if (rc == PV_OK)
		rc = kdfe(&z, (struct span){ info, sizeof(info) }, seed, err);
	if (rc != PV_OK)
		return rc;
	buf_put_be16(to, 2 * (2 + COORDINATE_LEN));
	buf_put_be16(to, COORDINATE_LEN);
	buf_put(to, x, COORDINATE_LEN);
	buf_put_be16(to, COORDINATE_LEN);
	buf_put(to, y, COORDINATE_LEN);
	return PV_OK;
}

/* encIdentity: the secret as a TPM2B, AES-128-CFB, IV of zeros (24.4). */
static enum pv_code encrypt(const struct secret *seed, struct span name,
			    const struct secret *secret, uint8_t *out,
			    struct err *err)
{
	static const uint8_t iv[16] = { 0 };
	CLEANUP(cleanup_EVP_CIPHER_CTX_free)
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	SECRET key = SECRET_INIT;
	SECRET plain = SECRET_INIT;
	int len;
	enum pv_code rc = secret_alloc(&key, STORAGE_KEY_LEN, err);

	if (rc == PV_OK)
		rc = kdfa(seed, label_storage, name, &key, err);
	if (rc == PV_OK)
		rc = secret_alloc(&plain, 2 + secret->len, err);
	if (rc != PV_OK)
		return rc;
	plain.data[1] = (uint8_t)secret->len;
	memcpy(plain.data + 2, secret->data, secret->len);
	if (!ctx ||
	    EVP_EncryptInit_ex2(ctx, EVP_aes_128_cfb128(), key.data, iv,
				NULL) != 1 ||
	    EVP_EncryptUpdate(ctx, out, &len, plain.data, (int)plain.len) !=
		    1 ||
	    (size_t)len != plain.len)
		return failed(err, "AES-128-CFB");
	return PV_OK;
}

/* outerHMAC over encIdentity || name. */
static enum pv_code authenticate(const struct secret *seed, struct span name,
				 struct span encrypted, uint8_t mac[HASH_LEN],
				 struct err *err)
{
	uint8_t all[2 + TPM2_CREDENTIAL_MAX + TPM2_NAME_LEN];
	SECRET key = SECRET_INIT;
	size_t len;
	enum pv_code rc = secret_alloc(&key, HASH_LEN, err);

	if (rc == PV_OK)
		rc = kdfa(seed, label_integrity, (struct span){ NULL, 0 }, &key,
			  err);
	if (rc != PV_OK)
		return rc;
	memcpy(all, encrypted.p, encrypted.len);
	memcpy(all + encrypted.len, name.p, name.len);
	if (!EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key.data, key.len,
		       all, encrypted.len + name.len, mac, HASH_LEN, &len))
		return failed(err, "HMAC");
	return PV_OK;
}

/* RSA, or a point on P-256. */
static EVP_PKEY *load(struct span spki)
{
	const unsigned char *p = spki.p;
	const uint8_t *point = p256_point(spki);
	EVP_PKEY *key;

	if (point)
		return p256_load(point);
	key = d2i_PUBKEY(NULL, &p, (long)spki.len);
	if (key && p == spki.p + spki.len && EVP_PKEY_is_a(key, "RSA"))
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

static enum pv_code make(struct span ek_spki, struct span name,
			 const struct secret *secret, struct buf *to,
			 struct err *err)
{
	CLEANUP(cleanup_EVP_PKEY_free) EVP_PKEY *ek = load(ek_spki);
	uint8_t encrypted[2 + TPM2_CREDENTIAL_MAX], mac[HASH_LEN];
	struct span identity = { encrypted, 2 + secret->len };
	SECRET seed = SECRET_INIT;
	struct buf sealed;
	enum pv_code rc;

	if (!ek)
		return wrong_key(err);
	buf_init(&sealed, TPM2_MADE_MAX);
	rc = EVP_PKEY_is_a(ek, "RSA") ? seed_to_rsa(ek, &seed, &sealed, err)
				      : seed_to_ecc(ek, &seed, &sealed, err);
	if (rc == PV_OK)
		rc = encrypt(&seed, name, secret, encrypted, err);
	if (rc == PV_OK)
		rc = authenticate(&seed, name, identity, mac, err);
	if (rc == PV_OK) {
		buf_put_be32(to, FILE_MAGIC);
		buf_put_be32(to, FILE_VERSION);
		buf_put_be16(to, (uint16_t)(2 + HASH_LEN + identity.len));
		buf_put_be16(to, HASH_LEN);
		buf_put(to, mac, HASH_LEN);
		buf_put(to, identity.p, identity.len);
		buf_put(to, sealed.data, sealed.len);
		rc = buf_check(to, err);
	}
	buf_release(&sealed);
	return rc;
}

enum pv_code tpm2_make_credential(struct span ek_spki,
				  const uint8_t name[static TPM2_NAME_LEN],
				  const struct secret *secret, struct buf *out,
				  struct err *err)
{
	struct buf made;
	enum pv_code rc;

	if (secret->len == 0 || secret->len > TPM2_CREDENTIAL_MAX)
		return err_fail(err, PV_INPUT, "ek.secret", NULL,
				"a credential has 1 to %d bytes",
				TPM2_CREDENTIAL_MAX);
	buf_init(&made, TPM2_MADE_MAX);
	rc = make(ek_spki, (struct span){ name, TPM2_NAME_LEN }, secret, &made,
		  err);
	if (rc == PV_OK) {
		buf_put(out, made.data, made.len);
		rc = buf_check(out, err);
	}
	buf_release(&made);
	return rc;
}
