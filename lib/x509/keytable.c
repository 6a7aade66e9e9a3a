/*
 * OpenSSL keeps such a table for a group's generator only, so the key is made
 * the generator of a group of its own. What makes that table is deprecated in
 * OpenSSL 3.0 and may go: then keytable_new() gives none.
 */
#undef OPENSSL_NO_DEPRECATED
#define OPENSSL_SUPPRESS_DEPRECATED

#include "lib/x509/keytable.h"

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
	/* Of one verification; v is also e, and w s^-1. */
	BIGNUM *r, *s, *w, *u1, *u2, *v;
};

static bool make_numbers(struct keytable *t)
{
	BIGNUM **all[] = { &t->r, &t->s, &t->w, &t->u1, &t->u2, &t->v };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		*all[i] = BN_new();
		if (!*all[i])
			return false;
	}
	return true;
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
	    make_table(t)) {
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
	BN_free(t->u1);
	BN_free(t->u2);
	BN_free(t->v);
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

/* u1 = e / s, u2 = r / s modulo the order n. */
static bool scalars(struct keytable *t, const BIGNUM *n,
		    const uint8_t digest[SCALAR_LEN])
{
	return BN_bin2bn(digest, SCALAR_LEN, t->v) &&
	       BN_mod_inverse(t->w, t->s, n, t->bn) &&
	       BN_mod_mul(t->u1, t->v, t->w, n, t->bn) == 1 &&
	       BN_mod_mul(t->u2, t->r, t->w, n, t->bn) == 1;
}

/* R = u1 G + u2 Q, in of_g. */
static bool add_up(struct keytable *t)
{
	return EC_POINT_mul(t->curve, t->of_g, t->u1, NULL, NULL, t->bn) == 1 &&
	       EC_POINT_mul(t->own, t->of_key, t->u2, NULL, NULL, t->bn) == 1 &&
	       EC_POINT_add(t->curve, t->of_g, t->of_g, t->of_key, t->bn) == 1;
}

enum pv_code keytable_verify(struct keytable *t,
			     const uint8_t digest[SCALAR_LEN],
			     const uint8_t sig[2 * SCALAR_LEN], bool *right,
			     struct err *err)
{
	const BIGNUM *n = EC_GROUP_get0_order(t->curve);

	*right = false;
	if (!BN_bin2bn(sig, SCALAR_LEN, t->r) ||
	    !BN_bin2bn(sig + SCALAR_LEN, SCALAR_LEN, t->s))
		return x509_openssl_fail("verify", err);
	if (!in_range(t->r, n) || !in_range(t->s, n))
		return PV_OK;
	if (!scalars(t, n, digest) || !add_up(t))
		return x509_openssl_fail("verify", err);
	if (EC_POINT_is_at_infinity(t->curve, t->of_g))
		return PV_OK;
	if (EC_POINT_get_affine_coordinates(t->curve, t->of_g, t->v, NULL,
					    t->bn) != 1 ||
	    BN_nnmod(t->v, t->v, n, t->bn) != 1)
		return x509_openssl_fail("verify", err);
	*right = BN_ucmp(t->v, t->r) == 0;
	return PV_OK;
}
