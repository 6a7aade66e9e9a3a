#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/pvtime.h"
#include "lib/x509/cert.h"
#include "lib/x509/tbs_lint.h"
#include "tests/unit/x509_dump.h"
#include "tests/unit/x509_fixture.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))
#define DEVICE 0
#define CA 1

static void matter_ids(struct x509_profile *p, const char *pid)
{
	fx_rdn(p, "VID", "1.3.6.1.4.1.37244.2.1", DER_UTF8, "FFF1");
	if (pid)
		fx_rdn(p, "PID", "1.3.6.1.4.1.37244.2.2", DER_UTF8, pid);
}

static void matter_paa(struct x509_profile *p)
{
	fx_ca_profile(p, "Test PAA", 1);
	matter_ids(p, NULL);
}

static void matter_pai(struct x509_profile *p)
{
	fx_ca_profile(p, "Test PAI", 0);
	p->valid_days = 3650;
	matter_ids(p, NULL);
}

static void matter_dac(struct x509_profile *p)
{
	fx_leaf_profile(p);
	p->eku_n = 0;
	matter_ids(p, "8000");
}

static void matter_dac_cn(struct x509_profile *p)
{
	fx_leaf_profile(p);
	p->eku_n = 0;
	text_release(&p->subject[1].value);
	fx_text(&p->subject[1].value, "${device.id} Mvid:FFF1 Mpid:8000");
}

static void plain_root(struct x509_profile *p)
{
	fx_ca_profile(p, "Root", -1);
}

static void endless_root(struct x509_profile *p)
{
	fx_ca_profile(p, "Endless", -1);
	p->no_expiry = true;
	p->valid_days = 0;
}

/* RFC 4108 HardwareModuleName, TPM's type; no SKI. */
static void idevid(struct x509_profile *p)
{
	fx_leaf_profile(p);
	p->eku_n = 0;
	p->ski = false;
	p->no_expiry = true;
	p->valid_days = 0;
	fx_rdn(p, "serialNumber", "2.5.4.5", DER_PRINTABLE, "${device.id}");
	p->san[p->san_n].kind = SAN_HW_MODULE;
	fx_oid(&p->san[p->san_n].hw_type, "2.23.133.1.2");
	fx_text(&p->san[p->san_n++].value, "${device.id}");
}

/* Key agreement, id-kp-wisun-fan-device, HardwareModuleName. */
static void wisun(struct x509_profile *p)
{
	idevid(p);
	p->subject_n = 0;
	for (int i = 0; i < 3; i++)
		text_release(&p->subject[i].value);
	p->san_critical = true;
	p->ku_bits = KU_DIGITAL_SIGNATURE | KU_KEY_AGREEMENT;
	fx_oid(&p->eku[p->eku_n++], "1.3.6.1.5.5.7.3.2");
	fx_oid(&p->eku[p->eku_n++], "1.3.6.1.4.1.45605.1");
}

/* Just-in-time provisioning reads these. */
static void aws_iot(struct x509_profile *p)
{
	fx_leaf_profile(p);
	fx_rdn(p, "C", "2.5.4.6", DER_PRINTABLE, "DE");
	fx_rdn(p, "OU", "2.5.4.11", DER_UTF8, "${device.lot}");
	fx_rdn(p, "dnQualifier", "2.5.4.46", DER_PRINTABLE, "${order.id}");
	fx_rdn(p, "ST", "2.5.4.8", DER_UTF8, "Bayern");
	fx_rdn(p, "serialNumber", "2.5.4.5", DER_PRINTABLE, "${device.id}");
}

static void azure_dps(struct x509_profile *p)
{
	fx_leaf_profile(p);
	text_release(&p->subject[0].value);
	p->subject[0] = p->subject[1];
	p->subject_n = 1;
}

static void add_san(struct x509_profile *p, enum profile_san_kind kind,
		    const char *value)
{
	p->san[p->san_n].kind = kind;
	fx_text(&p->san[p->san_n++].value, value);
}

/* Every field that a profile has. */
static void everything(struct x509_profile *p)
{
	static uint8_t octets[] = { 1, 2, 3 }, der[] = { 0x02, 0x01, 0x2a };

	fx_leaf_profile(p);
	fx_rdn(p, "DC", "0.9.2342.19200300.100.1.25", DER_IA5, "example");
	fx_rdn(p, "emailAddress", "1.2.840.113549.1.9.1", DER_IA5, "a@b.c");
	p->ku_bits |= KU_NON_REPUDIATION | KU_KEY_AGREEMENT | KU_DECIPHER_ONLY;
	p->eku_critical = true;
	add_san(p, SAN_DNS, "gw.example");
	add_san(p, SAN_URI, "urn:dev:${device.id}");
	add_san(p, SAN_EMAIL, "dev@example.com");
	add_san(p, SAN_IP, "192.0.2.1");
	add_san(p, SAN_IP, "2001:db8::1");
	fx_text(&p->cdp[p->cdp_n++], "http://crl.example/a/${shard}.crl");
	fx_text(&p->cdp[p->cdp_n++], "http://crl.example/b.crl");
	fx_text(&p->ocsp, "http://ocsp.example/${authority.name}");
	fx_text(&p->ca_issuers, "http://ca.example/i.cer");
	fx_oid(&p->policies[p->policies_n++], "1.3.6.1.4.1.99999.10");
	fx_oid(&p->policies[p->policies_n++], "2.23.140.1.2.1");
	p->custom_n = 3;
	fx_oid(&p->custom[0].oid, "1.3.6.1.4.1.99999.2");
	fx_text(&p->custom[0].text, "${device.lot}");
	fx_oid(&p->custom[1].oid, "1.3.6.1.4.1.99999.3");
	p->custom[1].critical = true;
	p->custom[1].kind = CUSTOM_OCTETS;
	p->custom[1].bytes = octets;
	p->custom[1].bytes_len = sizeof(octets);
	fx_oid(&p->custom[2].oid, "1.3.6.1.4.1.99999.4");
	p->custom[2].kind = CUSTOM_DER;
	p->custom[2].bytes = der;
	p->custom[2].bytes_len = sizeof(der);
}

/* No SKI, AKI or anything else: no [3] at all. */
static void bare(struct x509_profile *p)
{
	fx_leaf_profile(p);
	p->bc_present = p->ku_present = p->ski = p->aki = false;
	p->eku_n = 0;
}

static const struct {
	const char *name; /* of the file with the decoded fields */
	void (*fill)(struct x509_profile *p);
	void (*issuer)(struct x509_profile *p); /* NULL: self-issued */
} table[] = {
	{ "root", plain_root, NULL },
	{ "root-no-expiry", endless_root, NULL },
	{ "matter-paa", matter_paa, NULL },
	{ "matter-pai", matter_pai, matter_paa },
	{ "matter-dac", matter_dac, matter_pai },
	{ "matter-dac-cn", matter_dac_cn, matter_pai },
	{ "ieee-802.1ar-idevid", idevid, endless_root },
	{ "wi-sun", wisun, endless_root },
	{ "aws-iot", aws_iot, plain_root },
	{ "azure-dps", azure_dps, plain_root },
	{ "tls-client", fx_leaf_profile, plain_root },
	{ "everything", everything, plain_root },
	{ "bare", bare, plain_root },
};

static struct span device_key(unsigned n)
{
	static uint8_t spki[2][91];

	fx_fixed_spki(n, spki[n]);
	return (struct span){ spki[n], sizeof(spki[n]) };
}

/* Built, linted, and put into a certificate with a made-up signature. */
static void make(const struct x509_profile *p, const struct x509_issuer *issuer,
		 struct span spki, int64_t now, struct buf *cert)
{
	static const uint8_t sig[64] = { [31] = 1, [63] = 2 };
	struct buf tbs;
	struct err err;

	err_init(&err);
	buf_init(&tbs, X509_TBS_MAX);
	buf_init(cert, X509_CERT_MAX);
	unit_ok(x509_tbs_build(p, issuer, &fx_vars, fx_serial, spki, now, &tbs,
			       &err),
		&err);
	unit_ok(x509_tbs_lint(p, issuer, buf_span(&tbs), spki, fx_serial, now,
			      &err),
		&err);
	unit_ok(x509_cert_assemble(buf_span(&tbs), sig, cert, &err), &err);
	buf_release(&tbs);
}

static void make_issuer(void (*fill)(struct x509_profile *p),
			struct x509_issuer *out)
{
	struct x509_profile p;
	struct buf cert;
	struct err err;

	err_init(&err);
	fill(&p);
	make(&p, NULL, device_key(CA), FX_NOW, &cert);
	unit_ok(x509_issuer_load(buf_span(&cert), out, &err), &err);
	fx_profile_release(&p);
	buf_release(&cert);
}

START_TEST(decoded_fields)
{
	bool root = !table[_i].issuer;
	struct x509_issuer issuer = { .path_len = 0 };
	struct x509_profile p;
	struct buf cert, got, want;
	char path[64];

	if (!root)
		make_issuer(table[_i].issuer, &issuer);
	table[_i].fill(&p);
	make(&p, root ? NULL : &issuer, device_key(root ? CA : DEVICE), FX_NOW,
	     &cert);
	buf_init(&got, 65536);
	x509_dump(buf_span(&cert), &got);
	snprintf(path, sizeof(path), "profiles/%s.txt", table[_i].name);
	if (getenv("PROFILES_WRITE")) {
		FILE *f = fopen(unit_path(path), "w");

		ck_assert(f != NULL);
		fwrite(got.data, got.len, 1, f);
		fclose(f);
	}
	unit_read(path, &want);
	ck_assert_msg(span_equal(buf_span(&got), buf_span(&want)),
		      "%s is not what was built:\n%s", path, buf_cstr(&got));
	fx_profile_release(&p);
	x509_issuer_release(&issuer);
	buf_release(&cert);
	buf_release(&got);
	buf_release(&want);
}
END_TEST

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
	struct text_vars vars = fx_vars;
	struct x509_issuer issuer;
	struct x509_profile p;
	struct buf tbs;
	struct err err;
	enum pv_code rc;

	err_init(&err);
	make_issuer(plain_root, &issuer);
	fx_leaf_profile(&p);
	vars.device_id = ids[_i].id;
	buf_init(&tbs, X509_TBS_MAX);
	buf_put_str(&tbs, "before");
	rc = x509_tbs_build(&p, &issuer, &vars, fx_serial, device_key(DEVICE),
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
	fx_profile_release(&p);
	x509_issuer_release(&issuer);
	buf_release(&tbs);
}
END_TEST

static void cdp_space(struct x509_profile *p)
{
	fx_text(&p->cdp[p->cdp_n++], "http://a b/");
}

static void ocsp_relative(struct x509_profile *p)
{
	fx_text(&p->ocsp, "ocsp.example");
}

static void san_dns(struct x509_profile *p)
{
	add_san(p, SAN_DNS, "not_a_host");
}

static void san_ip(struct x509_profile *p)
{
	add_san(p, SAN_IP, "1.2.3");
}

static void san_email(struct x509_profile *p)
{
	add_san(p, SAN_EMAIL, "nobody");
}

static void san_uri(struct x509_profile *p)
{
	add_san(p, SAN_URI, "nothing");
}

static void san_hw(struct x509_profile *p)
{
	add_san(p, SAN_HW_MODULE, "");
	fx_oid(&p->san[0].hw_type, "2.23.133.1.2");
}

static void country(struct x509_profile *p)
{
	fx_rdn(p, "C", "2.5.4.6", DER_PRINTABLE, "Germany");
}

static void printable(struct x509_profile *p)
{
	fx_rdn(p, "serialNumber", "2.5.4.5", DER_PRINTABLE, "a*b");
}

static void no_value(struct x509_profile *p)
{
	fx_rdn(p, "OU", "2.5.4.11", DER_UTF8, "${device.spare}");
}

static void custom_bidi(struct x509_profile *p)
{
	p->custom_n = 1;
	fx_oid(&p->custom[0].oid, "1.3.6.1.4.1.99999.2");
	fx_text(&p->custom[0].text, "\xe2\x80\xae");
}

static void ca_below_path(struct x509_profile *p)
{
	p->bc_ca = true;
	p->ku_bits = KU_KEY_CERT_SIGN;
}

static void too_many_days(struct x509_profile *p)
{
	p->valid_days = 4000000000u;
}

static void longer_than_issuer(struct x509_profile *p)
{
	p->valid_days = 7301;
}

static void endless(struct x509_profile *p)
{
	p->no_expiry = true;
}

static void no_days(struct x509_profile *p)
{
	p->valid_days = 0;
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
	fx_ca_profile(p, "Root", 0);
}

START_TEST(refused_profiles)
{
	struct x509_issuer issuer;
	struct x509_profile p;
	struct buf tbs;
	struct err err;

	err_init(&err);
	make_issuer(path_zero_root, &issuer);
	fx_leaf_profile(&p);
	refusals[_i].change(&p);
	buf_init(&tbs, X509_TBS_MAX);
	unit_refused(x509_tbs_build(&p, &issuer, &fx_vars, fx_serial,
				    device_key(DEVICE), FX_NOW, &tbs, &err),
		     refusals[_i].code, refusals[_i].rule, &err);
	ck_assert_uint_eq(tbs.len, 0);
	fx_profile_release(&p);
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
	fx_leaf_profile(&p);
	rc = x509_validity(&p, &issuer, clocks[_i].now, &from, &to, &err);
	if (clocks[_i].rule) {
		ck_assert_str_eq(err.rule, clocks[_i].rule);
		ck_assert_int_ne(rc, PV_OK);
	} else {
		unit_ok(rc, &err);
		ck_assert_int_eq(from, clocks[_i].from);
		ck_assert_int_eq(to, clocks[_i].to);
	}
	fx_profile_release(&p);
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
	fx_leaf_profile(&p);
	make(&p, &issuer, device_key(DEVICE), now, &cert);
	general = memmem(cert.data, cert.len,
			 "\x18\x0f"
			 "20500101000000Z",
			 17) != NULL;
	ck_assert(general == (_i == 1));
	ck_assert((memmem(cert.data, cert.len,
			  "\x17\x0d"
			  "491231235959Z",
			  15) != NULL) == (_i == 0));
	fx_profile_release(&p);
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
	rc = x509_tbs_build(&p, NULL, &fx_vars, serial, device_key(CA), FX_NOW,
			    &tbs, &err);
	if (!serials[_i].hex) {
		unit_refused(rc, PV_INTERNAL, "tbs.serial", &err);
	} else {
		unit_ok(rc, &err);
		len = strlen(serials[_i].hex) / 2;
		ck_assert(hex_decode(serials[_i].hex, want, len));
		ck_assert_mem_eq(tbs.data + 9, want, len);
		unit_ok(x509_tbs_lint(&p, NULL, buf_span(&tbs), device_key(CA),
				      serial, FX_NOW, &err),
			&err);
	}
	memset(serial, 0, sizeof(serial));
	err_init(&err);
	unit_refused(x509_tbs_build(&p, NULL, &fx_vars, serial, device_key(CA),
				    FX_NOW, &tbs, &err),
		     PV_INTERNAL, "tbs.serial", &err);
	fx_profile_release(&p);
	buf_release(&tbs);
}
END_TEST

/* Every cap below what is needed fails cleanly. */
START_TEST(size_limit)
{
	struct x509_profile p;
	struct buf tbs;
	struct err err;
	size_t need;

	err_init(&err);
	everything(&p);
	p.bc_ca = false;
	buf_init(&tbs, X509_TBS_MAX);
	unit_ok(x509_tbs_build(&p, NULL, &fx_vars, fx_serial, device_key(CA),
			       FX_NOW, &tbs, &err),
		&err);
	need = tbs.len;
	buf_release(&tbs);
	for (size_t max = 0; max < need; max++) {
		err_init(&err);
		buf_init(&tbs, max);
		unit_refused(x509_tbs_build(&p, NULL, &fx_vars, fx_serial,
					    device_key(CA), FX_NOW, &tbs, &err),
			     PV_INPUT, "size.limit", &err);
		buf_release(&tbs);
	}
	fx_profile_release(&p);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tbs");
	TCase *tc = tcase_create("tbs");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, decoded_fields, 0, COUNT(table));
	tcase_add_loop_test(tc, values_literal_or_refused, 0, COUNT(ids));
	tcase_add_loop_test(tc, refused_profiles, 0, COUNT(refusals));
	tcase_add_loop_test(tc, validity, 0, COUNT(clocks));
	tcase_add_loop_test(tc, time_forms, 0, 2);
	tcase_add_loop_test(tc, serial_forms, 0, COUNT(serials));
	tcase_add_test(tc, size_limit);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
