#include "tests/unit/unit.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509.h>

#include "lib/base/pem.h"
#include "lib/x509/cert.h"
#include "lib/x509/der.h"
#include "tests/unit/x509_fixture.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))
#define INVALID "invalid/csr"

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

static const char *const usual_exts[] = { "keyUsage", "digitalSignature",
					  "subjectAltName", "DNS:a.example",
					  NULL };

static const struct {
	const char *key, *md;
	enum csr_sig sig;
	enum x509_alg alg;
} good[] = {
	{ "P-256", "SHA256", CSR_SIG_ECDSA_SHA256, X509_ALG_P256 },
	{ "P-256", "SHA384", CSR_SIG_ECDSA_SHA384, X509_ALG_P256 },
	{ "P-256", "SHA512", CSR_SIG_ECDSA_SHA512, X509_ALG_P256 },
	{ "P-384", "SHA384", CSR_SIG_ECDSA_SHA384, X509_ALG_P384 },
	{ "P-384", "SHA256", CSR_SIG_ECDSA_SHA256, X509_ALG_P384 },
	{ "RSA", "SHA256", CSR_SIG_RSA_SHA256, X509_ALG_RSA },
	{ "RSA", "SHA384", CSR_SIG_RSA_SHA384, X509_ALG_RSA },
	{ "RSA", "SHA512", CSR_SIG_RSA_SHA512, X509_ALG_RSA },
};

START_TEST(decode_and_verify)
{
	struct xf_csr what = { .subject = "CN=dev/O=ACME",
			       .exts = usual_exts,
			       .md = good[_i].md,
			       .challenge = true };
	EVP_PKEY *key = xf_key(good[_i].key);
	struct buf der, spki;
	struct csr csr;
	struct err err;

	err_init(&err);
	xf_csr(key, &what, &der);
	xf_spki(key, &spki);
	unit_ok(csr_decode(buf_span(&der), &csr, &err), &err);
	ck_assert_int_eq(csr.key.alg, good[_i].alg);
	ck_assert_int_eq(csr.sig_alg, good[_i].sig);
	ck_assert(span_equal(csr.spki, buf_span(&spki)));
	ck_assert(csr.challenge_password && csr.extensions.len > 0);
	ck_assert(!csr.unknown.p);
	unit_ok(csr_verify(ctx, &csr, &err), &err);
	buf_release(&der);
	buf_release(&spki);
	EVP_PKEY_free(key);
}
END_TEST

static const struct {
	const char *key, *md;
} refused_algs[] = {
	{ "P-256", "SHA1" }, { "RSA", "SHA1" },	  { "RSA", "MD5" },
	{ "P-384", "SHA1" }, { "RSA", "SHA224" }, { "P-256", "SHA3-256" },
};

START_TEST(weak_digests)
{
	struct xf_csr what = { .subject = "CN=dev", .md = refused_algs[_i].md };
	EVP_PKEY *key = xf_key(refused_algs[_i].key);
	struct buf der;
	struct csr csr;
	struct err err;

	err_init(&err);
	xf_csr(key, &what, &der);
	unit_ok(csr_decode(buf_span(&der), &csr, &err), &err);
	ck_assert_int_eq(csr.sig_alg, CSR_SIG_REFUSED);
	unit_refused(csr_verify(ctx, &csr, &err), PV_INPUT, "csr.signature",
		     &err);
	buf_release(&der);
	EVP_PKEY_free(key);
}
END_TEST

/* The signature of one algorithm says nothing about a key of another. */
START_TEST(algorithm_confusion)
{
	struct xf_csr what = { .subject = "CN=dev" };
	EVP_PKEY *ec = xf_key("P-256"), *rsa = xf_key("RSA");
	struct buf a, b;
	struct csr csr, other;
	struct err err;

	err_init(&err);
	xf_csr(ec, &what, &a);
	xf_csr(rsa, &what, &b);
	unit_ok(csr_decode(buf_span(&a), &csr, &err), &err);
	unit_ok(csr_decode(buf_span(&b), &other, &err), &err);
	csr.sig_alg = other.sig_alg;
	unit_refused(csr_verify(ctx, &csr, &err), PV_INPUT, "csr.signature",
		     &err);
	err_init(&err);
	other.sig_alg = CSR_SIG_ECDSA_SHA256;
	unit_refused(csr_verify(ctx, &other, &err), PV_INPUT, "csr.signature",
		     &err);
	/* A key that is not its own: same algorithm, foreign signature. */
	err_init(&err);
	unit_ok(csr_decode(buf_span(&b), &other, &err), &err);
	unit_ok(csr_decode(buf_span(&a), &csr, &err), &err);
	buf_release(&b);
	EVP_PKEY_free(rsa);
	rsa = xf_key("P-256");
	xf_csr(rsa, &what, &b);
	unit_ok(csr_decode(buf_span(&b), &other, &err), &err);
	csr.sig = other.sig;
	unit_refused(csr_verify(ctx, &csr, &err), PV_INPUT, "csr.signature",
		     &err);
	buf_release(&a);
	buf_release(&b);
	EVP_PKEY_free(ec);
	EVP_PKEY_free(rsa);
}
END_TEST

/* Kept keys: good and bad requests in turn, each judged on its own. */
START_TEST(kept_context)
{
	struct xf_csr what = { .subject = "CN=dev" };
	EVP_PKEY *keys[4];
	struct buf der[4];
	struct csr csr[4];
	struct err err;

	err_init(&err);
	for (int i = 0; i < 4; i++) {
		keys[i] = xf_key(i == 3 ? "P-384" : "P-256");
		xf_csr(keys[i], &what, &der[i]);
		unit_ok(csr_decode(buf_span(&der[i]), &csr[i], &err), &err);
	}
	for (int round = 0; round < 40; round++) {
		struct csr mixed = csr[round % 4];

		unit_ok(csr_verify(ctx, &csr[round % 4], &err), &err);
		mixed.sig = csr[(round + 1) % 4].sig;
		ck_assert_int_eq(csr_verify(ctx, &mixed, NULL), PV_INPUT);
	}
	for (int i = 0; i < 4; i++) {
		buf_release(&der[i]);
		EVP_PKEY_free(keys[i]);
	}
}
END_TEST

/* On a copy of exactly that length, so that sanitizers see any overrun. */
static enum pv_code judge(const uint8_t *p, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct csr csr;
	uint8_t hash[32];
	enum pv_code rc;

	memcpy(copy, p, len);
	rc = csr_decode((struct span){ copy, len }, &csr, NULL);
	if (rc == PV_OK)
		rc = csr_requested_hash(ctx, &csr, hash, NULL);
	if (rc == PV_OK)
		rc = csr_verify(ctx, &csr, NULL);
	free(copy);
	return rc;
}

static const char *const mutated[] = { "P-256", "P-384", "RSA" };

START_TEST(truncated_everywhere)
{
	struct xf_csr what = { .subject = "CN=dev/O=ACME",
			       .exts = usual_exts,
			       .challenge = true };
	EVP_PKEY *key = xf_key(mutated[_i]);
	struct buf der;

	xf_csr(key, &what, &der);
	ck_assert_int_eq(judge(der.data, der.len), PV_OK);
	for (size_t len = 0; len < der.len; len++)
		ck_assert_int_eq(judge(der.data, len), PV_INPUT);
	buf_put_u8(&der, 0);
	ck_assert_int_eq(judge(der.data, der.len), PV_INPUT);
	buf_release(&der);
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(every_bit_flipped)
{
	struct xf_csr what = { .subject = "CN=dev/O=ACME",
			       .exts = usual_exts,
			       .challenge = true };
	EVP_PKEY *key = xf_key(mutated[_i]);
	struct buf der;

	xf_csr(key, &what, &der);
	/* Every bit with P-256; the slow ones one bit of each byte. */
	for (size_t bit = 0; bit < der.len * 8; bit += _i ? 9 : 1) {
		enum pv_code rc;

		der.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		rc = judge(der.data, der.len);
		ck_assert_msg(rc == PV_INPUT || rc == PV_DENIED,
			      "bit %zu: code %d", bit, rc);
		der.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	buf_release(&der);
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(texts)
{
	static const struct {
		const char *label;
		bool ok;
	} t[] = { { "CERTIFICATE REQUEST", true },
		  { "NEW CERTIFICATE REQUEST", true },
		  { "CERTIFICATE", false },
		  { "OLD CERTIFICATE REQUEST", false } };
	struct xf_csr what = { .subject = "CN=dev" };
	EVP_PKEY *key = xf_key("P-256");
	struct buf der, text, out;
	struct err err;
	enum pv_code rc;

	err_init(&err);
	xf_csr(key, &what, &der);
	buf_init(&text, 65536);
	buf_init(&out, CSR_DER_MAX);
	pem_encode(&text, t[_i].label, buf_span(&der));
	rc = csr_text_to_der(buf_span(&text), &out, &err);
	if (t[_i].ok) {
		unit_ok(rc, &err);
		ck_assert(span_equal(buf_span(&out), buf_span(&der)));
		/* A second block is one too many. */
		pem_encode(&text, t[_i].label, buf_span(&der));
		buf_reset(&out);
		rc = csr_pem_to_der(buf_span(&text), &out, &err);
	}
	unit_refused(rc, PV_INPUT, "pem.format", &err);
	err_init(&err);
	buf_reset(&out);
	unit_ok(csr_text_to_der(buf_span(&der), &out, &err), &err);
	ck_assert(span_equal(buf_span(&out), buf_span(&der)));
	buf_release(&der);
	buf_release(&text);
	buf_release(&out);
	EVP_PKEY_free(key);
}
END_TEST

/* All that is done with a request from outside, to the first refusal. */
static enum pv_code whole_way(struct span text, struct err *err)
{
	struct key_facts facts;
	struct buf der;
	struct csr csr;
	enum pv_code rc;

	buf_init(&der, CSR_DER_MAX);
	rc = csr_text_to_der(text, &der, err);
	if (rc == PV_OK)
		rc = csr_decode(buf_span(&der), &csr, err);
	if (rc == PV_OK)
		rc = x509_key_check(ctx, csr.spki, X509_ALLOW_ALL, &facts, err);
	if (rc == PV_OK)
		rc = csr_verify(ctx, &csr, err);
	buf_release(&der);
	return rc;
}

/* error: "<exit code> <rule>: <part of the message>" */
static void invalid_case(const char *name)
{
	char path[256], want[768], *rest;
	struct buf input, error;
	struct err err;
	enum pv_code rc;

	err_init(&err);
	snprintf(path, sizeof(path), INVALID "/%s/input", name);
	unit_read(path, &input);
	snprintf(want, sizeof(want), INVALID "/%s/error", name);
	unit_read(want, &error);
	rc = whole_way(buf_span(&input), &err);
	snprintf(want, sizeof(want), "%d %s: %s", rc, err.rule, err.message);
	ck_assert_uint_gt(error.len, 4);
	buf_put_u8(&error, 0);
	error.data[strcspn((char *)error.data, "\n")] = '\0';
	rest = strchr((char *)error.data, ':');
	ck_assert_msg(
		rest && strstr(want, rest + 2) &&
			strncmp(want, (char *)error.data,
				(size_t)(rest - (char *)error.data) + 1) == 0,
		"%s: \"%s\" is not \"%s\"", name, want, (char *)error.data);
	unit_case(path, "csr", UNIT_REFUSED, err.rule);
	buf_release(&input);
	buf_release(&error);
}

START_TEST(invalid_files)
{
	DIR *dir = opendir(unit_path(INVALID));
	struct dirent *d;
	int n = 0;

	ck_assert(dir != NULL);
	while ((d = readdir(dir))) {
		if (d->d_name[0] == '.')
			continue;
		invalid_case(d->d_name);
		n++;
	}
	closedir(dir);
	ck_assert_int_ge(n, 30);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("csr");
	TCase *tc = tcase_create("csr");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 300);
	tcase_add_loop_test(tc, decode_and_verify, 0, COUNT(good));
	tcase_add_loop_test(tc, weak_digests, 0, COUNT(refused_algs));
	tcase_add_test(tc, algorithm_confusion);
	tcase_add_test(tc, kept_context);
	tcase_add_loop_test(tc, truncated_everywhere, 0, 3);
	tcase_add_loop_test(tc, every_bit_flipped, 0, 3);
	tcase_add_loop_test(tc, texts, 0, 4);
	tcase_add_test(tc, invalid_files);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
