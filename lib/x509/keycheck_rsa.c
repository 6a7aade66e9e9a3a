/* What an RSA public key alone shows about how it was made. */
#include "lib/x509/ctx.h"

#include <string.h>

#define EXPONENT_MIN 65537u
#define EXPONENT_BITS_MAX 256 /* e < 2^256: FIPS 186-5 A.1.1 */
#define ROCA_PRIME_MAX 167    /* CVE-2017-15361: M of 512-bit keys */
#define ROCA_GENERATOR 65537u

static enum pv_code deny(const char *rule, const char *what, struct err *err)
{
	return err_fail(err, PV_DENIED, rule, "the device must make a new key",
			"the RSA key %s", what);
}

/* Products of all odd primes below the bound, as many as fit 32 bits each. */
static bool sieve_setup(struct x509_ctx *ctx)
{
	static const uint32_t bound = X509_SIEVE_BOUND;
	uint8_t composite[X509_SIEVE_BOUND / 2];
	uint32_t product = 1;

	memset(composite, 0, sizeof(composite));
	ctx->sieve_n = 0;
	for (uint32_t p = 3; p < bound; p += 2) {
		if (composite[p / 2])
			continue;
		for (uint64_t m = (uint64_t)p * p; m < bound; m += 2 * p)
			composite[m / 2] = 1;
		if (product > UINT32_MAX / p) {
			if (ctx->sieve_n == X509_SIEVE_WORDS - 1)
				return false;
			ctx->sieve[ctx->sieve_n++] = product;
			product = 1;
		}
		product *= p;
	}
	ctx->sieve[ctx->sieve_n++] = product;
	return true;
}

static uint32_t gcd32(uint32_t a, uint32_t b)
{
	while (b) {
		uint32_t r = a % b;

		a = b;
		b = r;
	}
	return a;
}

static uint32_t mod32(struct span n, uint32_t w)
{
	uint64_t r = 0;
	size_t i = 0;

	for (; i < n.len % 4; i++)
		r = (r << 8 | n.p[i]) % w;
	for (; i < n.len; i += 4)
		r = (r << 32 | (uint32_t)n.p[i] << 24 |
		     (uint32_t)n.p[i + 1] << 16 | (uint32_t)n.p[i + 2] << 8 |
		     n.p[i + 3]) %
		    w;
	return (uint32_t)r;
}

static bool small_factor(const struct x509_ctx *ctx, struct span n)
{
	for (size_t i = 0; i < ctx->sieve_n; i++) {
		uint32_t w = ctx->sieve[i];

		if (gcd32(w, mod32(n, w)) != 1)
			return true;
	}
	return false;
}

/* Is r a power of the generator modulo the prime p? */
static bool roca_residue(unsigned r, unsigned p)
{
	unsigned v = 1;

	do {
		if (v == r)
			return true;
		v = v * (ROCA_GENERATOR % p) % p;
	} while (v != 1);
	return false;
}

/* Nemec et al., CCS 2017: n is in <65537> modulo every small prime. */
static bool roca(struct span n)
{
	for (unsigned p = 3; p <= ROCA_PRIME_MAX; p += 2) {
		bool prime = true;

		for (unsigned d = 3; d * d <= p && prime; d += 2)
			prime = p % d != 0;
		if (prime && !roca_residue(mod32(n, p), p))
			return false;
	}
	return true;
}

/* The floor of the square root of n, by Newton's method. */
static bool bn_isqrt(BIGNUM *root, const BIGNUM *n, BN_CTX *bn)
{
	BIGNUM *next = BN_CTX_get(bn), *q = BN_CTX_get(bn);

	if (!q)
		return false;
	BN_zero(root);
	if (BN_is_zero(n))
		return true;
	if (!BN_set_bit(root, (BN_num_bits(n) + 1) / 2))
		return false;
	for (;;) {
		if (!BN_div(q, NULL, n, root, bn) || !BN_add(next, root, q) ||
		    !BN_rshift1(next, next))
			return false;
		if (BN_cmp(next, root) >= 0)
			return true;
		if (!BN_copy(root, next))
			return false;
	}
}

static bool is_square(const BIGNUM *v, BN_CTX *bn, bool *square)
{
	/* Bit n is set when n is a square modulo 64: most others end here. */
	static const uint64_t squares = UINT64_C(0x0202021202030213);
	BIGNUM *root, *t;
	bool ok;

	*square = false;
	if (!(squares >> BN_mod_word(v, 64) & 1))
		return true;
	BN_CTX_start(bn);
	root = BN_CTX_get(bn);
	t = BN_CTX_get(bn);
	ok = t && bn_isqrt(root, v, bn) && BN_sqr(t, root, bn);
	*square = ok && BN_cmp(t, v) == 0;
	BN_CTX_end(bn);
	return ok;
}

/*
 * Fermat: n = a^2 - b^2 with a close above sqrt(n). *found when one of the
 * first rounds gives a square.
 */
static bool fermat(const BIGNUM *n, BN_CTX *bn, bool *found)
{
	BIGNUM *a = BN_CTX_get(bn), *b2 = BN_CTX_get(bn);
	BIGNUM *t = BN_CTX_get(bn);

	*found = false;
	if (!t || !bn_isqrt(a, n, bn) || !BN_sqr(t, a, bn))
		return false;
	if (BN_cmp(t, n) < 0 && !BN_add_word(a, 1))
		return false;
	if (!BN_sqr(b2, a, bn) || !BN_sub(b2, b2, n))
		return false;
	for (int i = 0; i < X509_FERMAT_ROUNDS && !*found; i++) {
		if (!is_square(b2, bn, found))
			return false;
		/* (a + 1)^2 - n = b2 + 2a + 1 */
		if (!BN_lshift1(t, a) || !BN_add(b2, b2, t) ||
		    !BN_add_word(b2, 1) || !BN_add_word(a, 1))
			return false;
	}
	return true;
}

/*
 * One round of Fermat's little theorem to base 2: a prime always passes, a
 * product of two random primes does not (that it did would be no harm: the
 * device makes another key). A proof would cost seconds.
 */
static bool like_a_prime(const BIGNUM *n, BN_CTX *bn, bool *passes)
{
	BIGNUM *two = BN_CTX_get(bn), *less = BN_CTX_get(bn);
	BIGNUM *power = BN_CTX_get(bn);

	if (!power || !BN_set_word(two, 2) || !BN_copy(less, n) ||
	    !BN_sub_word(less, 1) || !BN_mod_exp(power, two, less, n, bn))
		return false;
	*passes = BN_is_one(power);
	return true;
}

static enum pv_code check_numbers(struct x509_ctx *ctx, struct span modulus,
				  struct err *err)
{
	BIGNUM *n = BN_CTX_get(ctx->bn);
	bool found, prime;

	if (!n || !BN_bin2bn(modulus.p, (int)modulus.len, n) ||
	    !fermat(n, ctx->bn, &found))
		return x509_openssl_fail("check an RSA key", err);
	if (found)
		return deny("key.fermat", "has two factors close together",
			    err);
	if (!like_a_prime(n, ctx->bn, &prime))
		return x509_openssl_fail("check an RSA key", err);
	if (prime)
		return deny("key.prime", "has a prime as its modulus", err);
	return PV_OK;
}

static enum pv_code check_exponent(struct span e, struct err *err)
{
	uint32_t small = 0;

	if (e.len > EXPONENT_BITS_MAX / 8)
		return deny("key.exponent", "has an exponent over 256 bits",
			    err);
	for (size_t i = 0; i < e.len && e.len <= 4; i++)
		small = small << 8 | e.p[i];
	if ((e.len <= 4 && small < EXPONENT_MIN) || !(e.p[e.len - 1] & 1))
		return deny("key.exponent",
			    "has an exponent that is even or below 65537", err);
	return PV_OK;
}

static enum pv_code check_size(const struct key_facts *facts, struct err *err)
{
	if (facts->bits >= X509_RSA_BITS_MIN &&
	    facts->bits <= X509_RSA_BITS_MAX)
		return PV_OK;
	return err_fail(err, PV_DENIED, "key.size",
			"make an RSA key of at least 2048 bits",
			"the RSA key has %u bits, %d to %d are allowed",
			facts->bits, X509_RSA_BITS_MIN, X509_RSA_BITS_MAX);
}

enum pv_code x509_rsa_check_form(const struct key_facts *facts, struct err *err)
{
	struct span n = facts->n;
	enum pv_code rc = check_size(facts, err);

	if (rc == PV_OK)
		rc = check_exponent(facts->e, err);
	if (rc != PV_OK)
		return rc;
	if (!(n.p[n.len - 1] & 1))
		return deny("key.modulus", "has an even modulus", err);
	return PV_OK;
}

enum pv_code x509_rsa_check_weak(struct x509_ctx *ctx,
				 const struct key_facts *facts, struct err *err)
{
	struct span n = facts->n;
	enum pv_code rc;

	if (ctx->sieve_n == 0 && !sieve_setup(ctx))
		return err_fail(err, PV_INTERNAL, "key.sieve", NULL,
				"too many small primes for the table");
	if (!ctx->bn)
		ctx->bn = BN_CTX_new();
	if (!ctx->bn)
		return x509_openssl_fail("check an RSA key", err);
	if (small_factor(ctx, n))
		return deny("key.small_factors", "has a small prime factor",
			    err);
	if (roca(n))
		return deny("key.roca", "has the ROCA fingerprint", err);
	BN_CTX_start(ctx->bn);
	rc = check_numbers(ctx, n, err);
	BN_CTX_end(ctx->bn);
	return rc;
}
