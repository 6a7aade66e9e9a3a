#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/x509.h>

#include "lib/x509/cert.h"
#include "lib/x509/der.h"
#include "lib/x509/oids.h"
#include "lib/x509/tbs_lint.h"
#include "tests/unit/x509_fixture.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

/* r and s as hex of 64 bytes each, and the DER (RFC 3279 2.2.3). */
#define Z30 "000000000000000000000000000000000000000000000000000000000000"
#define Z31 Z30 "00"
#define Z32 Z31 "00"
static const struct {
	const char *raw, *der; /* der NULL: refused */
} ecdsa[] = {
	{ Z31 "01" Z31 "02", "3006020101020102" },
	{ Z31 "7f" Z31 "80", "300702017f02020080" },
	{ Z30 "0100" Z31 "ff", "300802020100020200ff" },
	{ "80" Z30 "01" Z31 "01", "3026022100"
				  "80" Z30 "01"
				  "020101" },
	{ "80" Z30 "01"
	  "ff" Z30 "01",
	  "3046022100"
	  "80" Z30 "01"
	  "022100"
	  "ff" Z30 "01" },
	{ Z32 Z31 "01", NULL },
	{ Z31 "01" Z32, NULL },
	{ Z32 Z32, NULL },
};

START_TEST(ecdsa_forms)
{
	uint8_t raw[64], der[X509_ECDSA_DER_MAX], want[X509_ECDSA_DER_MAX];
	uint8_t back[64];
	size_t len = 0;

	ck_assert(hex_decode(ecdsa[_i].raw, raw, 64));
	if (!ecdsa[_i].der) {
		ck_assert(!x509_ecdsa_to_der(raw, der, &len));
		return;
	}
	ck_assert(x509_ecdsa_to_der(raw, der, &len));
	ck_assert_uint_eq(len, strlen(ecdsa[_i].der) / 2);
	ck_assert(hex_decode(ecdsa[_i].der, want, len));
	ck_assert_mem_eq(der, want, len);
	ck_assert(x509_ecdsa_from_der((struct span){ der, len }, back));
	ck_assert_mem_eq(back, raw, 64);
}
END_TEST

static const char *const bad_der[] = {
	"",
	"3000",
	"3003020101",
	"3006020100020101",
	"3006020101020100",
	"3006020101020180",
	"3006020181020101",
	"300702020001020101",
	"300602010102010100",
	"3007020101020101ff",
	"30810602010102010100",
	"3026022101" Z32 "020101",
	"3006040101020101",
};

START_TEST(ecdsa_refused)
{
	uint8_t der[80], raw[64];
	size_t len = strlen(bad_der[_i]) / 2;
	char text[160];

	snprintf(text, sizeof(text), "%.*s", (int)(2 * len), bad_der[_i]);
	ck_assert(hex_decode(text, der, len));
	ck_assert(!x509_ecdsa_from_der((struct span){ der, len }, raw));
}
END_TEST

START_TEST(spki_both_ways)
{
	EVP_PKEY *key = xf_key("P-256"), *wide = xf_key("P-384");
	uint8_t spki[X509_P256_SPKI_LEN], hash[32], want[32];
	const uint8_t *point;
	struct buf der;
	struct err err;

	err_init(&err);
	xf_spki(key, &der);
	ck_assert(x509_spki_point(buf_span(&der), &point));
	x509_spki_from_point(point, spki);
	ck_assert_uint_eq(der.len, sizeof(spki));
	ck_assert_mem_eq(spki, der.data, sizeof(spki));
	unit_ok(x509_spki_sha256(buf_span(&der), hash, &err), &err);
	EVP_Digest(der.data, der.len, want, NULL, EVP_sha256(), NULL);
	ck_assert_mem_eq(hash, want, 32);
	for (size_t i = 0; i < 27; i++) {
		der.data[i] ^= 1;
		ck_assert(!x509_spki_point(buf_span(&der), &point));
		der.data[i] ^= 1;
	}
	der.len--;
	ck_assert(!x509_spki_point(buf_span(&der), &point));
	buf_release(&der);
	xf_spki(wide, &der);
	ck_assert(!x509_spki_point(buf_span(&der), &point));
	buf_release(&der);
	EVP_PKEY_free(key);
	EVP_PKEY_free(wide);
}
END_TEST

struct chain {
	EVP_PKEY *ca;
	struct x509_issuer issuer;
	struct buf cert;
};

static void chain_make(struct chain *c)
{
	struct x509_profile root, leaf;
	EVP_PKEY *key = xf_key("P-256");
	struct buf spki;

	c->ca = NULL;
	xf_ca_profile(&root, "Root", -1);
	xf_root(&root, &c->ca, &c->issuer);
	xf_leaf_profile(&leaf);
	xf_spki(key, &spki);
	xf_cert(&leaf, &c->issuer, c->ca, buf_span(&spki), &c->cert);
	xf_profile_release(&root);
	xf_profile_release(&leaf);
	buf_release(&spki);
	EVP_PKEY_free(key);
}

static void chain_release(struct chain *c)
{
	EVP_PKEY_free(c->ca);
	x509_issuer_release(&c->issuer);
	buf_release(&c->cert);
}

START_TEST(openssl_verifies)
{
	struct x509_cert parts;
	struct x509_verifier *v;
	struct chain c;
	const unsigned char *p;
	struct err err;
	X509 *cert;

	err_init(&err);
	chain_make(&c);
	p = c.cert.data;
	cert = d2i_X509(NULL, &p, (long)c.cert.len);
	ck_assert(cert != NULL);
	ck_assert_int_eq(X509_verify(cert, c.ca), 1);
	X509_free(cert);

	unit_ok(x509_cert_decode(buf_span(&c.cert), &parts, &err), &err);
	ck_assert(span_equal(parts.issuer, c.issuer.subject));
	ck_assert_int_eq(parts.not_before_s, FX_NOW);
	ck_assert_uint_eq(parts.serial.len, 13);
	ck_assert_mem_eq(parts.serial.p, xf_serial + 3, 13);
	unit_ok(x509_verifier_new(c.issuer.spki, &v, &err), &err);
	unit_ok(x509_verify_cert(v, &parts, PV_INTEGRITY, &err), &err);
	x509_verifier_free(v);
	chain_release(&c);
}
END_TEST

START_TEST(wrong_signatures)
{
	struct x509_verifier *v;
	struct x509_cert parts;
	struct chain c;
	uint8_t digest[32], sig[64];
	struct err err;

	err_init(&err);
	chain_make(&c);
	unit_ok(x509_cert_decode(buf_span(&c.cert), &parts, &err), &err);
	unit_ok(x509_verifier_new(c.issuer.spki, &v, &err), &err);
	ck_assert(x509_ecdsa_from_der(parts.sig, sig));
	EVP_Digest(parts.tbs.p, parts.tbs.len, digest, NULL, EVP_sha256(),
		   NULL);
	for (int bit = 0; bit < 512; bit += 7) {
		sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
		err_init(&err);
		unit_refused(
			x509_verify_digest(v, digest, sig, PV_HSM_FATAL, &err),
			PV_HSM_FATAL, "signature.wrong", &err);
		sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
		unit_ok(x509_verify_digest(v, digest, sig, PV_HSM_FATAL, NULL),
			&err);
	}
	digest[0] ^= 1;
	err_init(&err);
	unit_refused(x509_verify_digest(v, digest, sig, PV_INTEGRITY, &err),
		     PV_INTEGRITY, "signature.wrong", &err);
	digest[0] ^= 1;
	memset(sig, 0, sizeof(sig));
	ck_assert_int_eq(x509_verify_digest(v, digest, sig, PV_INTEGRITY, NULL),
			 PV_INTEGRITY);
	memset(sig, 0xff, sizeof(sig)); /* above the order */
	ck_assert_int_eq(x509_verify_digest(v, digest, sig, PV_INTEGRITY, NULL),
			 PV_INTEGRITY);
	x509_verifier_cleanup(&v);
	chain_release(&c);
}
END_TEST

START_TEST(verifier_keys)
{
	static const char *const kinds[] = { "P-384", "RSA", "Ed25519" };
	struct x509_verifier *v = (struct x509_verifier *)&err_init;
	EVP_PKEY *key = xf_key(kinds[_i]);
	struct buf spki;
	struct err err;

	err_init(&err);
	xf_spki(key, &spki);
	unit_refused(x509_verifier_new(buf_span(&spki), &v, &err), PV_DENIED,
		     "key.algorithm", &err);
	ck_assert(v == NULL);
	x509_verifier_free(v);
	buf_release(&spki);
	EVP_PKEY_free(key);
}
END_TEST

/* No bit of a certificate can change and leave it valid. */
START_TEST(every_bit_flipped)
{
	struct x509_verifier *v;
	struct x509_cert parts;
	struct chain c;
	struct err err;

	err_init(&err);
	chain_make(&c);
	unit_ok(x509_verifier_new(c.issuer.spki, &v, &err), &err);
	for (size_t bit = 0; bit < c.cert.len * 8; bit++) {
		uint8_t *copy = malloc(c.cert.len);
		struct span s = { copy, c.cert.len };

		memcpy(copy, c.cert.data, c.cert.len);
		copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (x509_cert_decode(s, &parts, NULL) == PV_OK)
			ck_assert_int_eq(
				x509_verify_cert(v, &parts, PV_INTEGRITY, NULL),
				PV_INTEGRITY);
		free(copy);
	}
	for (size_t len = 0; len < c.cert.len; len++) {
		uint8_t *copy = malloc(len ? len : 1);
		struct span s = { copy, len };

		memcpy(copy, c.cert.data, len);
		ck_assert_int_eq(x509_cert_decode(s, &parts, NULL), PV_INPUT);
		free(copy);
	}
	x509_verifier_free(v);
	chain_release(&c);
}
END_TEST

START_TEST(messages)
{
	static const uint8_t msg[] = "provctl/seal-key/v1";
	EVP_PKEY *key = xf_key("P-256"), *other = xf_key("P-256");
	struct span m = { msg, sizeof(msg) };
	struct x509_ctx *ctx;
	struct buf spki;
	uint8_t sig[64], der[X509_ECDSA_DER_MAX];
	struct err err;
	size_t len;

	err_init(&err);
	unit_ok(x509_ctx_new(&ctx, &err), &err);
	xf_spki(key, &spki);
	xf_sign(key, m, sig);
	ck_assert(x509_ecdsa_to_der(sig, der, &len));
	unit_ok(x509_verify_message(ctx, buf_span(&spki), m,
				    (struct span){ der, len }, &err),
		&err);
	m.len--;
	unit_refused(x509_verify_message(ctx, buf_span(&spki), m,
					 (struct span){ der, len }, &err),
		     PV_INPUT, "signature.wrong", &err);
	m.len++;
	err_init(&err);
	unit_refused(x509_verify_message(ctx, buf_span(&spki), m,
					 (struct span){ der, len - 1 }, &err),
		     PV_INPUT, "signature.form", &err);
	buf_release(&spki);
	xf_spki(other, &spki);
	err_init(&err);
	unit_refused(x509_verify_message(ctx, buf_span(&spki), m,
					 (struct span){ der, len }, &err),
		     PV_INPUT, "signature.wrong", &err);
	buf_release(&spki);
	x509_ctx_free(ctx);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}
END_TEST

START_TEST(extensions_found)
{
	struct x509_cert parts;
	struct chain c;
	struct span value;
	struct err err;
	bool critical;

	err_init(&err);
	chain_make(&c);
	unit_ok(x509_cert_decode(buf_span(&c.cert), &parts, &err), &err);
	ck_assert(x509_ext_find(parts.extensions, oid_span(&oid_key_usage),
				&critical, &value));
	ck_assert(critical);
	ck_assert(span_equal(value, DER_BYTES(0x03, 0x02, 0x07, 0x80)));
	ck_assert(x509_ext_find(parts.extensions, oid_span(&oid_aki), &critical,
				&value));
	ck_assert(!critical);
	ck_assert(!x509_ext_find(parts.extensions, oid_span(&oid_san),
				 &critical, &value));
	chain_release(&c);
}
END_TEST

START_TEST(assemble_limits)
{
	static const uint8_t none[64], sig[64] = { [31] = 1, [63] = 1 };
	struct span tbs = DER_BYTES(0x30, 0x00);
	struct buf cert;
	struct err err;

	err_init(&err);
	buf_init(&cert, 100);
	unit_refused(x509_cert_assemble(tbs, none, &cert, &err), PV_INTERNAL,
		     "signature.form", &err);
	buf_release(&cert);
	err_init(&err);
	buf_init(&cert, 10);
	unit_refused(x509_cert_assemble(tbs, sig, &cert, &err), PV_INPUT,
		     "size.limit", &err);
	buf_release(&cert);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cert");
	TCase *tc = tcase_create("cert");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, ecdsa_forms, 0, COUNT(ecdsa));
	tcase_add_loop_test(tc, ecdsa_refused, 0, COUNT(bad_der));
	tcase_add_test(tc, spki_both_ways);
	tcase_add_test(tc, openssl_verifies);
	tcase_add_test(tc, wrong_signatures);
	tcase_add_loop_test(tc, verifier_keys, 0, 3);
	tcase_add_test(tc, every_bit_flipped);
	tcase_add_test(tc, messages);
	tcase_add_test(tc, extensions_found);
	tcase_add_test(tc, assemble_limits);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
