/*
 * OpenSSL keeps such a table for a group's generator only, so the key is made
 * the generator of a group of its own. What makes that table and what gives a
 * point as it is kept are deprecated in OpenSSL 3.0 and may go: then
 * keytable_new() gives none.
 */
#undef OPENSSL_NO_DEPRECATED
#define OPENSSL_SUPPRESS_DEPRECATED

#include "lib/x509/keytable.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include "config.h"
#include "lib/base/mem.h"
#include "lib/x509/ctx.h"

#define POINT_LEN 65
#define SCALAR_LEN 32

struct keytable {
	EC_GROUP *curve; /* P-256 */
	EC_GROUP *own;	 /* the same with the key for G */
	EC_POINT *of_g, *of_key;
	BN_CTX *bn;
	BN_MONT_CTX *mod_n, *mod_p; /* of the order, of the field */
	BIGNUM *p;
	/* Of one verification; w is s^-1 in Montgomery's form. */
	BIGNUM *r, *s, *w, *e, *u1, *u2, *x, *z;
	/* Of many: s, and the product of all up to it, in that form. */
	BIGNUM *each[KEYTABLE_INVERSES_MAX], *upto[KEYTABLE_INVERSES_MAX];
};

static bool make_number(BIGNUM **out)
{
	*out = BN_new();
	return *out != NULL;
}

static bool make_numbers(struct keytable *t)
{
	BIGNUM **all[] = { &t->r,  &t->s, &t->w, &t->e, &t->u1,
			   &t->u2, &t->x, &t->z, &t->p };
	bool ok = true;

	for (size_t i = 0; ok && i < sizeof(all) / sizeof(all[0]); i++)
		ok = make_number(all[i]);
	for (size_t i = 0; ok && i < KEYTABLE_INVERSES_MAX; i++)
		ok = make_number(&t->each[i]) && make_number(&t->upto[i]);
	return ok;
}

static bool make_groups(struct keytable *t, const uint8_t point[POINT_LEN])
{
	t->curve = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	t->own = t->curve ? EC_GROUP_dup(t->curve) : NULL;
	t->of_g = t->own ? EC_POINT_new(t->curve) : NULL;
	t->of_key = t->of_g ? EC_POINT_new(t->own) : NULL;
	return t->of_key &&
	       EC_POINT_oct2point(t->own, t->of_key, point, POINT_LEN, t->bn) ==
		       1 &&
	       EC_GROUP_set_generator(t->own, t->of_key,
				      EC_GROUP_get0_order(t->curve),
				      EC_GROUP_get0_cofactor(t->curve)) == 1;
}

static bool make_moduli(struct keytable *t)
{
	t->mod_n = BN_MONT_CTX_new();
	t->mod_p = BN_MONT_CTX_new();
	return t->mod_n && t->mod_p &&
	       EC_GROUP_get_curve(t->curve, t->p, NULL, NULL, t->bn) == 1 &&
	       BN_MONT_CTX_set(t->mod_n, EC_GROUP_get0_order(t->curve),
			       t->bn) == 1 &&
	       BN_MONT_CTX_set(t->mod_p, t->p, t->bn) == 1;
}

static bool make_table(struct keytable *t)
{
#if HAVE_EC_GROUP_PRECOMPUTE_MULT
	return EC_GROUP_precompute_mult(t->own, t->bn) == 1;
#else
	return t->own == NULL; /* none; keytable_new() did not come so far */
#endif
}

enum pv_code keytable_new(const uint8_t point[POINT_LEN], struct keytable **out,
			  struct err *err)
{
	struct keytable *t;

	*out = NULL;
	if (!HAVE_EC_GROUP_PRECOMPUTE_MULT)
		return PV_OK;
	t = mem_new(sizeof(*t), err);
	if (!t)
		return PV_INTERNAL;
	t->bn = BN_CTX_new();
	if (t->bn && make_numbers(t) && make_groups(t, point) &&
	    make_moduli(t) && make_table(t)) {
		*out = t;
		return PV_OK;
	}
	keytable_free(t);
	return x509_openssl_fail("table of a key", err);
}

void keytable_free(struct keytable *t)
{
	if (!t)
		return;
	BN_free(t->r);
	BN_free(t->s);
	BN_free(t->w);
	BN_free(t->e);
	BN_free(t->u1);
	BN_free(t->u2);
	BN_free(t->x);
	BN_free(t->z);
	BN_free(t->p);
	for (size_t i = 0; i < KEYTABLE_INVERSES_MAX; i++) {
		BN_free(t->each[i]);
		BN_free(t->upto[i]);
	}
	BN_MONT_CTX_free(t->mod_n);
	BN_MONT_CTX_free(t->mod_p);
	EC_POINT_free(t->of_g);
	EC_POINT_free(t->of_key);
	EC_GROUP_free(t->own);
	EC_GROUP_free(t->curve);
	BN_CTX_free(t->bn);
	mem_cleanup(&t);
}

static bool in_range(const BIGNUM *x, const BIGNUM *order)
{
	return !BN_is_zero(x) && BN_ucmp(x, order) < 0;
}

/* a b modulo n, of which one is in Montgomery's form; or both, then out is. */
static bool times(struct keytable *t, BIGNUM *out, const BIGNUM *a,
		  const BIGNUM *b)
{
	return BN_mod_mul_montgomery(out, a, b, t->mod_n, t->bn) == 1;
}

/* w = in^-1 in Montgomery's form; in: 1 to n - 1, not in that form. */
static bool invert(struct keytable *t, const BIGNUM *in)
{
	return BN_mod_inverse(t->w, in, EC_GROUP_get0_order(t->curve), t->bn) &&
	       BN_to_montgomery(t->w, t->w, t->mod_n, t->bn) == 1;
}

/* The s of each signature, and the products of all up to it; which: of out. */
static bool multiply_all(struct keytable *t, const uint8_t *const *sigs,
			 size_t n, size_t which[KEYTABLE_INVERSES_MAX],
			 size_t *m)
{
	const BIGNUM *order = EC_GROUP_get0_order(t->curve);

	*m = 0;
	for (size_t i = 0; i < n; i++) {
		BIGNUM *s = t->each[*m], *upto = t->upto[*m];

		if (!BN_bin2bn(sigs[i] + SCALAR_LEN, SCALAR_LEN, s))
			return false;
		if (!in_range(s, order))
			continue;
		if (BN_to_montgomery(s, s, t->mod_n, t->bn) != 1 ||
		    !(*m ? times(t, upto, t->upto[*m - 1], s)
			 : BN_copy(upto, s) != NULL))
			return false;
		which[(*m)++] = i;
	}
	return true;
}

/*
 * Montgomery's trick: w, the inverse of the product, gives the one of the last
 * factor, and multiplied by that factor becomes the inverse of the rest.
 */
static bool divide_all(struct keytable *t, const size_t *which, size_t m,
		       uint8_t (*inverses)[KEYTABLE_INVERSE_LEN])
{
	BIGNUM *of_last = t->x;

	if (BN_from_montgomery(of_last, t->upto[m - 1], t->mod_n, t->bn) != 1 ||
	    !invert(t, of_last))
		return false;
	while (--m > 0) {
		if (!times(t, of_last, t->w, t->upto[m - 1]) ||
		    BN_bn2binpad(of_last, inverses[which[m]],
				 KEYTABLE_INVERSE_LEN) < 0 ||
		    !times(t, t->w, t->w, t->each[m]))
			return false;
	}
	return BN_bn2binpad(t->w, inverses[which[0]], KEYTABLE_INVERSE_LEN) >=
	       0;
}

enum pv_code keytable_invert(struct keytable *t, const uint8_t *const *sigs,
			     size_t n,
			     uint8_t (*inverses)[KEYTABLE_INVERSE_LEN],
			     struct err *err)
{
	size_t which[KEYTABLE_INVERSES_MAX], m;

	if (n > KEYTABLE_INVERSES_MAX)
		return err_fail(err, PV_INTERNAL, "keytable.many", NULL,
				"too many signatures at once");
	memset(inverses, 0, n * sizeof(*inverses));
	if (!multiply_all(t, sigs, n, which, &m) ||
	    (m > 0 && !divide_all(t, which, m, inverses)))
		return x509_openssl_fail("verify", err);
	return PV_OK;
}

/* Does inverse, read into w, times s give 1? Else w is anything. */
static bool is_inverse(struct keytable *t, const uint8_t *inverse, bool *right)
{
	*right = false;
	if (!BN_bin2bn(inverse, KEYTABLE_INVERSE_LEN, t->w))
		return false;
	if (!in_range(t->w, EC_GROUP_get0_order(t->curve)))
		return true;
	if (!times(t, t->u1, t->s, t->w))
		return false;
	*right = BN_is_one(t->u1);
	return true;
}

static bool take_inverse(struct keytable *t, const uint8_t *inverse)
{
	bool right = false;

	if (inverse && !is_inverse(t, inverse, &right))
		return false;
	return right || invert(t, t->s);
}

/* u1 = e / s, u2 = r / s modulo the order. */
static bool scalars(struct keytable *t, const uint8_t digest[SCALAR_LEN],
		    const uint8_t *inverse)
{
	const BIGNUM *n = EC_GROUP_get0_order(t->curve);

	if (!BN_bin2bn(digest, SCALAR_LEN, t->e) ||
	    (BN_ucmp(t->e, n) >= 0 && BN_sub(t->e, t->e, n) != 1))
		return false;
	return take_inverse(t, inverse) && times(t, t->u1, t->e, t->w) &&
	       times(t, t->u2, t->r, t->w);
}

/* R = u1 G + u2 Q, in of_g. */
static bool add_up(struct keytable *t)
{
	return EC_POINT_mul(t->curve, t->of_g, t->u1, NULL, NULL, t->bn) == 1 &&
	       EC_POINT_mul(t->own, t->of_key, t->u2, NULL, NULL, t->bn) == 1 &&
	       EC_POINT_add(t->curve, t->of_g, t->of_g, t->of_key, t->bn) == 1;
}

static bool get_x_and_z(struct keytable *t)
{
#if HAVE_EC_GROUP_PRECOMPUTE_MULT
	return EC_POINT_get_Jprojective_coordinates_GFp(t->curve, t->of_g, t->x,
							NULL, t->z, t->bn) == 1;
#else
	return t->own == NULL;
#endif
}

/* x = r z modulo p, for the r that is there now? */
static bool is_x(struct keytable *t, bool *right)
{
	BIGNUM *product = t->u1;

	if (BN_mod_mul_montgomery(product, t->r, t->z, t->mod_p, t->bn) != 1)
		return false;
	*right = BN_ucmp(product, t->x) == 0;
	return true;
}

/*
 * Is r the x of R modulo n? R is (X : Y : Z) with x = X / Z^2, which costs an
 * inversion: r Z^2 = X says the same, or (r + n) Z^2 = X where r + n < p.
 */
static bool compare(struct keytable *t, bool *right)
{
	if (!get_x_and_z(t) ||
	    BN_to_montgomery(t->z, t->z, t->mod_p, t->bn) != 1 ||
	    BN_mod_mul_montgomery(t->z, t->z, t->z, t->mod_p, t->bn) != 1 ||
	    !is_x(t, right))
		return false;
	if (*right)
		return true;
	if (BN_add(t->r, t->r, EC_GROUP_get0_order(t->curve)) != 1)
		return false;
	return BN_ucmp(t->r, t->p) >= 0 || is_x(t, right);
}

enum pv_code keytable_verify(struct keytable *t,
			     const uint8_t digest[SCALAR_LEN],
			     const uint8_t sig[2 * SCALAR_LEN],
			     const uint8_t *inverse, bool *right,
			     struct err *err)
{
	const BIGNUM *n = EC_GROUP_get0_order(t->curve);

	*right = false;
	if (!BN_bin2bn(sig, SCALAR_LEN, t->r) ||
	    !BN_bin2bn(sig + SCALAR_LEN, SCALAR_LEN, t->s))
		return x509_openssl_fail("verify", err);
	if (!in_range(t->r, n) || !in_range(t->s, n))
		return PV_OK;
	if (!scalars(t, digest, inverse) || !add_up(t))
		return x509_openssl_fail("verify", err);
	if (EC_POINT_is_at_infinity(t->curve, t->of_g))
		return PV_OK;
	if (compare(t, right))
		return PV_OK;
	*right = false;
	return x509_openssl_fail("verify", err);
}
