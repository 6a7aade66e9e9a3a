/* Keys under which anybody can sign. */
#include "policy/weakkey.h"

#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include "tests/unit/notepair.h"

#define POINT_AT 26 /* in a P-256 SPKI, behind its 04 is x || y */

/* The SPKI of the private value d, or of its negative. */
static void p256_spki(unsigned d, bool negative, uint8_t spki[91])
{
	EC_GROUP *g = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	EC_POINT *p = EC_POINT_new(g);
	BIGNUM *n = BN_new();

	ck_assert(BN_set_word(n, d));
	ck_assert(EC_POINT_mul(g, p, n, NULL, NULL, NULL));
	ck_assert(!negative || EC_POINT_invert(g, p, NULL));
	ck_assert_uint_eq(EC_POINT_point2oct(g, p,
					     POINT_CONVERSION_UNCOMPRESSED,
					     spki + POINT_AT, 65, NULL),
			  65);
	BN_free(n);
	EC_POINT_free(p);
	EC_GROUP_free(g);
}

START_TEST(small_private_values)
{
	struct pair pair;
	struct note_key key;
	uint8_t spki[91];

	pair_new(&pair, NOTE_ECDSA, "eve");
	ck_assert(!weakkey_found(&pair.key));
	ck_assert_uint_eq(pair.key.spki_len, sizeof(spki));
	memcpy(spki, pair.key.spki, sizeof(spki));
	for (unsigned d = 1; d <= 17; d++)
		for (int negative = 0; negative < 2; negative++) {
			p256_spki(d, negative, spki);
			UNIT_OK(note_key_from_spki(
				&key, "eve",
				(struct span){ spki, sizeof(spki) }, &err_));
			ck_assert_int_eq(weakkey_found(&key), d <= 16);
		}
	EVP_PKEY_free(pair.pkey);
}
END_TEST

/* The base point of Ed25519, twice it, and their negatives. */
START_TEST(ed25519)
{
	static const char *const points[] = {
		"58666666666666666666666666666666666666666666666666666666666666"
		"66",
		"586666666666666666666666666666666666666666666666666666666666"
		"66e6",
		"c9a3f86aae465f0e56513864510f3997561fa2c9e85ea21dc2292309f3cd60"
		"22",
		"c9a3f86aae465f0e56513864510f3997561fa2c9e85ea21dc2292309f3cd60"
		"a2",
	};
	struct pair pair;

	pair_new(&pair, NOTE_ED25519, "eve");
	ck_assert(!weakkey_found(&pair.key));
	for (size_t i = 0; i < sizeof(points) / sizeof(*points); i++) {
		struct span spki = { pair.key.spki, pair.key.spki_len };
		struct note_key key;

		ck_assert(hex_decode(points[i], pair.key.spki + 12, 32));
		UNIT_OK(note_key_from_spki(&key, "eve", spki, &err_));
		ck_assert(weakkey_found(&key));
	}
	EVP_PKEY_free(pair.pkey);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("weakkey");
	TCase *t = tcase_create("weakkey");

	tcase_add_test(t, small_private_values);
	tcase_add_test(t, ed25519);
	suite_add_tcase(s, t);
	return unit_run(s);
}
