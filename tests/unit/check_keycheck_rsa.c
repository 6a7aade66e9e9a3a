#include "tests/unit/unit.h"


#include <openssl/bn.h>

#include "tests/unit/x509_fixture.h"

static struct x509_ctx *ctx;

static void setup(void)
{
	struct err err;

	err_init(&err);
	unit_ok(x509_ctx_new(&ctx, &err), &err);
}

static void teardown(void)
{
	x509_ctx_cleanup(&ctx);
}

static enum pv_code check_numbers(const BIGNUM *n, struct span e,
				  struct err *err)
{
	struct key_facts facts;
	uint8_t bytes[2048];
	struct buf spki;
	int len = BN_bn2bin(n, bytes);
	enum pv_code rc;

	xf_rsa_spki((struct span){ bytes, (size_t)len }, e, &spki);
	rc = x509_key_check(ctx, buf_span(&spki), X509_ALLOW_ALL, &facts, err);
	buf_release(&spki);
	return rc;
}

/* 2^bit - 1: prime for 1279, 2203, 3217, 4423 (Mersenne). */
static void mersenne(BIGNUM *n, int bit)
{
	BN_zero(n);
	ck_assert(BN_set_bit(n, bit) && BN_sub_word(n, 1));
}

/* The product of two of them: nothing here speaks against it. */
static BIGNUM *sound_modulus(int a, int b)
{
	BIGNUM *n = BN_new(), *p = BN_new(), *q = BN_new();
	BN_CTX *bn = BN_CTX_new();

	mersenne(p, a);
	mersenne(q, b);
	ck_assert(BN_mul(n, p, q, bn));
	BN_free(p);
	BN_free(q);
	BN_CTX_free(bn);
	return n;
}

START_TEST(exponents)
{
	static const struct {
		uint8_t e[34];
		size_t len;
		bool ok;
	} t[] = {
		{ { 0x01, 0x00, 0x01 }, 3, true },
		{ { 0x00 }, 1, false },
		{ { 0x03 }, 1, false },
		{ { 0x01, 0x00, 0x00 }, 3, false },
		{ { 0xff, 0xff }, 2, false },
		{ { 0x01, 0x00, 0x02 }, 3, false },
		{ { 0x80, 0, 0, 0, 1 }, 5, true },
		{ { 0x80, 0, 0, 0, 2 }, 5, false },
		{ { 0xff, [31] = 0x01 }, 32, true },
		{ { 0x01, [32] = 0x01 }, 33, false },
	};
	BIGNUM *n = sound_modulus(1279, 2203);
	struct err err;
	enum pv_code rc;

	err_init(&err);
	rc = check_numbers(n, (struct span){ t[_i].e, t[_i].len }, &err);
	if (t[_i].ok)
		unit_ok(rc, &err);
	else
		unit_refused(rc, PV_DENIED, "key.exponent", &err);
	BN_free(n);
}
END_TEST

/* n = the next prime above 2^1023 + start, times a prime so much further. */
static void close_product(BIGNUM *n, int gap_bits, BN_CTX *bn)
{
	BIGNUM *p = BN_new(), *q = BN_new();

	ck_assert(BN_generate_prime_ex2(p, 1024, 0, NULL, NULL, NULL, bn));
	ck_assert(BN_copy(q, p) && BN_add_word(q, 2));
	if (gap_bits > 0) {
		BIGNUM *gap = BN_new();

		BN_zero(gap);
		ck_assert(BN_set_bit(gap, gap_bits) && BN_add(q, q, gap));
		BN_free(gap);
	}
	while (BN_check_prime(q, bn, NULL) != 1)
		ck_assert(BN_add_word(q, 2));
	ck_assert(BN_mul(n, p, q, bn));
	BN_free(p);
	BN_free(q);
}

START_TEST(weak_moduli)
{
	static const uint8_t e[] = { 1, 0, 1 };
	BN_CTX *bn = BN_CTX_new();
	BIGNUM *n = sound_modulus(1279, 2203);
	static const char *const rules[] = { "key.fermat",	  "key.fermat",
					     "key.small_factors", "key.modulus",
					     "key.size",	  "key.size",
					     "key.prime" };
	struct err err;

	err_init(&err);
	switch (_i) {
	case 0: /* twin-like primes */
		close_product(n, 0, bn);
		break;
	case 1: /* 2^500 apart: found in the first rounds */
		close_product(n, 500, bn);
		break;
	case 2: /* the greatest prime below 2^16 */
		while (BN_mod_word(n, 65521) != 0)
			ck_assert(BN_add_word(n, 2));
		break;
	case 3:
		ck_assert(BN_add_word(n, 1));
		break;
	case 4: /* 2047 bits */
		mersenne(n, 2047);
		break;
	case 5: /* 4097 bits */
		mersenne(n, 4097);
		break;
	case 6:
		mersenne(n, 2203);
		break;
	}
	unit_refused(check_numbers(n, (struct span){ e, 3 }, &err), PV_DENIED,
		     rules[_i], &err);
	BN_free(n);
	BN_CTX_free(bn);
}
END_TEST

START_TEST(largest_size)
{
	EVP_PKEY *key = xf_rsa(X509_RSA_BITS_MAX);
	struct key_facts facts;
	struct buf spki;

	xf_spki(key, &spki);
	UNIT_OK(x509_key_check(ctx, buf_span(&spki), X509_ALLOW_ALL, &facts,
			       &err_));
	ck_assert_uint_eq(facts.bits, 4096);
	buf_release(&spki);
	EVP_PKEY_free(key);
}
END_TEST

/* A prime passes every round of a test: one must do, proving takes 128. */
START_TEST(a_prime_modulus_is_refused)
{
	static const uint8_t e[] = { 1, 0, 1 };
	BIGNUM *n = BN_new();
	struct err err;

	mersenne(n, 3217);
	err_init(&err);
	unit_refused(check_numbers(n, (struct span){ e, 3 }, &err), PV_DENIED,
		     "key.prime", &err);
	BN_free(n);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("keycheck_rsa");
	TCase *tc = tcase_create("keycheck_rsa");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, exponents, 0, 10);
	tcase_add_loop_test(tc, weak_moduli, 0, 7);
	tcase_add_test(tc, largest_size);
	tcase_add_test(tc, a_prime_modulus_is_refused);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
