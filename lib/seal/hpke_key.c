/* A P-256 key pair from its scalar: for opening, and for published vectors. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>

#include "lib/seal/hpke_impl.h"
#include "lib/seal/ossl.h"

CLEANUP_PTR(EC_GROUP, EC_GROUP_free);
CLEANUP_PTR(EC_POINT, EC_POINT_free);
CLEANUP_PTR(BIGNUM, BN_clear_free);
CLEANUP_PTR(OSSL_PARAM_BLD, OSSL_PARAM_BLD_free);
CLEANUP_PTR(OSSL_PARAM, OSSL_PARAM_free);

/* d * G, uncompressed; false unless d is in 1 to n - 1. */
static bool public_half(const BIGNUM *d, uint8_t point[static HPKE_POINT_LEN])
{
	CLEANUP(cleanup_EC_GROUP_free)
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	CLEANUP(cleanup_EC_POINT_free)
	EC_POINT *q = group ? EC_POINT_new(group) : NULL;

	if (!q || BN_is_zero(d) || BN_cmp(d, EC_GROUP_get0_order(group)) >= 0)
		return false;
	return EC_POINT_mul(group, q, d, NULL, NULL, NULL) == 1 &&
	       EC_POINT_point2oct(group, q, POINT_CONVERSION_UNCOMPRESSED,
				  point, HPKE_POINT_LEN,
				  NULL) == HPKE_POINT_LEN;
}

static EVP_PKEY *from_data(const BIGNUM *d, const uint8_t *point)
{
	CLEANUP(cleanup_EVP_PKEY_CTX_free)
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	CLEANUP(cleanup_OSSL_PARAM_BLD_free)
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	CLEANUP(cleanup_OSSL_PARAM_free) OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;

	if (!bld || !ctx ||
	    OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME,
					    "P-256", 0) != 1 ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, d) != 1 ||
	    OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY,
					     point, HPKE_POINT_LEN) != 1)
		return NULL;
	params = OSSL_PARAM_BLD_to_param(bld);
	if (!params || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1)
		return NULL;
	return key;
}

enum pv_code hpke_key(const struct secret *scalar, EVP_PKEY **key,
		      uint8_t point[static HPKE_POINT_LEN], struct err *err)
{
	CLEANUP(cleanup_BN_clear_free) BIGNUM *d = BN_secure_new();

	*key = NULL;
	if (!d)
		return ossl_fail(err, "a big number");
	if (scalar->len == HPKE_SCALAR_LEN &&
	    BN_bin2bn(scalar->data, HPKE_SCALAR_LEN, d) &&
	    public_half(d, point))
		*key = from_data(d, point);
	ERR_clear_error();
	if (*key)
		return PV_OK;
	return err_fail(err, PV_INPUT, "seal.scalar", NULL,
			"the private key is not a P-256 scalar");
}
