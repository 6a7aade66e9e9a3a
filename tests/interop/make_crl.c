/*
 * make_crl: a revocation list and OCSP answers for tools that are not ours:
 *
 *     make_crl DIR N
 *
 * writes DIR/ca.der, DIR/list.der with N entries, DIR/whole.der with the same
 * and without a distribution point, DIR/list.tsv (serial in upper
 * case hex, date in seconds since the epoch, reason), DIR/number, and, signed
 * by the responder of DIR/responder.der, DIR/good.der and DIR/revoked.der about
 * DIR/leaf.der. For tests only.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/pvtime.h"
#include "lib/x509/ocsp_read.h"
#include "tests/unit/crl_fix.h"
#include "tests/unit/unit.h"

#define NUMBER 77u
#define WEEK_S 604800

static const char *dir;
static size_t count;

static FILE *create(const char *name)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "wb");
	ck_assert_ptr_nonnull(f);
	return f;
}

static void put(const char *name, struct span bytes)
{
	FILE *f = create(name);

	ck_assert_uint_eq(fwrite(bytes.p, 1, bytes.len, f), bytes.len);
	ck_assert_int_eq(fclose(f), 0);
}

/* uris 0: one that speaks for all of the CA. */
static void put_list(const struct crl_fix *fix, const char *name, size_t uris)
{
	struct x509_crl_head head = crl_fix_head(fix, NUMBER);
	struct x509_crl_entry *entries = crl_fix_entries(count);
	FILE *tsv = create("list.tsv");
	struct buf der;

	head.this_s = pvtime_now_s();
	head.next_s = head.this_s + WEEK_S;
	head.uris_n = uris;
	crl_fix_make(fix, &head, entries, count, &der);
	put(name, buf_span(&der));
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < entries[i].serial_len; j++)
			fprintf(tsv, "%02X", entries[i].serial[j]);
		fprintf(tsv, "\t%lld\t%u\n", (long long)entries[i].revoked_s,
			entries[i].reason);
	}
	ck_assert_int_eq(fclose(tsv), 0);
	buf_release(&der);
	free(entries);
}

static void put_answer(const struct crl_fix *fix, EVP_PKEY *key,
		       struct span spki, struct span cert, bool revoked)
{
	struct x509_ocsp_status s = { .serial = { xf_serial + 3, 13 },
				      .revoked = revoked,
				      .reason = X509_REASON_KEY_COMPROMISE,
				      .revoked_s = FX_NOW };
	struct x509_ocsp_head head;
	struct buf tbs, out;
	uint8_t sig[64];

	while (s.serial.p[0] == 0) {
		s.serial.p++;
		s.serial.len--;
	}
	buf_init(&tbs, X509_OCSP_MAX);
	buf_init(&out, X509_OCSP_MAX);
	UNIT_OK(x509_ocsp_head(&fix->issuer, spki, pvtime_now_s(),
			       pvtime_now_s() + WEEK_S, &head, &err_));
	if (!revoked)
		s.reason = 0;
	UNIT_OK(x509_ocsp_build(&head, &s, &tbs, &err_));
	UNIT_OK(x509_ocsp_lint(&head, &s, buf_span(&tbs), &err_));
	xf_sign(key, buf_span(&tbs), sig);
	UNIT_OK(x509_ocsp_assemble(buf_span(&tbs), sig, cert, &out, &err_));
	put(revoked ? "revoked.der" : "good.der", buf_span(&out));
	buf_release(&tbs);
	buf_release(&out);
}

static void put_ocsp(const struct crl_fix *fix)
{
	EVP_PKEY *key = xf_key("P-256");
	struct x509_profile p;
	struct buf spki, cert, leaf;

	xf_spki(key, &spki);
	xf_leaf_profile(&p);
	xf_cert(&p, &fix->issuer, fix->key, buf_span(&spki), &leaf);
	put("leaf.der", buf_span(&leaf));
	xf_oid(&p.eku[0], "1.3.6.1.5.5.7.3.9");
	xf_cert(&p, &fix->issuer, fix->key, buf_span(&spki), &cert);
	put("responder.der", buf_span(&cert));
	put_answer(fix, key, buf_span(&spki), buf_span(&cert), false);
	put_answer(fix, key, buf_span(&spki), buf_span(&cert), true);
	buf_release(&spki);
	buf_release(&cert);
	buf_release(&leaf);
	xf_profile_release(&p);
	EVP_PKEY_free(key);
}

START_TEST(all)
{
	struct crl_fix fix;
	FILE *f = create("number");

	crl_fix_init(&fix);
	put("ca.der", buf_span(&fix.issuer.der));
	put_list(&fix, "list.der", 2);
	put_list(&fix, "whole.der", 0);
	put_ocsp(&fix);
	fprintf(f, "%u\n", NUMBER);
	ck_assert_int_eq(fclose(f), 0);
	crl_fix_release(&fix);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *s = suite_create("make_crl");
	TCase *tc = tcase_create("make_crl");

	if (argc != 3) {
		fprintf(stderr, "usage: make_crl DIR N\n");
		return 2;
	}
	dir = argv[1];
	count = strtoul(argv[2], NULL, 10);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, all);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
