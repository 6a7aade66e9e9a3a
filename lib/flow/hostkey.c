#include "lib/flow/hostkey.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

/* PrivateKeyInfo up to the scalar: version 0, id-ecPublicKey with P-256, then
 * ECPrivateKey version 1 (RFC 5915). */
static const uint8_t head[] = { 0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13,
				0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
				0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
				0x03, 0x01, 0x07, 0x04, 0x6d, 0x30, 0x6b, 0x02,
				0x01, 0x01, 0x04, 0x20 };
static const uint8_t middle[] = { 0xa1, 0x44, 0x03, 0x42, 0x00 };

#define SCALAR_LEN 32

static bool fill(EVP_PKEY *key, uint8_t *out, uint8_t *spki)
{
	uint8_t *scalar = out + sizeof(head);
	uint8_t *point = scalar + SCALAR_LEN + sizeof(middle);
	BIGNUM *d = NULL;
	size_t len = 0;
	bool ok;

	ok = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &d) == 1 &&
	     BN_bn2binpad(d, scalar, SCALAR_LEN) == SCALAR_LEN &&
	     EVP_PKEY_get_octet_string_param(
		     key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, point,
		     X509_P256_POINT_LEN, &len) == 1 &&
	     len == X509_P256_POINT_LEN && point[0] == 0x04;
	BN_clear_free(d);
	if (!ok)
		return false;
	memcpy(out, head, sizeof(head));
	memcpy(scalar + SCALAR_LEN, middle, sizeof(middle));
	x509_spki_from_point(point, spki);
	return true;
}

enum pv_code hostkey_generate(struct secret *pkcs8,
			      uint8_t spki[X509_P256_SPKI_LEN], struct err *err)
{
	enum pv_code rc = secret_alloc(pkcs8, HOSTKEY_PKCS8_LEN, err);
	EVP_PKEY *key;

	if (rc != PV_OK)
		return rc;
	key = EVP_EC_gen("P-256");
	if (!key || !fill(key, pkcs8->data, spki)) {
		secret_release(pkcs8);
		rc = err_fail(err, PV_INTERNAL, "hostkey", NULL,
			      "cannot make a key pair");
	}
	EVP_PKEY_free(key);
	return rc;
}
