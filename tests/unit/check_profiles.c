#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/x509/cert.h"
#include "lib/x509/tbs_lint.h"
#include "tests/unit/x509_dump.h"
#include "tests/unit/x509_fixture.h"

#define DEVICE 0
#define CA 1
#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static void matter_ids(struct x509_profile *p, const char *pid)
{
	xf_rdn(p, "VID", "1.3.6.1.4.1.37244.2.1", DER_UTF8, "FFF1");
	if (pid)
		xf_rdn(p, "PID", "1.3.6.1.4.1.37244.2.2", DER_UTF8, pid);
}

static void matter_paa(struct x509_profile *p)
{
	xf_ca_profile(p, "Test PAA", 1);
	matter_ids(p, NULL);
}

static void matter_pai(struct x509_profile *p)
{
	xf_ca_profile(p, "Test PAI", 0);
	p->valid_s = UINT64_C(3650) * 86400;
	matter_ids(p, NULL);
}

static void matter_dac(struct x509_profile *p)
{
	xf_leaf_profile(p);
	p->eku_n = 0;
	matter_ids(p, "8000");
}

static void matter_dac_cn(struct x509_profile *p)
{
	xf_leaf_profile(p);
	p->eku_n = 0;
	text_release(&p->subject[1].value);
	xf_text(&p->subject[1].value, "${device.id} Mvid:FFF1 Mpid:8000");
}

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

/* RFC 4108 HardwareModuleName, TPM's type; no SKI. */
static void idevid(struct x509_profile *p)
{
	xf_leaf_profile(p);
	p->eku_n = 0;
	p->ski = false;
	p->no_expiry = true;
	p->valid_s = 0;
	xf_rdn(p, "serialNumber", "2.5.4.5", DER_PRINTABLE, "${device.id}");
	p->san[p->san_n].kind = SAN_HW_MODULE;
	xf_oid(&p->san[p->san_n].hw_type, "2.23.133.1.2");
	xf_text(&p->san[p->san_n++].value, "${device.id}");
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
	xf_oid(&p->eku[p->eku_n++], "1.3.6.1.5.5.7.3.2");
	xf_oid(&p->eku[p->eku_n++], "1.3.6.1.4.1.45605.1");
}

/* Just-in-time provisioning reads these. */
static void aws_iot(struct x509_profile *p)
{
	xf_leaf_profile(p);
	xf_rdn(p, "C", "2.5.4.6", DER_PRINTABLE, "DE");
	xf_rdn(p, "OU", "2.5.4.11", DER_UTF8, "${device.lot}");
	xf_rdn(p, "dnQualifier", "2.5.4.46", DER_PRINTABLE, "${order.id}");
	xf_rdn(p, "ST", "2.5.4.8", DER_UTF8, "Bayern");
	xf_rdn(p, "serialNumber", "2.5.4.5", DER_PRINTABLE, "${device.id}");
}

static void azure_dps(struct x509_profile *p)
{
	xf_leaf_profile(p);
	text_release(&p->subject[0].value);
	p->subject[0] = p->subject[1];
	p->subject_n = 1;
}

/* Every field that a profile has. */
static void everything(struct x509_profile *p)
{
	static uint8_t octets[] = { 1, 2, 3 }, der[] = { 0x02, 0x01, 0x2a };

	xf_leaf_profile(p);
	xf_rdn(p, "DC", "0.9.2342.19200300.100.1.25", DER_IA5, "example");
	xf_rdn(p, "emailAddress", "1.2.840.113549.1.9.1", DER_IA5, "a@b.c");
	p->ku_bits |= KU_NON_REPUDIATION | KU_KEY_AGREEMENT | KU_DECIPHER_ONLY;
	p->eku_critical = true;
	xf_san(p, SAN_DNS, "gw.example");
	xf_san(p, SAN_URI, "urn:dev:${device.id}");
	xf_san(p, SAN_EMAIL, "dev@example.com");
	xf_san(p, SAN_IP, "192.0.2.1");
	xf_san(p, SAN_IP, "2001:db8::1");
	xf_text(&p->cdp[p->cdp_n++], "http://crl.example/a/${shard}.crl");
	xf_text(&p->cdp[p->cdp_n++], "http://crl.example/b.crl");
	xf_text(&p->ocsp, "http://ocsp.example/${authority.name}");
	xf_text(&p->ca_issuers, "http://ca.example/i.cer");
	xf_oid(&p->policies[p->policies_n++], "1.3.6.1.4.1.99999.10");
	xf_oid(&p->policies[p->policies_n++], "2.23.140.1.2.1");
	p->custom_n = 3;
	xf_oid(&p->custom[0].oid, "1.3.6.1.4.1.99999.2");
	xf_text(&p->custom[0].text, "${device.lot}");
	xf_oid(&p->custom[1].oid, "1.3.6.1.4.1.99999.3");
	p->custom[1].critical = true;
	p->custom[1].kind = CUSTOM_OCTETS;
	p->custom[1].bytes = octets;
	p->custom[1].bytes_len = sizeof(octets);
	xf_oid(&p->custom[2].oid, "1.3.6.1.4.1.99999.4");
	p->custom[2].kind = CUSTOM_DER;
	p->custom[2].bytes = der;
	p->custom[2].bytes_len = sizeof(der);
}

/* No SKI, AKI or anything else: no [3] at all. */
static void bare(struct x509_profile *p)
{
	xf_leaf_profile(p);
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
	{ "tls-client", xf_leaf_profile, plain_root },
	{ "everything", everything, plain_root },
	{ "bare", bare, plain_root },
};

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
	make(&p, root ? NULL : &issuer, xf_fixed_key(root ? CA : DEVICE),
	     FX_NOW, &cert);
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
	xf_profile_release(&p);
	x509_issuer_release(&issuer);
	buf_release(&cert);
	buf_release(&got);
	buf_release(&want);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("profiles");
	TCase *tc = tcase_create("profiles");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, decoded_fields, 0, COUNT(table));
	suite_add_tcase(s, tc);
	return unit_run(s);
}
