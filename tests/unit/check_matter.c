#include "tests/unit/unit.h"

#include "lib/x509/tbs_lint.h"
#include "tests/unit/x509_fixture.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

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

#define VID "1.3.6.1.4.1.37244.2.1"
#define PID "1.3.6.1.4.1.37244.2.2"

/* A CA of such ids and a leaf (or CA) of such; "-" leaves one out. */
static const struct {
	const char *ca_vid, *ca_pid, *vid, *pid, *cn;
	bool ca;
	bool ok;
} matter[] = {
	{ "FFF1", "-", "FFF1", "8000", "DAC", false, true },
	{ "FFF1", "8000", "FFF1", "8000", "DAC", false, true },
	{ "FFF1", "8001", "FFF1", "8000", "DAC", false, false },
	{ "FFF2", "-", "FFF1", "8000", "DAC", false, false },
	{ "-", "-", "FFF1", "8000", "DAC", false, false },
	{ "FFF1", "-", "FFF1", "-", "DAC", false, false },
	{ "FFF1", "-", "-", "8000", "DAC", false, false },
	{ "FFF1", "-", "FFF1", "8000", "DAC Mvid:FFF1", false, false },
	{ "FFF1", "-", "FFF1", "8000", "DAC Mpid:8000", false, false },
	{ "FFF1", "-", "-", "-", "DAC Mvid:FFF1 Mpid:8000", false, true },
	{ "FFF1", "-", "-", "-", "DAC Mpid:8000Mvid:FFF1", false, true },
	{ "FFF1", "-", "-", "-", "DAC Mvid:FFF1", false, false },
	{ "FFF1", "-", "-", "-", "DAC Mvid:FFF2 Mpid:8000", false, false },
	{ "FFF1", "-", "-", "-", "DAC Mvid:fff1 Mpid:8000", false, false },
	{ "FFF1", "-", "-", "-", "DAC Mvid:FFF1 Mpid:800", false, false },
	{ "FFF1", "-", "-", "-", "Mvid:FFF1 Mvid:FFF1 Mpid:8000", false,
	  false },
	{ "FFF1", "-", "-", "-", "no ids at all", false, true },
	{ "FFF1", "-", "FFF1", "-", "PAI", true, true },
	{ "FFF1", "-", "FFF1", "8000", "PAI", true, true },
	{ "-", "-", "FFF1", "-", "PAI", true, true },
	{ "FFF1", "-", "FFF2", "-", "PAI", true, false },
	{ "FFF1", "-", "-", "8000", "PAI", true, false },
};

static void put_ids(struct x509_profile *p, const char *vid, const char *pid)
{
	if (*vid != '-')
		xf_rdn(p, "VID", VID, DER_UTF8, vid);
	if (*pid != '-')
		xf_rdn(p, "PID", PID, DER_UTF8, pid);
}

START_TEST(matter_subjects)
{
	struct x509_profile root, p;
	struct x509_issuer issuer;
	struct buf tbs;
	struct err err;
	enum pv_code rc;

	err_init(&err);
	xf_ca_profile(&root, "CA", -1);
	put_ids(&root, matter[_i].ca_vid, matter[_i].ca_pid);
	xf_fixed_issuer(&root, &issuer);
	ck_assert_str_eq(issuer.vid,
			 matter[_i].ca_vid[0] == '-' ? "" : matter[_i].ca_vid);
	ck_assert_str_eq(issuer.pid,
			 matter[_i].ca_pid[0] == '-' ? "" : matter[_i].ca_pid);
	xf_ca_profile(&p, matter[_i].cn, 0);
	if (!matter[_i].ca) {
		p.bc_ca = false;
		p.bc_path_len = -1;
		p.ku_bits = KU_DIGITAL_SIGNATURE;
	}
	put_ids(&p, matter[_i].vid, matter[_i].pid);
	build(&p, &issuer, &tbs);
	rc = lint(&p, &issuer, buf_span(&tbs), &err);
	if (matter[_i].ok)
		unit_ok(rc, &err);
	else
		unit_refused(rc, PV_DENIED, "lint.matter", &err);
	xf_profile_release(&p);
	x509_issuer_release(&issuer);
	buf_release(&tbs);
}
END_TEST

/* A root is no vendor's product. */
START_TEST(matter_root)
{
	struct x509_profile p;
	struct buf tbs;
	struct err err;

	err_init(&err);
	xf_ca_profile(&p, "PAA", 1);
	put_ids(&p, "FFF1", _i ? "8000" : "-");
	buf_init(&tbs, X509_TBS_MAX);
	unit_ok(x509_tbs_build(&p, NULL, &xf_vars, xf_serial, xf_fixed_key(0),
			       FX_NOW, &tbs, &err),
		&err);
	ck_assert_int_eq(lint(&p, NULL, buf_span(&tbs), &err),
			 _i ? PV_DENIED : PV_OK);
	xf_profile_release(&p);
	buf_release(&tbs);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("matter");
	TCase *tc = tcase_create("matter");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, matter_subjects, 0, COUNT(matter));
	tcase_add_loop_test(tc, matter_root, 0, 2);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
