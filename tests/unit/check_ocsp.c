#include "tests/unit/unit.h"

#include <string.h>

#include "lib/x509/ocsp_read.h"
#include "lib/base/cleanup.h"
#include "tests/unit/crl_fix.h"

/* Last: its KU_ macros have the names of our enum. */
#include <openssl/ocsp.h>
#include <openssl/x509.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static struct crl_fix fix;
static EVP_PKEY *responder;
static struct buf responder_spki, responder_cert;
static struct x509_crl_entry entry;

static void set_up(void)
{
	struct x509_profile p;

	crl_fix_init(&fix);
	responder = xf_key("P-256");
	xf_spki(responder, &responder_spki);
	xf_leaf_profile(&p);
	xf_oid(&p.eku[0], "1.3.6.1.5.5.7.3.9");
	xf_cert(&p, &fix.issuer, fix.key, buf_span(&responder_spki),
		&responder_cert);
	xf_profile_release(&p);
	entry = crl_fix_entry(1);
}

static void tear_down(void)
{
	buf_release(&responder_cert);
	buf_release(&responder_spki);
	EVP_PKEY_free(responder);
	crl_fix_release(&fix);
}

static struct x509_ocsp_head head_of(void)
{
	struct x509_ocsp_head h;

	UNIT_OK(x509_ocsp_head(&fix.issuer, buf_span(&responder_spki),
			       FX_NOW + 1000, FX_NOW + 5000, &h, &err_));
	return h;
}

static struct x509_ocsp_status status_of(bool revoked, uint8_t reason)
{
	return (struct x509_ocsp_status){
		.serial = { entry.serial, entry.serial_len },
		.revoked = revoked,
		.reason = reason,
		.revoked_s = revoked ? FX_NOW + 7 : 0
	};
}

static void make(const struct x509_ocsp_head *h,
		 const struct x509_ocsp_status *s, struct buf *out)
{
	struct buf tbs;
	uint8_t sig[64];

	buf_init(&tbs, X509_OCSP_MAX);
	buf_init(out, X509_OCSP_MAX);
	UNIT_OK(x509_ocsp_build(h, s, &tbs, &err_));
	UNIT_OK(x509_ocsp_lint(h, s, buf_span(&tbs), &err_));
	xf_sign(responder, buf_span(&tbs), sig);
	UNIT_OK(x509_ocsp_assemble(buf_span(&tbs), sig,
				   buf_span(&responder_cert), out, &err_));
	buf_release(&tbs);
}

static const struct {
	bool revoked;
	uint8_t reason;
} answers[] = { { false, 0 }, { true, 0 }, { true, 1 }, { true, 6 } };

static X509 *cert_of(struct span der)
{
	const unsigned char *p = der.p;
	X509 *x = d2i_X509(NULL, &p, (long)der.len);

	ck_assert_ptr_nonnull(x);
	return x;
}

/* The answer that OpenSSL finds for the certificate. */
static void same_answer(OCSP_BASICRESP *basic, X509 *ca, int i)
{
	ASN1_INTEGER *serial = ASN1_INTEGER_new();
	BIGNUM *bn = BN_bin2bn(entry.serial, entry.serial_len, NULL);
	ASN1_GENERALIZEDTIME *revoked, *from, *to;
	OCSP_CERTID *id;
	int status, reason;

	BN_to_ASN1_INTEGER(bn, serial);
	id = OCSP_cert_id_new(EVP_sha1(), X509_get_subject_name(ca),
			      X509_get0_pubkey_bitstr(ca), serial);
	ck_assert_int_eq(OCSP_resp_find_status(basic, id, &status, &reason,
					       &revoked, &from, &to),
			 1);
	ck_assert_int_eq(status, answers[i].revoked ? V_OCSP_CERTSTATUS_REVOKED
						    : V_OCSP_CERTSTATUS_GOOD);
	if (answers[i].revoked)
		ck_assert_int_eq(reason,
				 answers[i].reason ? answers[i].reason : -1);
	OCSP_CERTID_free(id);
	BN_free(bn);
	ASN1_INTEGER_free(serial);
}

START_TEST(openssl_agrees)
{
	struct x509_ocsp_head h = head_of();
	struct x509_ocsp_status s =
		status_of(answers[_i].revoked, answers[_i].reason);
	X509 *ca = cert_of(buf_span(&fix.issuer.der));
	X509_STORE *store = X509_STORE_new();
	OCSP_BASICRESP *basic;
	OCSP_RESPONSE *r;
	const unsigned char *p;
	struct buf der;

	make(&h, &s, &der);
	p = der.data;
	r = d2i_OCSP_RESPONSE(NULL, &p, (long)der.len);
	ck_assert_ptr_nonnull(r);
	ck_assert_int_eq(OCSP_response_status(r), 0);
	basic = OCSP_response_get1_basic(r);
	ck_assert_ptr_nonnull(basic);
	X509_STORE_add_cert(store, ca);
	X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), FX_NOW + 1000);
	ck_assert_int_eq(OCSP_basic_verify(basic, NULL, store, 0), 1);
	same_answer(basic, ca, _i);
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(r);
	X509_STORE_free(store);
	X509_free(ca);
	buf_release(&der);
}
END_TEST

START_TEST(reads_its_own)
{
	CLEANUP(x509_verifier_cleanup) struct x509_verifier *v = NULL;
	struct x509_ocsp_head h = head_of();
	struct x509_ocsp_status s = status_of(true, 4);
	struct x509_ocsp r;
	struct buf der;
	struct err err;

	err_init(&err);
	make(&h, &s, &der);
	UNIT_OK(x509_ocsp_decode(buf_span(&der), &r, &err_));
	ck_assert(r.status.revoked && r.status.reason == 4);
	ck_assert(span_equal(r.cert, buf_span(&responder_cert)));
	UNIT_OK(x509_verifier_new(buf_span(&responder_spki), &v, &err_));
	UNIT_OK(x509_ocsp_verify(v, &r, PV_INTEGRITY, &err_));
	x509_verifier_free(TAKE(v));
	UNIT_OK(x509_verifier_new(fix.issuer.spki, &v, &err_));
	unit_refused(x509_ocsp_verify(v, &r, PV_INTEGRITY, &err), PV_INTEGRITY,
		     "signature.wrong", &err);
	for (size_t len = 0; len < der.len; len++)
		ck_assert_int_eq(
			x509_ocsp_decode((struct span){ der.data, len }, &r,
					 NULL),
			PV_INPUT);
	buf_release(&der);
}
END_TEST

/* Every bit of what is signed changed: never another answer that lints. */
START_TEST(lint_bytes)
{
	struct x509_ocsp_head h = head_of();
	struct x509_ocsp_status s =
		status_of(answers[_i].revoked, answers[_i].reason);
	struct buf tbs;

	buf_init(&tbs, X509_OCSP_MAX);
	UNIT_OK(x509_ocsp_build(&h, &s, &tbs, &err_));
	for (size_t i = 0; i < 8 * tbs.len; i++) {
		tbs.data[i / 8] ^= (uint8_t)(1u << i % 8);
		ck_assert_int_eq(x509_ocsp_lint(&h, &s, buf_span(&tbs), NULL),
				 PV_DENIED);
		tbs.data[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	buf_release(&tbs);
}
END_TEST

static void ends_first(struct x509_ocsp_head *h, struct x509_ocsp_status *s)
{
	(void)s;
	h->next_s = h->this_s;
}

static void too_late(struct x509_ocsp_head *h, struct x509_ocsp_status *s)
{
	s->revoked_s = h->this_s + 1;
}

static void no_serial(struct x509_ocsp_head *h, struct x509_ocsp_status *s)
{
	(void)h;
	s->serial.len = 0;
}

static void no_reason(struct x509_ocsp_head *h, struct x509_ocsp_status *s)
{
	(void)h;
	s->reason = X509_REASON_REMOVE;
}

static const struct {
	void (*change)(struct x509_ocsp_head *h, struct x509_ocsp_status *s);
	const char *rule;
} refused[] = {
	{ ends_first, "ocsp.time" },
	{ too_late, "ocsp.time" },
	{ no_serial, "ocsp.serial" },
	{ no_reason, "ocsp.reason" },
};

START_TEST(not_built)
{
	struct x509_ocsp_head h = head_of();
	struct x509_ocsp_status s = status_of(true, 1);
	struct buf tbs;
	struct err err;

	err_init(&err);
	buf_init(&tbs, X509_OCSP_MAX);
	refused[_i].change(&h, &s);
	unit_refused(x509_ocsp_build(&h, &s, &tbs, &err), PV_INPUT,
		     refused[_i].rule, &err);
	ck_assert_uint_eq(tbs.len, 0);
	buf_release(&tbs);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ocsp");
	TCase *tc = tcase_create("ocsp");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, openssl_agrees, 0, COUNT(answers));
	tcase_add_test(tc, reads_its_own);
	tcase_add_loop_test(tc, lint_bytes, 0, COUNT(answers));
	tcase_add_loop_test(tc, not_built, 0, COUNT(refused));
	suite_add_tcase(s, tc);
	return unit_run(s);
}
