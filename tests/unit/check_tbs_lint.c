#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "lib/x509/cert.h"
#include "lib/x509/der.h"
#include "lib/x509/tbs_lint.h"
#include "tests/unit/x509_fixture.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

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

static enum pv_code lint(const struct x509_profile *p,
			 const struct x509_issuer *issuer, struct span tbs,
			 struct err *err)
{
	return x509_tbs_lint(p, issuer, tbs, xf_fixed_key(0), xf_serial, FX_NOW,
			     err);
}

/* One that others made has the number that they gave it; a positive one. */
START_TEST(a_serial_of_others)
{
	struct x509_issuer issuer;
	struct x509_profile p;
	struct span all, in, serial;
	struct buf tbs;
	struct err err;

	err_init(&err);
	plain_issuer(&issuer);
	xf_literal_profile(&p);
	build(&p, &issuer, &tbs);
	unit_ok(x509_tbs_lint(&p, &issuer, buf_span(&tbs), xf_fixed_key(0),
			      NULL, FX_NOW, &err),
		&err);
	all = buf_span(&tbs);
	ck_assert(der_take(&all, DER_SEQUENCE, &in));
	ck_assert(der_take(&in, DER_CONTEXT_CONS(0), NULL));
	ck_assert(der_take_uint(&in, &serial));
	((uint8_t *)(uintptr_t)serial.p)[0] |= 0x80;
	unit_refused(x509_tbs_lint(&p, &issuer, buf_span(&tbs), xf_fixed_key(0),
				   NULL, FX_NOW, &err),
		     PV_DENIED, "lint.serial", &err);
	buf_release(&tbs);
	xf_profile_release(&p);
	x509_issuer_release(&issuer);
}
END_TEST

/* Without placeholders every octet is fixed: no bit may differ. */
START_TEST(every_bit_matters)
{
	struct x509_issuer issuer;
	struct x509_profile p;
	struct buf tbs;
	struct err err;

	err_init(&err);
	plain_issuer(&issuer);
	xf_literal_profile(&p);
	build(&p, &issuer, &tbs);
	unit_ok(lint(&p, &issuer, buf_span(&tbs), &err), &err);
	for (size_t bit = 0; bit < tbs.len * 8; bit++) {
		tbs.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		err_init(&err);
		ck_assert_msg(lint(&p, &issuer, buf_span(&tbs), &err) ==
				      PV_DENIED,
			      "bit %zu", bit);
		ck_assert_int_eq(strncmp(err.rule, "lint.", 5), 0);
		tbs.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	xf_profile_release(&p);
	x509_issuer_release(&issuer);
	buf_release(&tbs);
}
END_TEST

START_TEST(every_length_matters)
{
	struct x509_issuer issuer;
	struct x509_profile p;
	struct buf tbs;

	plain_issuer(&issuer);
	xf_literal_profile(&p);
	build(&p, &issuer, &tbs);
	for (size_t len = 0; len < tbs.len; len++) {
		uint8_t *cut = malloc(len ? len : 1);

		memcpy(cut, tbs.data, len);
		ck_assert_int_eq(
			lint(&p, &issuer, (struct span){ cut, len }, NULL),
			PV_DENIED);
		free(cut);
	}
	buf_put_u8(&tbs, 0);
	ck_assert_int_eq(lint(&p, &issuer, buf_span(&tbs), NULL), PV_DENIED);
	xf_profile_release(&p);
	x509_issuer_release(&issuer);
	buf_release(&tbs);
}
END_TEST

/* Built by one profile, held against another. */
static void no_change(struct x509_profile *p)
{
	(void)p;
}

static void drop_bc(struct x509_profile *p)
{
	p->bc_present = false;
}

static void bc_not_critical(struct x509_profile *p)
{
	p->bc_critical = false;
}

static void bc_ca(struct x509_profile *p)
{
	p->bc_ca = true;
	p->ku_bits = KU_KEY_CERT_SIGN;
}

static void ku_other(struct x509_profile *p)
{
	p->ku_bits |= KU_NON_REPUDIATION;
}

static void ku_not_critical(struct x509_profile *p)
{
	p->ku_critical = false;
}

static void eku_other(struct x509_profile *p)
{
	xf_oid(&p->eku[0], "1.3.6.1.5.5.7.3.1");
}

static void eku_more(struct x509_profile *p)
{
	xf_oid(&p->eku[p->eku_n++], "1.3.6.1.5.5.7.3.1");
}

static void eku_critical(struct x509_profile *p)
{
	p->eku_critical = true;
}

static void drop_ski(struct x509_profile *p)
{
	p->ski = false;
}

static void drop_aki(struct x509_profile *p)
{
	p->aki = false;
}

static void san_more(struct x509_profile *p)
{
	xf_san(p, SAN_DNS, "more");
}

static void san_critical(struct x509_profile *p)
{
	p->san_critical = true;
}

static void san_kind(struct x509_profile *p)
{
	p->san[0].kind = SAN_URI;
}

static void san_hw_type(struct x509_profile *p)
{
	xf_oid(&p->san[5].hw_type, "2.23.133.1.3");
}

static void drop_cdp(struct x509_profile *p)
{
	text_release(&p->cdp[--p->cdp_n]);
}

static void cdp_more(struct x509_profile *p)
{
	xf_text(&p->cdp[p->cdp_n++], "http://c");
}

static void drop_ocsp(struct x509_profile *p)
{
	text_release(&p->ocsp);
}

static void policy_other(struct x509_profile *p)
{
	xf_oid(&p->policies[0], "1.2.3.5");
}

static void custom_critical(struct x509_profile *p)
{
	p->custom[0].critical = true;
}

static void custom_text(struct x509_profile *p)
{
	text_release(&p->custom[0].text);
	xf_text(&p->custom[0].text, "tex");
}

static void drop_custom(struct x509_profile *p)
{
	p->custom_n--;
}

static void custom_doubled(struct x509_profile *p)
{
	p->custom[1] = p->custom[0];
	p->custom[1].text = (struct text){ NULL, 0 };
	xf_text(&p->custom[1].text, "text");
}

static void custom_no_rules(struct x509_profile *p)
{
	xf_oid(&p->custom[0].oid, "2.5.29.30");
}

static void custom_standard(struct x509_profile *p)
{
	static uint8_t ca_true[] = { 0x30, 0x03, 0x01, 0x01, 0xff };

	p->bc_present = false;
	p->custom[1].bytes = ca_true;
	p->custom[1].bytes_len = sizeof(ca_true);
	xf_oid(&p->custom[1].oid, "2.5.29.19");
}

static void subject_order(struct x509_profile *p)
{
	struct profile_rdn first = p->subject[0];

	p->subject[0] = p->subject[1];
	p->subject[1] = first;
}

static void subject_less(struct x509_profile *p)
{
	text_release(&p->subject[--p->subject_n].value);
}

static void subject_more(struct x509_profile *p)
{
	xf_rdn(p, "OU", "2.5.4.11", DER_UTF8, "x");
}

static void subject_type(struct x509_profile *p)
{
	p->subject[0].string = DER_PRINTABLE;
}

static void subject_value(struct x509_profile *p)
{
	text_release(&p->subject[0].value);
	xf_text(&p->subject[0].value, "ACMF");
}

static void one_day_more(struct x509_profile *p)
{
	p->valid_s++;
}

static void never_ends(struct x509_profile *p)
{
	p->no_expiry = true;
}

static void ku_encipherment(struct x509_profile *p)
{
	p->ku_bits |= KU_KEY_ENCIPHERMENT;
}

static void ku_cert_sign(struct x509_profile *p)
{
	p->ku_bits |= KU_KEY_CERT_SIGN;
}

static void ku_decipher_only(struct x509_profile *p)
{
	p->ku_bits |= KU_DECIPHER_ONLY;
}

static void ku_none(struct x509_profile *p)
{
	p->ku_bits = 0;
}

static void ca_without_ku(struct x509_profile *p)
{
	bc_ca(p);
	p->ku_present = false;
}

static void ca_bc_not_critical(struct x509_profile *p)
{
	bc_ca(p);
	p->bc_critical = false;
}

static void ca_no_sign(struct x509_profile *p)
{
	p->bc_ca = true;
}

static void path_len(struct x509_profile *p)
{
	bc_ca(p);
	p->bc_path_len = 3;
}

static void empty_subject(struct x509_profile *p)
{
	while (p->subject_n > 0)
		subject_less(p);
}

static void empty_subject_critical(struct x509_profile *p)
{
	empty_subject(p);
	p->san_critical = true;
}

static void no_rev_avail_beside_cdp(struct x509_profile *p)
{
	p->no_rev_avail = true;
}

static void no_rev_avail(struct x509_profile *p)
{
	drop_cdp(p);
	drop_ocsp(p);
	p->no_rev_avail = true;
}

static void no_places(struct x509_profile *p)
{
	drop_cdp(p);
	drop_ocsp(p);
}

static const struct {
	void (*built)(struct x509_profile *p);
	void (*held)(struct x509_profile *p);
	const char *rule; /* NULL: nothing found */
} pairs[] = {
	{ no_change, no_change, NULL },
	{ no_change, drop_bc, "lint.extension" },
	{ drop_bc, no_change, "lint.extension" },
	{ no_change, bc_not_critical, "lint.critical" },
	{ bc_ca, no_change, "lint.basic_constraints" },
	{ no_change, bc_ca, "lint.basic_constraints" },
	{ bc_ca, path_len, "lint.basic_constraints" },
	{ path_len, bc_ca, "lint.basic_constraints" },
	{ path_len, path_len, NULL },
	{ ca_bc_not_critical, ca_bc_not_critical, "lint.basic_constraints" },
	{ ca_without_ku, ca_without_ku, "lint.key_usage" },
	{ ca_no_sign, ca_no_sign, "lint.key_usage" },
	{ no_change, ku_other, "lint.key_usage" },
	{ ku_other, ku_other, NULL },
	{ no_change, ku_not_critical, "lint.critical" },
	{ ku_encipherment, ku_encipherment, "lint.key_usage" },
	{ ku_cert_sign, ku_cert_sign, "lint.key_usage" },
	{ ku_decipher_only, ku_decipher_only, "lint.key_usage" },
	{ ku_none, ku_none, "lint.key_usage" },
	{ no_change, eku_other, "lint.ext_key_usage" },
	{ no_change, eku_more, "lint.ext_key_usage" },
	{ eku_more, no_change, "lint.ext_key_usage" },
	{ no_change, eku_critical, "lint.critical" },
	{ no_change, drop_ski, "lint.extension" },
	{ drop_ski, no_change, "lint.extension" },
	{ drop_ski, drop_ski, NULL },
	{ no_change, drop_aki, "lint.extension" },
	{ drop_aki, no_change, "lint.extension" },
	{ no_change, san_more, "lint.san" },
	{ san_more, no_change, "lint.san" },
	{ no_change, san_critical, "lint.critical" },
	{ no_change, san_kind, "lint.san" },
	{ no_change, san_hw_type, "lint.san" },
	{ no_change, drop_cdp, "lint.extension" },
	{ no_change, cdp_more, "lint.cdp" },
	{ cdp_more, no_change, "lint.cdp" },
	{ no_change, drop_ocsp, "lint.aia" },
	{ drop_ocsp, no_change, "lint.aia" },
	{ no_rev_avail, no_rev_avail, NULL },
	{ no_rev_avail, no_places, "lint.extension" },
	{ no_places, no_rev_avail, "lint.extension" },
	{ no_rev_avail_beside_cdp, no_rev_avail_beside_cdp,
	  "lint.no_rev_avail" },
	{ no_change, policy_other, "lint.policies" },
	{ no_change, custom_critical, "lint.critical" },
	{ no_change, custom_text, "lint.custom" },
	{ no_change, drop_custom, "lint.extension" },
	{ drop_custom, no_change, "lint.extension" },
	{ custom_doubled, custom_doubled, "lint.extension" },
	{ custom_no_rules, custom_no_rules, NULL },
	{ custom_standard, custom_standard, "lint.custom" },
	{ no_change, subject_order, "lint.subject" },
	{ no_change, subject_less, "lint.subject" },
	{ no_change, subject_more, "lint.subject" },
	{ no_change, subject_type, "lint.subject" },
	{ no_change, subject_value, "lint.subject" },
	{ empty_subject, empty_subject, "lint.subject" },
	{ empty_subject_critical, empty_subject_critical, NULL },
	{ no_change, one_day_more, "lint.validity" },
	{ no_change, never_ends, "lint.validity" },
};

START_TEST(profile_pairs)
{
	struct x509_profile built, held;
	struct x509_issuer issuer;
	struct buf tbs;
	struct err err;
	enum pv_code rc;

	err_init(&err);
	plain_issuer(&issuer);
	xf_literal_profile(&built);
	xf_literal_profile(&held);
	pairs[_i].built(&built);
	pairs[_i].held(&held);
	build(&built, &issuer, &tbs);
	rc = lint(&held, &issuer, buf_span(&tbs), &err);
	if (pairs[_i].rule)
		unit_refused(rc, PV_DENIED, pairs[_i].rule, &err);
	else
		unit_ok(rc, &err);
	xf_profile_release(&built);
	xf_profile_release(&held);
	x509_issuer_release(&issuer);
	buf_release(&tbs);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tbs_lint");
	TCase *tc = tcase_create("tbs_lint");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, every_bit_matters);
	tcase_add_test(tc, a_serial_of_others);
	tcase_add_test(tc, every_length_matters);
	tcase_add_loop_test(tc, profile_pairs, 0, COUNT(pairs));
	suite_add_tcase(s, tc);
	return unit_run(s);
}
