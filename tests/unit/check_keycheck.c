#include "tests/unit/unit.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "lib/base/pem.h"
#include "lib/x509/cert.h"
#include "lib/x509/csr.h"
#include "lib/x509/der.h"
#include "lib/x509/oids.h"
#include "tests/unit/x509_fixture.h"

#define BADKEYS "corpora/badkeys"

/*
 * Every file of the corpus: the rule that refuses it, or NULL for keys that
 * nothing here speaks against. Not sound and yet passed, because no rule of
 * policy.md sees them: Debian's list is not shipped (facts say so), shared
 * primes need other keys, patterns and vanity are no weakness that we test.
 */
static const struct {
	const char *file, *rule;
	enum pv_code code;
} badkeys[] = {
	{ "dh0.key", "key.algorithm", PV_DENIED },
	{ "ec-p256-rfc-example.key", NULL, PV_OK },
	{ "ecdsa-explicit-pub.key", "key.curve", PV_DENIED },
	{ "invalidver.crt", "cert.malformed", PV_INPUT },
	{ "invalidver.csr", "csr.version", PV_INPUT },
	{ "private-fragment.key", "pem.format", PV_INPUT },
	{ "public-fragment.key", "pem.format", PV_INPUT },
	{ "rsa-debianweak.key", NULL, PV_OK },
	{ "rsa-e-larger-n.key", "key.size", PV_DENIED },
	{ "rsa-e1.key", "key.exponent", PV_DENIED },
	{ "rsa-fermat-hexmodulus.txt", "key.fermat", PV_DENIED },
	{ "rsa-fermat-pkcs1.key", "key.fermat", PV_DENIED },
	{ "rsa-fermat-pkcs8.key", "key.fermat", PV_DENIED },
	{ "rsa-fermat.crt", "key.fermat", PV_DENIED },
	{ "rsa-fermat.csr", "key.fermat", PV_DENIED },
	{ "rsa-large-e.key", "key.exponent", PV_DENIED },
	{ "rsa-nprime.key", "key.prime", PV_DENIED },
	{ "rsa-ok.key", NULL, PV_OK },
	{ "rsa-pattern.key", NULL, PV_OK },
	{ "rsa-roca.key", "key.roca", PV_DENIED },
	{ "rsa-sharedprimes.key", NULL, PV_OK },
	{ "rsa-small-d.key", "key.exponent", PV_DENIED },
	{ "rsa-smallfactors-corrupt.key", "key.small_factors", PV_DENIED },
	{ "rsa-smallfactors-valid.key", "key.small_factors", PV_DENIED },
	{ "rsa-vanity.key", NULL, PV_OK },
	{ "rsanzero.key", "key.size", PV_DENIED },
	{ "rsapoly128.key", NULL, PV_OK },
	{ "rsapoly32.key", "key.size", PV_DENIED },
	{ "rsazerozero.key", "key.size", PV_DENIED },
};

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

/* SPKI around a PKCS#1 RSAPublicKey. */
static void wrap_rsa(struct span pkcs1, struct buf *spki)
{
	size_t outer, alg, bits;

	buf_init(spki, 8192);
	outer = der_begin(spki, DER_SEQUENCE);
	alg = der_begin(spki, DER_SEQUENCE);
	der_put_oid(spki, &oid_rsa_encryption);
	der_put(spki, DER_NULL, (struct span){ NULL, 0 });
	der_end(spki, alg);
	bits = der_begin(spki, DER_BIT_STRING);
	buf_put_u8(spki, 0);
	buf_put(spki, pkcs1.p, pkcs1.len);
	der_end(spki, bits);
	der_end(spki, outer);
}

static void rsa_spki(struct span n, struct span e, struct buf *spki)
{
	struct buf pkcs1;
	size_t seq;

	buf_init(&pkcs1, 8192);
	seq = der_begin(&pkcs1, DER_SEQUENCE);
	der_put_uint(&pkcs1, n);
	der_put_uint(&pkcs1, e);
	der_end(&pkcs1, seq);
	wrap_rsa(buf_span(&pkcs1), spki);
	buf_release(&pkcs1);
}

/* RSAPrivateKey: version, n, e, ... */
static void rsa_private(struct span der, struct buf *spki)
{
	struct span seq, n, e;
	uint32_t version;

	ck_assert(der_take(&der, DER_SEQUENCE, &seq) &&
		  der_take_small(&seq, &version) && der_take_uint(&seq, &n) &&
		  der_take_uint(&seq, &e));
	rsa_spki(n, e, spki);
}

/* PKCS#8 (only the DH one): the algorithm, and any bits as its public key. */
static void other_private(struct span der, struct buf *spki)
{
	struct span seq, alg;
	uint32_t version;
	size_t outer;

	ck_assert(der_take(&der, DER_SEQUENCE, &seq) &&
		  der_take_small(&seq, &version) &&
		  der_take_whole(&seq, DER_SEQUENCE, NULL, &alg));
	buf_init(spki, 1024);
	outer = der_begin(spki, DER_SEQUENCE);
	buf_put(spki, alg.p, alg.len);
	der_put(spki, DER_BIT_STRING, DER_BYTES(0x00, 0x02, 0x01, 0x00));
	der_end(spki, outer);
}

/* From the first BEGIN line on: the corpus has comments above it. */
static struct span pem_part(const struct buf *file, const char **label)
{
	static const char *const labels[] = {
		"PUBLIC KEY",  "RSA PUBLIC KEY",      "RSA PRIVATE KEY",
		"PRIVATE KEY", "CERTIFICATE REQUEST", "CERTIFICATE"
	};
	const uint8_t *at = memmem(file->data, file->len, "-----BEGIN", 10);
	struct span text = { at, 0 };

	*label = NULL;
	if (!at)
		return text;
	text.len = file->len - (size_t)(at - file->data);
	for (int i = 0; i < COUNT(labels); i++)
		if (pem_is(text, labels[i]))
			*label = labels[i];
	ck_assert(*label != NULL);
	return text;
}

static void hex_modulus(const struct buf *file, struct buf *spki)
{
	static const uint8_t e[] = { 1, 0, 1 };
	uint8_t n[512];
	char digits[1025] = { 0 };
	size_t len = 0;

	while (len < file->len && file->data[len] > ' ')
		len++;
	ck_assert_uint_lt(len, sizeof(digits));
	memcpy(digits, file->data, len);
	ck_assert(len % 2 == 0 && hex_decode(digits, n, len / 2));
	rsa_spki((struct span){ n, len / 2 }, (struct span){ e, 3 }, spki);
}

/* The public key in DER of that kind; codes of the parsers. */
static enum pv_code spki_of(const char *label, const struct buf *der,
			    struct buf *spki, struct err *err)
{
	struct x509_cert cert;
	struct csr csr;
	struct span key = buf_span(der);
	enum pv_code rc = PV_OK;

	if (strcmp(label, "RSA PUBLIC KEY") == 0) {
		wrap_rsa(key, spki);
		return PV_OK;
	}
	if (strcmp(label, "RSA PRIVATE KEY") == 0) {
		rsa_private(key, spki);
		return PV_OK;
	}
	if (strcmp(label, "PRIVATE KEY") == 0) {
		other_private(key, spki);
		return PV_OK;
	}
	if (strcmp(label, "CERTIFICATE") == 0) {
		rc = x509_cert_decode(key, &cert, err);
		key = cert.spki;
	} else if (strcmp(label, "CERTIFICATE REQUEST") == 0) {
		rc = csr_decode(key, &csr, err);
		key = csr.spki;
	}
	if (rc != PV_OK)
		return rc;
	buf_init(spki, 8192);
	buf_put(spki, key.p, key.len);
	return PV_OK;
}

static enum pv_code judge(const char *file, struct key_facts *facts,
			  struct err *err)
{
	struct buf text, der, spki;
	const char *label;
	struct span pem;
	enum pv_code rc = PV_OK;

	unit_read(file, &text);
	pem = pem_part(&text, &label);
	buf_init(&der, 16384);
	buf_init(&spki, 0);
	if (label) {
		rc = pem_decode(pem, label, &der, err);
		if (rc == PV_OK)
			rc = spki_of(label, &der, &spki, err);
	} else {
		hex_modulus(&text, &spki);
	}
	if (rc == PV_OK)
		rc = x509_key_check(ctx, buf_span(&spki), X509_ALLOW_ALL, facts,
				    err);
	buf_release(&text);
	buf_release(&der);
	buf_release(&spki);
	return rc;
}

START_TEST(badkeys_file)
{
	struct key_facts facts = { .debian = "" };
	char path[128];
	struct err err;
	enum pv_code rc;

	err_init(&err);
	snprintf(path, sizeof(path), BADKEYS "/%s", badkeys[_i].file);
	rc = judge(path, &facts, &err);
	if (badkeys[_i].rule) {
		unit_refused(rc, badkeys[_i].code, badkeys[_i].rule, &err);
		unit_case(path, "key", UNIT_REFUSED, err.rule);
		return;
	}
	unit_ok(rc, &err);
	ck_assert_str_eq(facts.debian, facts.alg == X509_ALG_RSA
					       ? "not checked"
					       : "not applicable");
	unit_case(path, "key", UNIT_PASS, "");
}
END_TEST

START_TEST(badkeys_all_listed)
{
	DIR *dir = opendir(unit_path(BADKEYS));
	struct dirent *d;
	int files = 0;

	ck_assert(dir != NULL);
	while ((d = readdir(dir))) {
		bool found = false;

		if (d->d_name[0] == '.')
			continue;
		files++;
		for (int i = 0; i < COUNT(badkeys); i++)
			found |= strcmp(badkeys[i].file, d->d_name) == 0;
		ck_assert_msg(found, "%s is not listed", d->d_name);
	}
	closedir(dir);
	ck_assert_int_eq(files, COUNT(badkeys));
}
END_TEST

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
	memcpy(room, der, sizeof(room));
	rc = x509_key_check(ctx, spki, X509_ALLOW_ALL, &facts, &err);
	if (handmade[_i].rule)
		unit_refused(rc, handmade[_i].code, handmade[_i].rule, &err);
	else
		unit_ok(rc, &err);
	ck_assert_mem_eq(room, der, sizeof(room));
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
	EVP_PKEY *key = fx_key(t[_i].kind);
	struct key_facts facts;
	struct buf spki;
	struct err err;
	enum pv_code rc;

	err_init(&err);
	fx_spki(key, &spki);
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

static enum pv_code check_numbers(const BIGNUM *n, struct span e,
				  struct err *err)
{
	struct key_facts facts;
	uint8_t bytes[2048];
	struct buf spki;
	int len = BN_bn2bin(n, bytes);
	enum pv_code rc;

	rsa_spki((struct span){ bytes, (size_t)len }, e, &spki);
	rc = x509_key_check(ctx, buf_span(&spki), X509_ALLOW_ALL, &facts, err);
	buf_release(&spki);
	return rc;
}

/* A sound modulus of so many bits. */
static BIGNUM *sound_modulus(unsigned bits)
{
	EVP_PKEY *key = fx_rsa(bits);
	BIGNUM *n = NULL;

	ck_assert_int_eq(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n),
			 1);
	EVP_PKEY_free(key);
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
	BIGNUM *n = sound_modulus(2048);
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
	BIGNUM *n = sound_modulus(2048);
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
	case 4:
		ck_assert(BN_rshift1(n, n) && BN_set_bit(n, 0));
		break;
	case 5:
		ck_assert(BN_lshift(n, n, 8192 - 2047) && BN_set_bit(n, 0));
		break;
	case 6:
		ck_assert(BN_generate_prime_ex2(n, 2048, 0, NULL, NULL, NULL,
						bn));
		break;
	}
	unit_refused(check_numbers(n, (struct span){ e, 3 }, &err), PV_DENIED,
		     rules[_i], &err);
	BN_free(n);
	BN_CTX_free(bn);
}
END_TEST

START_TEST(large_size)
{
	static const uint8_t e[] = { 1, 0, 1 };
	BIGNUM *n = BN_new(), *p = BN_new(), *q = BN_new();
	BN_CTX *bn = BN_CTX_new();
	struct err err;

	err_init(&err);
	/* Mersenne primes 2^4423 - 1 and 2^3217 - 1: 7640 bits, no weakness. */
	BN_zero(p);
	BN_zero(q);
	ck_assert(BN_set_bit(p, 4423) && BN_sub_word(p, 1));
	ck_assert(BN_set_bit(q, 3217) && BN_sub_word(q, 1));
	ck_assert(BN_mul(n, p, q, bn));
	unit_ok(check_numbers(n, (struct span){ e, 3 }, &err), &err);
	BN_free(n);
	BN_free(p);
	BN_free(q);
	BN_CTX_free(bn);
}
END_TEST

START_TEST(parse_never_reads_past)
{
	EVP_PKEY *key = fx_key(_i ? "RSA" : "P-256");
	struct key_facts facts;
	struct buf spki;

	fx_spki(key, &spki);
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

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, badkeys_file, 0, COUNT(badkeys));
	tcase_add_test(tc, badkeys_all_listed);
	tcase_add_loop_test(tc, handmade_key, 0, COUNT(handmade));
	tcase_add_test(tc, kept_key_recovers);
	tcase_add_loop_test(tc, generated_keys, 0, 9);
	tcase_add_loop_test(tc, exponents, 0, 10);
	tcase_add_loop_test(tc, weak_moduli, 0, 7);
	tcase_add_test(tc, large_size);
	tcase_add_loop_test(tc, parse_never_reads_past, 0, 2);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
