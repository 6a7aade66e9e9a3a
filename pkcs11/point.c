#include "pkcs11/point.h"

#include <string.h>

#include <openssl/evp.h>

#include "pkcs11/quirks.h"

#define ED25519_POINT_LEN 32
#define TAG_BIT_STRING 0x03
#define TAG_OCTET_STRING 0x04

/* AlgorithmIdentifier and the head of the BIT STRING, RFC 8410. */
static const uint8_t ed25519_head[] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
					0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 };

static enum pv_code refuse(const char *why, struct err *err)
{
	return err_fail(err, PV_HSM_FATAL, "hsm.point", NULL,
			"CKA_EC_POINT: %s", why);
}

/* The len bytes of the point inside value, or NULL. */
static const uint8_t *unwrap(struct span value, size_t len, unsigned forms)
{
	const uint8_t *p = value.p;

	if ((forms & P11_POINT_RAW) && value.len == len)
		return p;
	if ((forms & P11_POINT_OCTET_STRING) && value.len == len + 2 &&
	    p[0] == TAG_OCTET_STRING && p[1] == len)
		return p + 2;
	if ((forms & P11_POINT_BIT_STRING) && value.len == len + 3 &&
	    p[0] == TAG_BIT_STRING && p[1] == len + 1 && p[2] == 0)
		return p + 3;
	return NULL;
}

void p11_point_octets(const uint8_t point[P256_POINT_LEN],
		      uint8_t out[P11_POINT_OCTETS_LEN])
{
	out[0] = TAG_OCTET_STRING;
	out[1] = P256_POINT_LEN;
	memcpy(out + 2, point, P256_POINT_LEN);
}

static bool on_p256(const uint8_t *point)
{
	EVP_PKEY *key = p256_load(point);
	EVP_PKEY_CTX *check =
		key ? EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL) : NULL;
	bool good = check && EVP_PKEY_public_check(check) == 1;

	EVP_PKEY_CTX_free(check);
	EVP_PKEY_free(key);
	return good;
}

enum pv_code p11_point_p256(struct span value, unsigned forms, uint8_t *out,
			    size_t *out_len, struct err *err)
{
	const uint8_t *point = unwrap(value, P256_POINT_LEN, forms);

	if (!point)
		return refuse("not a P-256 point in a known form", err);
	if (point[0] != 0x04)
		return refuse("not an uncompressed point", err);
	if (!on_p256(point))
		return refuse("not on the curve", err);
	p256_spki(point, out);
	*out_len = P256_SPKI_LEN;
	return PV_OK;
}

/* y < p - 1 for p = 2^255 - 19, and neither 0 nor 1: canonical as RFC 8032
 * 5.1.3 asks, and none of the small-order points that show at a glance. */
static bool y_is_fit(const uint8_t y[static ED25519_POINT_LEN])
{
	bool top = (y[31] & 0x7f) == 0x7f;
	bool zero = (y[31] & 0x7f) == 0;

	for (size_t i = 1; i < 31; i++) {
		top = top && y[i] == 0xff;
		zero = zero && y[i] == 0;
	}
	return !(top && y[0] >= 0xec) && !(zero && y[0] <= 1);
}

enum pv_code p11_point_ed25519(struct span value, unsigned forms, uint8_t *out,
			       size_t *out_len, struct err *err)
{
	const uint8_t *point = unwrap(value, ED25519_POINT_LEN, forms);

	if (!point)
		return refuse("not an Ed25519 point in a known form", err);
	if (!y_is_fit(point))
		return refuse("not a canonical Ed25519 key", err);
	memcpy(out, ed25519_head, sizeof(ed25519_head));
	memcpy(out + sizeof(ed25519_head), point, ED25519_POINT_LEN);
	*out_len = sizeof(ed25519_head) + ED25519_POINT_LEN;
	return PV_OK;
}
