#include "tests/unit/unit.h"

#include <string.h>

#include "lib/x509/tbs_lint.h"
#include "tests/unit/x509_fixture.h"

static void plain_issuer(struct x509_issuer *out)
{
	struct x509_profile root;

	xf_ca_profile(&root, "Root", -1);
	xf_fixed_issuer(&root, out);
}

static void build(const struct x509_profile *p,
		  const struct x509_issuer *issuer, struct buf *tbs)
{
	struct err err;

	err_init(&err);
	buf_init(tbs, X509_TBS_MAX);
	unit_ok(x509_tbs_build(p, issuer, &xf_vars, xf_serial, xf_fixed_key(0),
			       FX_NOW, tbs, &err),
		&err);
}

/* The other arguments: another serial, key, issuer, clock. */
START_TEST(other_arguments)
{
	static const char *const rules[] = { "lint.serial", "lint.spki",
					     "lint.issuer", "lint.validity",
					     "lint.issuer", "lint.validity" };
	uint8_t serial[X509_SERIAL_LEN];
	struct x509_issuer issuer, other;
	struct x509_profile p, root;
	struct span key = xf_fixed_key(0);
	int64_t now = FX_NOW;
	const struct x509_issuer *by = &issuer;
	struct buf tbs;
	struct err err;

	err_init(&err);
	plain_issuer(&issuer);
	xf_ca_profile(&root, "Other", -1);
	xf_fixed_issuer(&root, &other);
	xf_literal_profile(&p);
	build(&p, &issuer, &tbs);
	memcpy(serial, xf_serial, sizeof(serial));
	switch (_i) {
	case 0:
		serial[15] ^= 1;
		break;
	case 1:
		key = xf_fixed_key(1);
		break;
	case 2:
		by = &other;
		break;
	case 3:
		now++;
		break;
	case 4: /* self-issued: the issuer is not the subject */
		by = NULL;
		p.backdate_min = 0;
		break;
	case 5:
		issuer.not_after_s = FX_NOW + 86400;
		break;
	}
	unit_refused(
		x509_tbs_lint(&p, by, buf_span(&tbs), key, serial, now, &err),
		PV_DENIED, rules[_i], &err);
	xf_profile_release(&p);
	x509_issuer_release(&issuer);
	x509_issuer_release(&other);
	buf_release(&tbs);
}
END_TEST

/* RSA keys: keyEncipherment is theirs, keyAgreement is not. */
START_TEST(rsa_usage)
{
	static const unsigned bits[] = {
		KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT, KU_KEY_AGREEMENT
	};
	EVP_PKEY *key = xf_key("RSA");
	struct x509_issuer issuer;
	struct x509_profile p;
	struct buf spki, tbs;
	struct err err;

	err_init(&err);
	plain_issuer(&issuer);
	xf_leaf_profile(&p);
	p.ku_bits = bits[_i];
	xf_spki(key, &spki);
	buf_init(&tbs, X509_TBS_MAX);
	unit_ok(x509_tbs_build(&p, &issuer, &xf_vars, xf_serial,
			       buf_span(&spki), FX_NOW, &tbs, &err),
		&err);
	ck_assert_int_eq(x509_tbs_lint(&p, &issuer, buf_span(&tbs),
				       buf_span(&spki), xf_serial, FX_NOW,
				       &err),
			 _i ? PV_DENIED : PV_OK);
	xf_profile_release(&p);
	x509_issuer_release(&issuer);
	buf_release(&spki);
	buf_release(&tbs);
	EVP_PKEY_free(key);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("lint_args");
	TCase *tc = tcase_create("lint_args");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, other_arguments, 0, 6);
	tcase_add_loop_test(tc, rsa_usage, 0, 2);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
