#include "tests/unit/unit.h"

#include <string.h>

#include "tests/unit/x509_fixture.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static void no_ca(struct x509_profile *p)
{
	p->bc_ca = false;
	p->ku_bits = KU_DIGITAL_SIGNATURE;
}

static void no_bc(struct x509_profile *p)
{
	p->bc_present = false;
}

static void no_ku(struct x509_profile *p)
{
	p->ku_present = false;
}

static void no_cert_sign(struct x509_profile *p)
{
	p->ku_bits = KU_CRL_SIGN;
}

static void no_ski(struct x509_profile *p)
{
	p->ski = false;
}

static void vid_lower(struct x509_profile *p)
{
	/* The builder refuses it as a VID, so it hides in a CN. */
	text_release(&p->subject[0].value);
	xf_text(&p->subject[0].value, "PAA Mvid:fff1");
}

static const struct {
	void (*change)(struct x509_profile *p);
	enum pv_code code;
	const char *rule;
} issuers[] = {
	{ no_ca, PV_DENIED, "issuer.ca" },
	{ no_bc, PV_DENIED, "issuer.ca" },
	{ no_ku, PV_DENIED, "issuer.ca" },
	{ no_cert_sign, PV_DENIED, "issuer.ca" },
	{ no_ski, PV_DENIED, "issuer.ski" },
	{ vid_lower, PV_INPUT, "issuer.malformed" },
};

START_TEST(issuer_refused)
{
	struct x509_issuer issuer;
	struct x509_profile p;
	struct buf cert;
	struct err err;

	err_init(&err);
	xf_ca_profile(&p, "CA", -1);
	issuers[_i].change(&p);
	xf_unsigned_cert(&p, NULL, xf_fixed_key(0), FX_NOW, &cert);
	unit_refused(x509_issuer_load(buf_span(&cert), &issuer, &err),
		     issuers[_i].code, issuers[_i].rule, &err);
	ck_assert(issuer.der.data == NULL && issuer.subject.p == NULL);
	x509_issuer_release(&issuer);
	xf_profile_release(&p);
	buf_release(&cert);
}
END_TEST

START_TEST(issuer_keys_and_junk)
{
	EVP_PKEY *key = xf_key(_i ? "RSA" : "P-384");
	struct x509_issuer issuer;
	struct x509_profile p;
	struct buf cert, spki;
	struct err err;

	err_init(&err);
	xf_spki(key, &spki);
	xf_ca_profile(&p, "CA", -1);
	xf_unsigned_cert(&p, NULL, buf_span(&spki), FX_NOW, &cert);
	unit_refused(x509_issuer_load(buf_span(&cert), &issuer, &err),
		     PV_DENIED, "issuer.key", &err);
	err_init(&err);
	unit_refused(x509_issuer_load(buf_span(&spki), &issuer, &err), PV_INPUT,
		     "issuer.malformed", &err);
	err_init(&err);
	unit_refused(x509_issuer_load((struct span){ NULL, 0 }, &issuer, &err),
		     PV_INPUT, "issuer.malformed", &err);
	xf_profile_release(&p);
	buf_release(&cert);
	buf_release(&spki);
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(issuer_facts)
{
	struct x509_issuer issuer;
	struct x509_profile p;
	EVP_PKEY *key = NULL;
	struct err err;

	err_init(&err);
	xf_ca_profile(&p, "CA", 2);
	xf_root(&p, &key, &issuer);
	ck_assert_int_eq(issuer.path_len, 2);
	ck_assert(issuer.self_issued);
	ck_assert_uint_eq(issuer.ku_bits, KU_KEY_CERT_SIGN | KU_CRL_SIGN);
	ck_assert_uint_eq(issuer.ski.len, 20);
	ck_assert_int_eq(issuer.not_before_s, FX_NOW);
	unit_ok(x509_issuer_valid(&issuer, FX_NOW, &err), &err);
	unit_ok(x509_issuer_valid(&issuer, issuer.not_after_s, &err), &err);
	ck_assert_int_eq(
		x509_issuer_valid(&issuer, issuer.not_after_s + 1, NULL),
		PV_DENIED);
	unit_refused(x509_issuer_valid(&issuer, FX_NOW - 1, &err), PV_DENIED,
		     "validity.issuer", &err);
	ck_assert(strstr(err.message, "2026-01-01T00:00:00Z"));
	xf_profile_release(&p);
	x509_issuer_release(&issuer);
	x509_issuer_release(&issuer); /* again is harmless */
	EVP_PKEY_free(key);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("issuer");
	TCase *tc = tcase_create("issuer");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, issuer_refused, 0, COUNT(issuers));
	tcase_add_loop_test(tc, issuer_keys_and_junk, 0, 2);
	tcase_add_test(tc, issuer_facts);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
