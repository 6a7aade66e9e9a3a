#include "tests/unit/unit.h"

#include <string.h>

#include "tests/unit/x509_fixture.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

/* What a request asks for, against a TBS of the leaf profile and a SAN. */
static const struct {
	const char *subject;
	const char *exts[5];
	bool unknown;
	const char *says; /* in the refusal; NULL: within */
} asks[] = {
	{ NULL, { NULL }, false, NULL },
	{ "CN=ACME-0123456789AB", { NULL }, false, NULL },
	{ "O=ACME/CN=ACME-0123456789AB", { NULL }, false, NULL },
	{ "CN=ACME-0123456789AC",
	  { NULL },
	  false,
	  "CN is ACME-0123456789AC where the template gives "
	  "ACME-0123456789AB;" },
	{ "CN=acme-0123456789ab",
	  { NULL },
	  false,
	  "CN is acme-0123456789ab where" },
	{ "CN=ACME-0123456789AB/OU=x",
	  { NULL },
	  false,
	  "subject attribute OU," },
	{ NULL, { "basicConstraints", "CA:FALSE" }, false, NULL },
	{ NULL,
	  { "basicConstraints", "CA:TRUE" },
	  false,
	  "the extension basicConstraints," },
	{ NULL,
	  { "basicConstraints", "critical,CA:TRUE,pathlen:0" },
	  false,
	  "the extension basicConstraints," },
	{ NULL, { "keyUsage", "digitalSignature" }, false, NULL },
	{ NULL, { "keyUsage", "critical,digitalSignature" }, false, NULL },
	{ NULL,
	  { "keyUsage", "digitalSignature,keyCertSign" },
	  false,
	  "the extension keyUsage," },
	{ NULL,
	  { "keyUsage", "decipherOnly" },
	  false,
	  "the extension keyUsage," },
	{ NULL, { "extendedKeyUsage", "clientAuth" }, false, NULL },
	{ NULL,
	  { "extendedKeyUsage", "clientAuth,serverAuth" },
	  false,
	  "the extension extKeyUsage," },
	{ NULL, { "subjectAltName", "DNS:a.example" }, false, NULL },
	{ NULL,
	  { "subjectAltName", "DNS:a.example,DNS:b.example" },
	  false,
	  NULL },
	{ NULL,
	  { "subjectAltName", "DNS:c.example" },
	  false,
	  "the extension subjectAltName," },
	{ NULL,
	  { "subjectAltName", "URI:a.example" },
	  false,
	  "the extension subjectAltName," },
	{ NULL, { "subjectKeyIdentifier", "hash" }, false, NULL },
	{ NULL,
	  { "subjectKeyIdentifier", "00:01" },
	  false,
	  "the extension subjectKeyIdentifier," },
	{ NULL, { "nsComment", "x" }, false, "2.16.840.1.113730.1.13" },
	{ NULL,
	  { "1.3.6.1.4.1.99999.5", "ASN1:UTF8String:x" },
	  false,
	  "1.3.6.1.4.1.99999.5" },
	{ NULL,
	  { "keyUsage", "digitalSignature", "extendedKeyUsage", "serverAuth" },
	  false,
	  "the extension extKeyUsage," },
	{ NULL, { NULL }, true, "1.3.6.1.4.1.99999.9" },
};

static void leaf_tbs(EVP_PKEY *key, struct buf *tbs)
{
	struct x509_profile root, leaf;
	struct x509_issuer issuer;
	EVP_PKEY *ca = NULL;
	struct buf spki;
	struct err err;

	err_init(&err);
	xf_ca_profile(&root, "Root", -1);
	xf_root(&root, &ca, &issuer);
	xf_leaf_profile(&leaf);
	leaf.san_n = 2;
	xf_text(&leaf.san[0].value, "a.example");
	xf_text(&leaf.san[1].value, "b.example");
	xf_spki(key, &spki);
	buf_init(tbs, X509_TBS_MAX);
	unit_ok(x509_tbs_build(&leaf, &issuer, &xf_vars, xf_serial,
			       buf_span(&spki), FX_NOW, tbs, &err),
		&err);
	xf_profile_release(&root);
	xf_profile_release(&leaf);
	x509_issuer_release(&issuer);
	EVP_PKEY_free(ca);
	buf_release(&spki);
}

START_TEST(within_the_template)
{
	struct xf_csr what = { .subject = asks[_i].subject,
			       .exts = asks[_i].exts[0] ? asks[_i].exts : NULL,
			       .unknown_attr = asks[_i].unknown,
			       .challenge = true };
	EVP_PKEY *key = xf_key("P-256");
	struct buf der, tbs;
	struct csr csr;
	struct err err;
	enum pv_code rc;

	err_init(&err);
	xf_csr(key, &what, &der);
	leaf_tbs(key, &tbs);
	unit_ok(csr_decode(buf_span(&der), &csr, &err), &err);
	rc = csr_within(&csr, buf_span(&tbs), &err);
	if (asks[_i].says) {
		unit_refused(rc, PV_DENIED, "csr.requests", &err);
		ck_assert_msg(strstr(err.message, asks[_i].says) != NULL, "%s",
			      err.message);
	} else {
		unit_ok(rc, &err);
	}
	buf_release(&der);
	buf_release(&tbs);
	EVP_PKEY_free(key);
}
END_TEST

/* CA:TRUE is within a CA's template, with its own pathLen only. */
START_TEST(within_a_ca_template)
{
	static const char *const exts[][3] = {
		{ "basicConstraints", "CA:TRUE,pathlen:0", NULL },
		{ "basicConstraints", "CA:TRUE", NULL },
	};
	struct xf_csr what = { .subject = "CN=Sub", .exts = exts[_i] };
	EVP_PKEY *key = xf_key("P-256");
	struct x509_profile p;
	struct buf der, tbs, spki;
	struct csr csr;
	struct err err;

	err_init(&err);
	xf_ca_profile(&p, "Sub", 0);
	xf_csr(key, &what, &der);
	xf_spki(key, &spki);
	buf_init(&tbs, X509_TBS_MAX);
	unit_ok(x509_tbs_build(&p, NULL, &xf_vars, xf_serial, buf_span(&spki),
			       FX_NOW, &tbs, &err),
		&err);
	unit_ok(csr_decode(buf_span(&der), &csr, &err), &err);
	ck_assert_int_eq(csr_within(&csr, buf_span(&tbs), &err),
			 _i == 0 ? PV_OK : PV_DENIED);
	xf_profile_release(&p);
	buf_release(&der);
	buf_release(&tbs);
	buf_release(&spki);
	EVP_PKEY_free(key);
}
END_TEST

static void request_hash(EVP_PKEY *key, const char *subject,
			 const char *const *exts, bool challenge,
			 uint8_t out[32])
{
	struct xf_csr what = { .subject = subject,
			       .exts = exts,
			       .challenge = challenge };
	struct x509_ctx *ctx;
	struct buf der;
	struct csr csr;
	struct err err;

	err_init(&err);
	xf_csr(key, &what, &der);
	unit_ok(csr_decode(buf_span(&der), &csr, &err), &err);
	unit_ok(x509_ctx_new(&ctx, &err), &err);
	unit_ok(csr_requested_hash(ctx, &csr, out, &err), &err);
	x509_ctx_free(ctx);
	buf_release(&der);
}

START_TEST(requested_hash)
{
	static const char *const ab[] = { "keyUsage", "digitalSignature",
					  "subjectAltName", "DNS:a", NULL };
	static const char *const ba[] = { "subjectAltName", "DNS:a", "keyUsage",
					  "digitalSignature", NULL };
	static const char *const c[] = { "keyUsage", "digitalSignature",
					 "subjectAltName", "DNS:b", NULL };
	EVP_PKEY *key = xf_key("P-256"), *other = xf_key("P-256");
	uint8_t a[32], b[32];

	request_hash(key, "CN=x/O=y", ab, false, a);
	request_hash(other, "O=y/CN=x", ba, true, b);
	ck_assert_mem_eq(a, b, 32);
	request_hash(key, "CN=x/O=z", ab, false, b);
	ck_assert_mem_ne(a, b, 32);
	request_hash(key, "CN=x/O=y", c, false, b);
	ck_assert_mem_ne(a, b, 32);
	request_hash(key, "CN=x/O=y", NULL, false, b);
	ck_assert_mem_ne(a, b, 32);
	request_hash(key, NULL, NULL, false, a);
	ck_assert_mem_ne(a, b, 32);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("csr_within");
	TCase *tc = tcase_create("csr_within");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, within_the_template, 0, COUNT(asks));
	tcase_add_loop_test(tc, within_a_ca_template, 0, 2);
	tcase_add_test(tc, requested_hash);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
