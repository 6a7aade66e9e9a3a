#include "lib/x509/keytable.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/sha.h>

#include "lib/x509/cert.h"
#include "tests/unit/seal_keys.h"
#include "tests/unit/seal_vec.h"

#define P1363 "vectors/wycheproof/ecdsa_secp256r1_sha256_p1363_test.json"

/* A table costs as much as a thousand of these cases: one for each key. */
static struct keytable *table;
static uint8_t spki_of_table[KEYS_SPKI_LEN];
static struct err err;

static void setup(void)
{
	err_init(&err);
	table = NULL;
	memset(spki_of_table, 0, sizeof(spki_of_table));
}

static void teardown(void)
{
	keytable_free(table);
}

static void use_key(struct span spki)
{
	const uint8_t *point;

	if (table && !memcmp(spki.p, spki_of_table, sizeof(spki_of_table)))
		return;
	ck_assert(x509_spki_point(spki, &point));
	keytable_free(table);
	unit_ok(keytable_new(point, &table, &err), &err);
	ck_assert_ptr_nonnull(table);
	memcpy(spki_of_table, spki.p, sizeof(spki_of_table));
}

static bool by_table(struct span spki, struct span msg, struct span sig)
{
	uint8_t digest[32], inverse[1][KEYTABLE_INVERSE_LEN];
	bool right = false, with_inverse;

	use_key(spki);
	SHA256(msg.p, msg.len, digest);
	if (sig.len != 64)
		return false;
	unit_ok(keytable_verify(table, digest, sig.p, NULL, &right, &err),
		&err);
	unit_ok(keytable_invert(table, &sig.p, 1, inverse, &err), &err);
	unit_ok(keytable_verify(table, digest, sig.p, *inverse, &with_inverse,
				&err),
		&err);
	ck_assert_int_eq(right, with_inverse);
	return right;
}

static void official(const char *file, const char *name, const json_t *group,
		     const json_t *test, bool valid)
{
	vec_ecdsa_case(file, name, group, test, valid, by_table);
}

START_TEST(test_official)
{
	vec_wycheproof(P1363, 179, official);
}
END_TEST

/* With the digest zero u1 G is infinity; and each flipped bit is found. */
START_TEST(test_each_bit)
{
	EVP_PKEY *key = keys_new();
	uint8_t spki[KEYS_SPKI_LEN], digest[32] = { 0 }, raw[64];
	uint8_t der[80];
	size_t len = sizeof(der);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	bool right;

	keys_spki(key, spki);
	use_key((struct span){ spki, sizeof(spki) });
	ck_assert_int_eq(EVP_PKEY_sign_init(ctx), 1);
	ck_assert_int_eq(EVP_PKEY_sign(ctx, der, &len, digest, 32), 1);
	ck_assert(x509_ecdsa_from_der((struct span){ der, len }, raw));
	unit_ok(keytable_verify(table, digest, raw, NULL, &right, &err), &err);
	ck_assert(right);
	for (size_t bit = 0; bit < 8 * sizeof(raw); bit++) {
		raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
		unit_ok(keytable_verify(table, digest, raw, NULL, &right, &err),
			&err);
		ck_assert(!right);
		raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t bit = 0; bit < 8 * sizeof(digest); bit++) {
		digest[bit / 8] ^= (uint8_t)(1 << bit % 8);
		unit_ok(keytable_verify(table, digest, raw, NULL, &right, &err),
			&err);
		ck_assert(!right);
		digest[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
}
END_TEST

/* r = s = 1 and e = -d: the sum u1 G + u2 Q is infinity, and no x is r. */
START_TEST(test_infinity)
{
	EVP_PKEY *key = keys_new();
	EC_GROUP *p256 = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	uint8_t spki[KEYS_SPKI_LEN], digest[32], raw[64] = { 0 };
	BIGNUM *d = NULL, *e = BN_new();
	bool right = true;

	keys_spki(key, spki);
	use_key((struct span){ spki, sizeof(spki) });
	ck_assert_int_eq(
		EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &d), 1);
	ck_assert_int_eq(BN_sub(e, EC_GROUP_get0_order(p256), d), 1);
	ck_assert_int_eq(BN_bn2binpad(e, digest, 32), 32);
	raw[31] = raw[63] = 1;
	unit_ok(keytable_verify(table, digest, raw, NULL, &right, &err), &err);
	ck_assert(!right);
	BN_free(d);
	BN_free(e);
	EC_GROUP_free(p256);
	EVP_PKEY_free(key);
}
END_TEST

#define MANY KEYTABLE_INVERSES_MAX

static void sign_many(EVP_PKEY *key, uint8_t digests[MANY][32],
		      uint8_t raw[MANY][64])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);

	ck_assert_int_eq(EVP_PKEY_sign_init(ctx), 1);
	for (size_t i = 0; i < MANY; i++) {
		uint8_t der[80];
		size_t len = sizeof(der);

		memset(digests[i], 0, 32);
		digests[i][0] = (uint8_t)i;
		ck_assert_int_eq(EVP_PKEY_sign(ctx, der, &len, digests[i], 32),
				 1);
		ck_assert(
			x509_ecdsa_from_der((struct span){ der, len }, raw[i]));
	}
	EVP_PKEY_CTX_free(ctx);
}

/* Are those right that bad does not name, and only those? */
static void check_many(uint8_t digests[MANY][32], uint8_t raw[MANY][64],
		       const bool bad[MANY],
		       uint8_t inverses[MANY][KEYTABLE_INVERSE_LEN])
{
	for (size_t i = 0; i < MANY; i++) {
		bool right;

		unit_ok(keytable_verify(table, digests[i], raw[i], inverses[i],
					&right, &err),
			&err);
		ck_assert_msg(right != bad[i], "signature %zu", i);
	}
}

/*
 * With s zero, n, out of range or another's among them each bad one is found
 * and no other suffers; and a wrong inverse is of no account.
 */
START_TEST(test_one_inversion_for_many)
{
	static uint8_t digests[MANY][32], raw[MANY][64];
	static uint8_t inverses[MANY][KEYTABLE_INVERSE_LEN];
	EVP_PKEY *key = keys_new();
	EC_GROUP *p256 = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	const uint8_t *sigs[MANY];
	uint8_t spki[KEYS_SPKI_LEN], zeros[KEYTABLE_INVERSE_LEN] = { 0 };
	bool bad[MANY] = { false };

	keys_spki(key, spki);
	use_key((struct span){ spki, sizeof(spki) });
	sign_many(key, digests, raw);
	for (size_t i = 0; i < MANY; i++)
		sigs[i] = raw[i];
	unit_ok(keytable_invert(table, sigs, MANY, inverses, &err), &err);
	check_many(digests, raw, bad, inverses);
	for (size_t i = 0; i < MANY; i++)
		ck_assert(memcmp(inverses[i], zeros, sizeof(zeros)) != 0);

	memset(raw[0] + 32, 0, 32);
	ck_assert_int_eq(
		BN_bn2binpad(EC_GROUP_get0_order(p256), raw[7] + 32, 32), 32);
	memset(raw[8] + 32, 0xff, 32);
	raw[20][63] ^= 1;
	memcpy(raw[30] + 32, raw[31] + 32, 32);
	memset(raw[MANY - 1], 0, 64);
	bad[0] = bad[7] = bad[8] = bad[20] = bad[30] = bad[MANY - 1] = true;
	check_many(digests, raw, bad, inverses);
	unit_ok(keytable_invert(table, sigs, MANY, inverses, &err), &err);
	check_many(digests, raw, bad, inverses);
	ck_assert_mem_eq(inverses[0], zeros, sizeof(zeros));
	ck_assert_mem_eq(inverses[7], zeros, sizeof(zeros));
	ck_assert_mem_eq(inverses[8], zeros, sizeof(zeros));
	for (size_t i = 0; i < MANY; i++)
		memset(inverses[i], (int)(4 * i + 3), sizeof(inverses[i]));
	check_many(digests, raw, bad, inverses);
	/* All of them out of range: nothing is inverted. */
	memset(raw, 0, sizeof(raw));
	unit_ok(keytable_invert(table, sigs, MANY, inverses, &err), &err);
	ck_assert_mem_eq(inverses[1], zeros, sizeof(zeros));
	unit_refused(keytable_invert(table, sigs, MANY + 1, inverses, &err),
		     PV_INTERNAL, "keytable.many", &err);
	EC_GROUP_free(p256);
	EVP_PKEY_free(key);
}
END_TEST

/* A verifier says the same before, when and after it makes its table. */
START_TEST(test_verifier_goes_over)
{
	EVP_PKEY *key = keys_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	uint8_t spki[KEYS_SPKI_LEN], digest[32] = { 1 }, raw[64], der[80];
	size_t len = sizeof(der);
	const uint8_t *sig = raw;
	struct x509_verifier *v;
	struct x509_ahead ahead;

	keys_spki(key, spki);
	unit_ok(x509_verifier_new((struct span){ spki, sizeof(spki) }, &v,
				  &err),
		&err);
	ck_assert_int_eq(EVP_PKEY_sign_init(ctx), 1);
	ck_assert_int_eq(EVP_PKEY_sign(ctx, der, &len, digest, 32), 1);
	ck_assert(x509_ecdsa_from_der((struct span){ der, len }, raw));
	for (int i = 0; i < 1100; i++) {
		unit_ok(x509_verify_digest(v, digest, raw, PV_INTEGRITY, &err),
			&err);
		digest[31] ^= 1;
		unit_refused(
			x509_verify_digest(v, digest, raw, PV_INTEGRITY, &err),
			PV_INTEGRITY, "signature.wrong", &err);
		err_init(&err);
		unit_ok(x509_verify_ahead(v, &sig, 1, &ahead, &err), &err);
		unit_refused(x509_verify_digest_ahead(v, digest, raw, &ahead,
						      PV_INTEGRITY, &err),
			     PV_INTEGRITY, "signature.wrong", &err);
		err_init(&err);
		digest[31] ^= 1;
		unit_ok(x509_verify_digest_ahead(v, digest, raw, &ahead,
						 PV_INTEGRITY, &err),
			&err);
	}
	x509_verifier_free(v);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("keytable");
	TCase *t = tcase_create("keytable");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_official);
	tcase_add_test(t, test_each_bit);
	tcase_add_test(t, test_infinity);
	tcase_add_test(t, test_one_inversion_for_many);
	tcase_add_test(t, test_verifier_goes_over);
	suite_add_tcase(s, t);
	return unit_run(s);
}
