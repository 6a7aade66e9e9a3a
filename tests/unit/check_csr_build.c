#include "lib/x509/csr_build.h"

#include <string.h>

#include "lib/x509/cert.h"
#include "lib/x509/der.h"
#include "lib/x509/tbs_lint.h"
#include "tests/unit/unit.h"
#include "tests/unit/x509_fixture.h"

struct made {
	EVP_PKEY *key;
	struct x509_profile p;
	struct buf spki, cri, csr;
};

static void make(struct made *m)
{
	uint8_t sig[64];

	m->key = xf_key("P-256");
	xf_ca_profile(&m->p, "Issuing CA 1", 0);
	buf_init(&m->spki, X509_SPKI_MAX);
	buf_init(&m->cri, X509_CRI_MAX);
	buf_init(&m->csr, CSR_DER_MAX);
	xf_spki(m->key, &m->spki);
	UNIT_OK(x509_csr_build(&m->p, &xf_vars, buf_span(&m->spki), &m->cri,
			       &err_));
	UNIT_OK(x509_csr_lint(&m->p, &xf_vars, buf_span(&m->spki),
			      buf_span(&m->cri), &err_));
	xf_sign(m->key, buf_span(&m->cri), sig);
	UNIT_OK(x509_cert_assemble(buf_span(&m->cri), sig, &m->csr, &err_));
}

static void release(struct made *m)
{
	EVP_PKEY_free(m->key);
	xf_profile_release(&m->p);
	buf_release(&m->spki);
	buf_release(&m->cri);
	buf_release(&m->csr);
}

START_TEST(test_the_reader_takes_it)
{
	struct x509_ctx *ctx = NULL;
	struct x509_issuer root;
	EVP_PKEY *ca = NULL;
	struct x509_profile above;
	struct made m;
	struct csr csr;
	struct buf tbs;

	make(&m);
	UNIT_OK(x509_ctx_new(&ctx, &err_));
	UNIT_OK(csr_decode(buf_span(&m.csr), &csr, &err_));
	UNIT_OK(csr_verify(ctx, &csr, &err_));
	ck_assert(span_equal(csr.tbs, buf_span(&m.cri)));
	ck_assert(span_equal(csr.spki, buf_span(&m.spki)));
	ck_assert_ptr_nonnull(csr.extensions.p);
	/* What a root above would sign by the same template has all of it. */
	xf_ca_profile(&above, "Root", -1);
	xf_root(&above, &ca, &root);
	buf_init(&tbs, X509_TBS_MAX);
	UNIT_OK(x509_tbs_build(&m.p, &root, &xf_vars, xf_serial,
			       buf_span(&m.spki), FX_NOW, &tbs, &err_));
	UNIT_OK(csr_within(&csr, buf_span(&tbs), &err_));
	buf_release(&tbs);
	x509_issuer_release(&root);
	xf_profile_release(&above);
	EVP_PKEY_free(ca);
	x509_ctx_free(ctx);
	release(&m);
}
END_TEST

/* No bit of what is signed may be another one. */
START_TEST(test_every_bit_is_looked_at)
{
	struct made m;
	struct err err;

	make(&m);
	for (size_t bit = 0; bit < m.cri.len * 8; bit++) {
		m.cri.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		err_init(&err);
		ck_assert_msg(x509_csr_lint(&m.p, &xf_vars, buf_span(&m.spki),
					    buf_span(&m.cri), &err) != PV_OK,
			      "bit %zu", bit);
		m.cri.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	release(&m);
}
END_TEST

/* One bit of the whole request: it does not parse, or is not the key's. */
START_TEST(test_a_flipped_bit_is_no_proof)
{
	struct x509_ctx *ctx = NULL;
	struct made m;
	struct err err;

	make(&m);
	UNIT_OK(x509_ctx_new(&ctx, &err_));
	for (size_t bit = 0; bit < m.csr.len * 8; bit++) {
		struct csr csr;
		enum pv_code rc;

		m.csr.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		err_init(&err);
		rc = csr_decode(buf_span(&m.csr), &csr, &err);
		if (rc == PV_OK)
			rc = csr_verify(ctx, &csr, &err);
		ck_assert_msg(rc != PV_OK, "bit %zu", bit);
		m.csr.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	x509_ctx_free(ctx);
	release(&m);
}
END_TEST

START_TEST(test_another_profile_is_refused)
{
	struct x509_profile other;
	struct made m;
	struct err err;

	make(&m);
	xf_ca_profile(&other, "Issuing CA 2", 0);
	err_init(&err);
	unit_refused(x509_csr_lint(&other, &xf_vars, buf_span(&m.spki),
				   buf_span(&m.cri), &err),
		     PV_DENIED, "lint.csr", &err);
	xf_profile_release(&other);
	xf_ca_profile(&other, "Issuing CA 1", 1);
	err_init(&err);
	unit_refused(x509_csr_lint(&other, &xf_vars, buf_span(&m.spki),
				   buf_span(&m.cri), &err),
		     PV_DENIED, "csr.requests", &err);
	xf_profile_release(&other);
	err_init(&err);
	unit_refused(x509_csr_lint(&m.p, &xf_vars, xf_fixed_key(0),
				   buf_span(&m.cri), &err),
		     PV_DENIED, "lint.csr", &err);
	release(&m);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("csr_build");
	TCase *tc = tcase_create("csr_build");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_the_reader_takes_it);
	tcase_add_test(tc, test_every_bit_is_looked_at);
	tcase_add_test(tc, test_a_flipped_bit_is_no_proof);
	tcase_add_test(tc, test_another_profile_is_refused);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
