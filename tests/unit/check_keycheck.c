#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/x509_fixture.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

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

/* SPKIs made by hand around one idea each. */
#define P256_ALG "301306072a8648ce3d020106082a8648ce3d030107"
#define G_X "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
#define G_Y "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
#define G_Y_OFF                                                                \
	"4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f4"
#define FIELD_P                                                                \
	"ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"
#define ZERO32                                                                 \
	"0000000000000000000000000000000000000000000000000000000000000000"

static const struct {
	const char *hex, *rule;
	enum pv_code code;
} handmade[] = {
	{ "3059" P256_ALG "03420004" G_X G_Y, NULL, PV_OK },
	{ "3059" P256_ALG "03420004" G_X G_Y_OFF, "key.off_curve", PV_DENIED },
	{ "3059" P256_ALG "03420004" ZERO32 ZERO32, "key.off_curve",
	  PV_DENIED },
	{ "3059" P256_ALG "03420004" FIELD_P G_Y, "key.off_curve", PV_DENIED },
	{ "3019" P256_ALG "03020000", "key.infinity", PV_DENIED },
	{ "3059" P256_ALG "03420000" ZERO32 ZERO32, "key.point", PV_DENIED },
	{ "3039" P256_ALG "03220003" G_X, "key.point", PV_DENIED },
	{ "3059" P256_ALG "03420006" G_X G_Y, "key.point", PV_DENIED },
	{ "3059" P256_ALG "03420007" G_X G_Y, "key.point", PV_DENIED },
	{ "305a" P256_ALG "03430004" G_X G_Y "00", "key.point", PV_DENIED },
	{ "3018" P256_ALG "030100", "key.point", PV_DENIED },
	{ "3059" P256_ALG "03420104" G_X G_Y, "key.malformed", PV_INPUT },
	{ "3059" P256_ALG "03420004" G_X G_Y "00", "key.malformed", PV_INPUT },
	{ "", "key.malformed", PV_INPUT },
	{ "3000", "key.malformed", PV_INPUT },
	/* secp256k1, and id-ecPublicKey with NULL or no parameters */
	{ "3056301006072a8648ce3d020106052b8104000a03420004" G_X G_Y,
	  "key.curve", PV_DENIED },
	{ "3050300b06072a8648ce3d0201050003420004" G_X G_Y, "key.malformed",
	  PV_INPUT },
	{ "304f300906072a8648ce3d020103420004" G_X G_Y, "key.malformed",
	  PV_INPUT },
	/* Ed25519 */
	{ "302a300506032b6570032100" G_X, "key.algorithm", PV_DENIED },
	/* RSA: negative modulus, trailing octet, no NULL, e missing */
	{ "301b300d06092a864886f70d0101010500030a0030070201800203010001",
	  "key.malformed", PV_INPUT },
	{ "301c300d06092a864886f70d0101010500030b003007020103020301000100",
	  "key.malformed", PV_INPUT },
	{ "3019300b06092a864886f70d010101030a0030070201030203010001",
	  "key.malformed", PV_INPUT },
	{ "3016300d06092a864886f70d010101050003050030020201", "key.malformed",
	  PV_INPUT },
};

START_TEST(handmade_key)
{
	const char *hex = handmade[_i].hex;
	struct key_facts facts;
	uint8_t der[256], room[256];
	struct span spki = { der, strlen(hex) / 2 };
	struct err err;
	enum pv_code rc;

	err_init(&err);
	ck_assert(hex_decode(hex, der, spki.len));
	/* The outer length is not what these cases are about. */
	if (spki.len > 2 && handmade[_i].code != PV_INPUT)
		der[1] = (uint8_t)(spki.len - 2);
	memcpy(room, der, spki.len);
	rc = x509_key_check(ctx, spki, X509_ALLOW_ALL, &facts, &err);
	if (handmade[_i].rule)
		unit_refused(rc, handmade[_i].code, handmade[_i].rule, &err);
	else
		unit_ok(rc, &err);
	ck_assert_mem_eq(room, der, spki.len);
}
END_TEST

/* A refused point does not stay in the kept key, nor does a good one go. */
START_TEST(kept_key_recovers)
{
	static const int order[] = { 0, 1, 0, 0, 2, 1, 0 };

	for (int i = 0; i < COUNT(order); i++) {
		const char *hex = handmade[order[i]].hex;
		struct key_facts facts;
		uint8_t der[91];
		struct err err;
		enum pv_code rc;

		err_init(&err);
		ck_assert(hex_decode(hex, der, sizeof(der)));
		rc = x509_key_check(ctx, (struct span){ der, sizeof(der) },
				    X509_ALLOW_ALL, &facts, &err);
		ck_assert_int_eq(rc, handmade[order[i]].code);
	}
}
END_TEST

START_TEST(generated_keys)
{
	static const struct {
		const char *kind;
		unsigned allowed;
		enum x509_alg alg;
		const char *rule;
	} t[] = {
		{ "P-256", X509_ALLOW_ALL, X509_ALG_P256, NULL },
		{ "P-384", X509_ALLOW_ALL, X509_ALG_P384, NULL },
		{ "RSA", X509_ALLOW_ALL, X509_ALG_RSA, NULL },
		{ "P-384", X509_ALLOW(X509_ALG_P256), X509_ALG_P384,
		  "key.algorithm" },
		{ "RSA", X509_ALLOW(X509_ALG_P256), X509_ALG_RSA,
		  "key.algorithm" },
		{ "P-256", X509_ALLOW(X509_ALG_RSA), X509_ALG_P256,
		  "key.algorithm" },
		{ "P-256", 0, X509_ALG_P256, "key.algorithm" },
		{ "P-521", X509_ALLOW_ALL, X509_ALG_OTHER, "key.curve" },
		{ "Ed25519", X509_ALLOW_ALL, X509_ALG_OTHER, "key.algorithm" },
	};
	EVP_PKEY *key = xf_key(t[_i].kind);
	struct key_facts facts;
	struct buf spki;
	struct err err;
	enum pv_code rc;

	err_init(&err);
	xf_spki(key, &spki);
	rc = x509_key_check(ctx, buf_span(&spki), t[_i].allowed, &facts, &err);
	if (t[_i].rule)
		unit_refused(rc, PV_DENIED, t[_i].rule, &err);
	else
		unit_ok(rc, &err);
	ck_assert_int_eq(facts.alg, t[_i].alg);
	if (facts.alg != X509_ALG_OTHER)
		ck_assert_uint_eq(facts.bits, (unsigned)EVP_PKEY_get_bits(key));
	buf_release(&spki);
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(parse_never_reads_past)
{
	EVP_PKEY *key = xf_key(_i ? "RSA" : "P-256");
	struct key_facts facts;
	struct buf spki;

	xf_spki(key, &spki);
	for (size_t len = 0; len < spki.len; len++) {
		uint8_t *cut = malloc(len ? len : 1);
		struct err err;

		err_init(&err);
		memcpy(cut, spki.data, len);
		unit_refused(
			x509_key_parse((struct span){ cut, len }, &facts, &err),
			PV_INPUT, "key.malformed", &err);
		free(cut);
	}
	buf_release(&spki);
	EVP_PKEY_free(key);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("keycheck");
	TCase *tc = tcase_create("keycheck");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, handmade_key, 0, COUNT(handmade));
	tcase_add_test(tc, kept_key_recovers);
	tcase_add_loop_test(tc, generated_keys, 0, 9);
	tcase_add_loop_test(tc, parse_never_reads_past, 0, 2);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
