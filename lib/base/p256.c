#include "lib/base/p256.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "lib/base/cleanup.h"

#define UNCOMPRESSED 0x04

/* SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING (66) } */
static const uint8_t head[P256_SPKI_LEN - P256_POINT_LEN] = {
	0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
	0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
	0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00
};

CLEANUP_PTR(EVP_PKEY_CTX, EVP_PKEY_CTX_free);

const uint8_t *p256_bytes(struct span spki)
{
	if (spki.len != P256_SPKI_LEN ||
	    memcmp(spki.p, head, sizeof(head)) != 0)
		return NULL;
	return spki.p + sizeof(head);
}

const uint8_t *p256_point(struct span spki)
{
	const uint8_t *p = p256_bytes(spki);

	return p && *p == UNCOMPRESSED ? p : NULL;
}

void p256_spki(const uint8_t point[P256_POINT_LEN], uint8_t spki[P256_SPKI_LEN])
{
	memcpy(spki, head, sizeof(head));
	memcpy(spki + sizeof(head), point, P256_POINT_LEN);
}

EVP_PKEY *p256_load(const uint8_t point[P256_POINT_LEN])
{
	CLEANUP(cleanup_EVP_PKEY_CTX_free)
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	uint8_t public[P256_POINT_LEN];
	char group[] = "P-256";
	EVP_PKEY *key = NULL;
	OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(
					OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
				OSSL_PARAM_construct_octet_string(
					OSSL_PKEY_PARAM_PUB_KEY, public,
					sizeof(public)),
				OSSL_PARAM_construct_end() };

	if (point[0] != UNCOMPRESSED)
		return NULL;
	memcpy(public, point, sizeof(public));
	if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		return NULL;
	return key;
}
