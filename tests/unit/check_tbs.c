#include "tests/unit/unit.h"

#include <string.h>

#include "lib/base/pvtime.h"
#include "lib/x509/cert.h"
#include "lib/x509/tbs_lint.h"
#include "tests/unit/x509_fixture.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))
#define DEVICE 0
#define CA 1

static void plain_root(struct x509_profile *p)
{
	xf_ca_profile(p, "Root", -1);
}

static void endless_root(struct x509_profile *p)
{
	xf_ca_profile(p, "Endless", -1);
	p->no_expiry = true;
	p->valid_s = 0;
}

/* Built, linted, and put into a certificate with a made-up signature. */
static void make(const struct x509_profile *p, const struct x509_issuer *issuer,
		 struct span spki, int64_t now, struct buf *cert)
{
	struct x509_cert parts;
	struct err err;

	err_init(&err);
	xf_unsigned_cert(p, issuer, spki, now, cert);
	unit_ok(x509_cert_decode(buf_span(cert), &parts, &err), &err);
	unit_ok(x509_tbs_lint(p, issuer, parts.tbs, spki, xf_serial, now, &err),
		&err);
}

static void make_issuer(void (*fill)(struct x509_profile *p),
			struct x509_issuer *out)
{
	struct x509_profile p;

	fill(&p);
	xf_fixed_issuer(&p, out);
}

/* Template values that may not stand in a certificate: nothing is appended. */
static const struct {
	const char *id;
	const char *rule; /* NULL: taken literally */
} ids[] = {
	{ "ACME-1", NULL },
	{ "a,CN=b+O=\"c\"<;>\\#", NULL },
	{ "${order.id}", NULL },
	{ "{\"json\":1}", NULL },
	{ "", "subject.value" },
	{ "a\nb", "subject.value" },
	{ "a\x7f", "subject.value" },
	{ "\xe2\x80\xae"
	  "evil",
	  "subject.value" },
	{ "\xff", "subject.value" },
	{ "0123456789012345678901234567890123456789012345678901234567890123",
	  NULL },
	{ "01234567890123456789012345678901234567890123456789012345678901234",
	  "subject.value" },
};

START_TEST(values_literal_or_refused)
{
	struct text_vars vars = xf_vars;
	struct x509_issuer issuer;
	struct x509_profile p;
	struct buf tbs;
	struct err err;
	enum pv_code rc;

	err_init(&err);
	make_issuer(plain_root, &issuer);
	xf_leaf_profile(&p);
	vars.device_id = ids[_i].id;
	buf_init(&tbs, X509_TBS_MAX);
	buf_put_str(&tbs, "before");
	rc = x509_tbs_build(&p, &issuer, &vars, xf_serial, xf_fixed_key(DEVICE),
			    FX_NOW, &tbs, &err);
	if (ids[_i].rule) {
		unit_refused(rc, PV_INPUT, ids[_i].rule, &err);
		ck_assert_uint_eq(tbs.len, 6);
	} else {
		unit_ok(rc, &err);
		ck_assert(memmem(tbs.data, tbs.len, ids[_i].id,
				 strlen(ids[_i].id)));
	}
	ck_assert_mem_eq(tbs.data, "before", 6);
	xf_profile_release(&p);
	x509_issuer_release(&issuer);
	buf_release(&tbs);
}
END_TEST

static void cdp_space(struct x509_profile *p)
{
	xf_text(&p->cdp[p->cdp_n++], "http://a b/");
}

static void ocsp_relative(struct x509_profile *p)
{
	xf_text(&p->ocsp, "ocsp.example");
}

static void san_dns(struct x509_profile *p)
{
	xf_san(p, SAN_DNS, "not_a_host");
}

static void san_ip(struct x509_profile *p)
{
	xf_san(p, SAN_IP, "1.2.3");
}

static void san_email(struct x509_profile *p)
{
	xf_san(p, SAN_EMAIL, "nobody");
}

static void san_uri(struct x509_profile *p)
{
	xf_san(p, SAN_URI, "nothing");
}

static void san_hw(struct x509_profile *p)
{
	xf_san(p, SAN_HW_MODULE, "");
	xf_oid(&p->san[0].hw_type, "2.23.133.1.2");
}

static void country(struct x509_profile *p)
{
	xf_rdn(p, "C", "2.5.4.6", DER_PRINTABLE, "Germany");
}

static void printable(struct x509_profile *p)
{
	xf_rdn(p, "serialNumber", "2.5.4.5", DER_PRINTABLE, "a*b");
}

static void no_value(struct x509_profile *p)
{
	xf_rdn(p, "OU", "2.5.4.11", DER_UTF8, "${device.spare}");
}

static void custom_bidi(struct x509_profile *p)
{
	p->custom_n = 1;
	xf_oid(&p->custom[0].oid, "1.3.6.1.4.1.99999.2");
	xf_text(&p->custom[0].text, "\xe2\x80\xae");
}

static void ca_below_path(struct x509_profile *p)
{
	p->bc_ca = true;
	p->ku_bits = KU_KEY_CERT_SIGN;
}

static void too_many_days(struct x509_profile *p)
{
	p->valid_s = UINT64_C(4000000000) * 86400;
}

static void longer_than_issuer(struct x509_profile *p)
{
	p->valid_s = UINT64_C(7301) * 86400;
}

static void endless(struct x509_profile *p)
{
	p->no_expiry = true;
}

static void no_days(struct x509_profile *p)
{
	p->valid_s = 0;
}

static const struct {
	void (*change)(struct x509_profile *p);
	enum pv_code code;
	const char *rule;
} refusals[] = {
	{ cdp_space, PV_INPUT, "uri.value" },
	{ ocsp_relative, PV_INPUT, "uri.value" },
	{ san_dns, PV_INPUT, "san.value" },
	{ san_ip, PV_INPUT, "san.value" },
	{ san_email, PV_INPUT, "san.value" },
	{ san_uri, PV_INPUT, "san.value" },
	{ san_hw, PV_INPUT, "san.value" },
	{ country, PV_INPUT, "subject.value" },
	{ printable, PV_INPUT, "subject.value" },
	{ no_value, PV_INPUT, "template.value" },
	{ custom_bidi, PV_INPUT, "custom.value" },
	{ ca_below_path, PV_DENIED, "issuer.path_len" },
	{ too_many_days, PV_INPUT, "validity.range" },
	{ longer_than_issuer, PV_DENIED, "validity.issuer" },
	{ endless, PV_DENIED, "validity.issuer" },
	{ no_days, PV_INTERNAL, "tbs.profile" },
};

static void path_zero_root(struct x509_profile *p)
{
	xf_ca_profile(p, "Root", 0);
}

START_TEST(refused_profiles)
{
	struct x509_issuer issuer;
	struct x509_profile p;
	struct buf tbs;
	struct err err;

	err_init(&err);
	make_issuer(path_zero_root, &issuer);
	xf_leaf_profile(&p);
	refusals[_i].change(&p);
	buf_init(&tbs, X509_TBS_MAX);
	unit_refused(x509_tbs_build(&p, &issuer, &xf_vars, xf_serial,
				    xf_fixed_key(DEVICE), FX_NOW, &tbs, &err),
		     refusals[_i].code, refusals[_i].rule, &err);
	ck_assert_uint_eq(tbs.len, 0);
	xf_profile_release(&p);
	x509_issuer_release(&issuer);
	buf_release(&tbs);
}
END_TEST

/* now, relative to the issuer's validity of 7300 days */
#define YEAR_S (INT64_C(365) * 86400)
static const struct {
	int64_t now;
	const char *rule;
	int64_t from, to;
} clocks[] = {
	{ FX_NOW, NULL, FX_NOW, FX_NOW + YEAR_S - 1 },
	{ FX_NOW + 60, NULL, FX_NOW, FX_NOW + 60 + YEAR_S - 1 },
	{ FX_NOW + 300, NULL, FX_NOW, FX_NOW + 300 + YEAR_S - 1 },
	{ FX_NOW + 301, NULL, FX_NOW + 1, FX_NOW + 301 + YEAR_S - 1 },
	{ FX_NOW - 1, "validity.issuer", 0, 0 },
	{ FX_NOW + 19 * YEAR_S, NULL, FX_NOW + 19 * YEAR_S - 300,
	  FX_NOW + 20 * YEAR_S - 1 },
	{ FX_NOW + 19 * YEAR_S + 1, "validity.issuer", 0, 0 },
	{ FX_NOW + 20 * YEAR_S, "validity.issuer", 0, 0 },
	{ -1, "validity.clock", 0, 0 },
	{ 299, "validity.clock", 0, 0 },
	{ PVTIME_MAX + 1, "validity.clock", 0, 0 },
};

START_TEST(validity)
{
	struct x509_issuer issuer;
	struct x509_profile p;
	int64_t from, to;
	struct err err;
	enum pv_code rc;

	err_init(&err);
	make_issuer(plain_root, &issuer);
	xf_leaf_profile(&p);
	rc = x509_validity(&p, &issuer, clocks[_i].now, &from, &to, &err);
	if (clocks[_i].rule) {
		ck_assert_str_eq(err.rule, clocks[_i].rule);
		ck_assert_int_ne(rc, PV_OK);
	} else {
		unit_ok(rc, &err);
		ck_assert_int_eq(from, clocks[_i].from);
		ck_assert_int_eq(to, clocks[_i].to);
	}
	xf_profile_release(&p);
	x509_issuer_release(&issuer);
}
END_TEST

/* 2049-12-31T23:59:59Z is the last UTCTime. */
START_TEST(time_forms)
{
	int64_t change = PVTIME_GENERALIZED_FROM;
	int64_t now = change - YEAR_S + _i;
	struct x509_issuer issuer;
	struct x509_profile p;
	struct buf cert;
	bool general;

	make_issuer(endless_root, &issuer);
	xf_leaf_profile(&p);
	make(&p, &issuer, xf_fixed_key(DEVICE), now, &cert);
	general = memmem(cert.data, cert.len,
			 "\x18\x0f"
			 "20500101000000Z",
			 17) != NULL;
	ck_assert(general == (_i == 1));
	ck_assert((memmem(cert.data, cert.len,
			  "\x17\x0d"
			  "491231235959Z",
			  15) != NULL) == (_i == 0));
	xf_profile_release(&p);
	x509_issuer_release(&issuer);
	buf_release(&cert);
}
END_TEST

static const struct {
	uint8_t first[3];
	const char *hex; /* how the INTEGER begins; NULL: refused */
} serials[] = {
	{ { 0x7f, 0xff, 0xff }, "02107fffff" },
	{ { 0x00, 0x80, 0x00 }, "0210008000" },
	{ { 0x00, 0x7f, 0x00 }, "020f7f00" },
	{ { 0x00, 0x00, 0x00 }, "020107" },
	{ { 0x80, 0x00, 0x00 }, NULL },
};

START_TEST(serial_forms)
{
	uint8_t serial[X509_SERIAL_LEN] = { 0 }, want[8];
	struct x509_profile p;
	struct buf tbs;
	struct err err;
	enum pv_code rc;
	size_t len;

	err_init(&err);
	memcpy(serial, serials[_i].first, 3);
	serial[15] = 7;
	plain_root(&p);
	buf_init(&tbs, X509_TBS_MAX);
	rc = x509_tbs_build(&p, NULL, &xf_vars, serial, xf_fixed_key(CA),
			    FX_NOW, &tbs, &err);
	if (!serials[_i].hex) {
		unit_refused(rc, PV_INTERNAL, "tbs.serial", &err);
	} else {
		unit_ok(rc, &err);
		len = strlen(serials[_i].hex) / 2;
		ck_assert(hex_decode(serials[_i].hex, want, len));
		ck_assert_mem_eq(tbs.data + 9, want, len);
		unit_ok(x509_tbs_lint(&p, NULL, buf_span(&tbs),
				      xf_fixed_key(CA), serial, FX_NOW, &err),
			&err);
	}
	memset(serial, 0, sizeof(serial));
	err_init(&err);
	unit_refused(x509_tbs_build(&p, NULL, &xf_vars, serial,
				    xf_fixed_key(CA), FX_NOW, &tbs, &err),
		     PV_INTERNAL, "tbs.serial", &err);
	xf_profile_release(&p);
	buf_release(&tbs);
}
END_TEST

/* Every cap below what is needed fails cleanly. */
/* One CA under two keys: what is built and what the lint takes of it. */
static const struct {
	const char *cn;
	bool cross;
	unsigned key;	  /* 1 is the issuer's own */
	int64_t past_s;	  /* behind the issuer's end */
	const char *rule; /* of building; NULL: built */
	const char *lint; /* NULL: nothing found */
} crosses[] = {
	{ "Two", true, 0, 0, NULL, NULL },
	{ "Two", true, 0, -86400, NULL, NULL },
	{ "Two", false, 0, 0, "issuer.path_len", NULL },
	{ "Other", true, 0, 0, NULL, "lint.issuer" },
	{ "Two", true, 1, 0, NULL, "lint.spki" },
	{ "Two", true, 0, 1, "validity.issuer", NULL },
};

START_TEST(cross)
{
	struct x509_profile own, p;
	struct x509_issuer issuer;
	struct span key = xf_fixed_key(crosses[_i].key);
	struct x509_cert parts;
	struct buf tbs;
	struct err err;
	enum pv_code rc;

	err_init(&err);
	buf_init(&tbs, X509_TBS_MAX);
	xf_ca_profile(&own, "Two", 0);
	xf_fixed_issuer(&own, &issuer);
	xf_ca_profile(&p, crosses[_i].cn, 0);
	p.cross = crosses[_i].cross;
	p.until_s = issuer.not_after_s + crosses[_i].past_s;
	rc = x509_tbs_build(&p, &issuer, &xf_vars, xf_serial, key, FX_NOW, &tbs,
			    &err);
	if (crosses[_i].rule) {
		unit_refused(rc, PV_DENIED, crosses[_i].rule, &err);
	} else {
		unit_ok(rc, &err);
		unit_ok(x509_tbs_decode(buf_span(&tbs), &parts, &err), &err);
		ck_assert_int_eq(parts.not_after_s, p.until_s);
		rc = x509_tbs_lint(&p, &issuer, buf_span(&tbs), key, xf_serial,
				   FX_NOW, &err);
		if (!crosses[_i].lint)
			unit_ok(rc, &err);
		else
			unit_refused(rc, PV_DENIED, crosses[_i].lint, &err);
		err_init(&err);
		p.until_s--;
		rc = x509_tbs_lint(&p, &issuer, buf_span(&tbs), key, xf_serial,
				   FX_NOW, &err);
		unit_refused(rc, PV_DENIED, "lint.validity", &err);
	}
	buf_release(&tbs);
	xf_profile_release(&p);
	x509_issuer_release(&issuer);
}
END_TEST

START_TEST(size_limit)
{
	struct x509_profile p;
	struct buf tbs;
	struct err err;
	size_t need;

	err_init(&err);
	xf_literal_profile(&p);
	buf_init(&tbs, X509_TBS_MAX);
	unit_ok(x509_tbs_build(&p, NULL, &xf_vars, xf_serial, xf_fixed_key(CA),
			       FX_NOW, &tbs, &err),
		&err);
	need = tbs.len;
	buf_release(&tbs);
	for (size_t max = 0; max < need; max++) {
		err_init(&err);
		buf_init(&tbs, max);
		unit_refused(x509_tbs_build(&p, NULL, &xf_vars, xf_serial,
					    xf_fixed_key(CA), FX_NOW, &tbs,
					    &err),
			     PV_INPUT, "size.limit", &err);
		buf_release(&tbs);
	}
	xf_profile_release(&p);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tbs");
	TCase *tc = tcase_create("tbs");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, values_literal_or_refused, 0, COUNT(ids));
	tcase_add_loop_test(tc, refused_profiles, 0, COUNT(refusals));
	tcase_add_loop_test(tc, validity, 0, COUNT(clocks));
	tcase_add_loop_test(tc, time_forms, 0, 2);
	tcase_add_loop_test(tc, serial_forms, 0, COUNT(serials));
	tcase_add_loop_test(tc, cross, 0, COUNT(crosses));
	tcase_add_test(tc, size_limit);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
