/* A generated key, its bytes changed one by one. */
#include <string.h>

#include <openssl/ec.h>
#include <openssl/x509.h>

#include "lib/base/p256.h"
#include "tests/unit/unit.h"

static uint8_t spki[P256_SPKI_LEN];

static void make(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	uint8_t *to = spki;

	ck_assert(key != NULL);
	ck_assert_int_eq(i2d_PUBKEY(key, NULL), sizeof(spki));
	ck_assert_int_eq(i2d_PUBKEY(key, &to), sizeof(spki));
	EVP_PKEY_free(key);
}

static const uint8_t *point_of(size_t len)
{
	return p256_point((struct span){ spki, len });
}

START_TEST(as_openssl_writes_it)
{
	uint8_t again[P256_SPKI_LEN];
	const uint8_t *point = point_of(sizeof(spki));
	EVP_PKEY *key;
	uint8_t *der = NULL;

	ck_assert(point == spki + sizeof(spki) - P256_POINT_LEN);
	p256_spki(point, again);
	ck_assert_mem_eq(again, spki, sizeof(spki));
	key = p256_load(point);
	ck_assert(key != NULL);
	ck_assert_int_eq(i2d_PUBKEY(key, &der), sizeof(spki));
	ck_assert_mem_eq(der, spki, sizeof(spki));
	OPENSSL_free(der);
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(other_forms)
{
	/* Of the form byte it is p256_point() alone that asks. */
	spki[sizeof(spki) - P256_POINT_LEN] = 0x06;
	ck_assert(p256_bytes((struct span){ spki, sizeof(spki) }) != NULL);
	ck_assert(!point_of(sizeof(spki)));
	spki[sizeof(spki) - P256_POINT_LEN] = 0x04;
	ck_assert(!point_of(0) && !point_of(sizeof(spki) - 1));
	for (size_t i = 0; i <= sizeof(spki) - P256_POINT_LEN; i++) {
		spki[i] ^= 1;
		ck_assert(!point_of(sizeof(spki)));
		spki[i] ^= 1;
	}
	ck_assert(point_of(sizeof(spki)) != NULL);
}
END_TEST

/* Infinity, a compressed form, a hybrid one, and a point beside the curve. */
START_TEST(no_point)
{
	uint8_t point[P256_POINT_LEN];

	for (unsigned first = 0; first < 256; first++) {
		memcpy(point, point_of(sizeof(spki)), sizeof(point));
		point[0] = (uint8_t)first;
		if (first != 0x04)
			ck_assert(p256_load(point) == NULL);
	}
	memcpy(point, point_of(sizeof(spki)), sizeof(point));
	point[P256_POINT_LEN - 1] ^= 1;
	ck_assert(p256_load(point) == NULL);
	memset(point + 1, 0, sizeof(point) - 1);
	ck_assert(p256_load(point) == NULL);
	memset(point + 1, 0xff, sizeof(point) - 1);
	ck_assert(p256_load(point) == NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("p256");
	TCase *t = tcase_create("p256");

	tcase_add_checked_fixture(t, make, NULL);
	tcase_add_test(t, as_openssl_writes_it);
	tcase_add_test(t, other_forms);
	tcase_add_test(t, no_point);
	suite_add_tcase(s, t);
	return unit_run(s);
}
