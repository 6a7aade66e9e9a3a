#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "tests/unit/crl_fix.h"

/* Last: its KU_ macros have the names of our enum. */
#include <openssl/asn1.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))
#define MANY 100000

static struct crl_fix fix;

static void set_up(void)
{
	crl_fix_init(&fix);
}

static void tear_down(void)
{
	crl_fix_release(&fix);
}

/* ---- what OpenSSL reads ---- */

static int64_t seconds(const ASN1_TIME *t)
{
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int days, rest;

	ck_assert_int_eq(ASN1_TIME_diff(&days, &rest, epoch, t), 1);
	ASN1_TIME_free(epoch);
	return (int64_t)days * 86400 + rest;
}

static void same_revoked(X509_REVOKED *r, const struct x509_crl_entry *e)
{
	const ASN1_INTEGER *serial = X509_REVOKED_get0_serialNumber(r);
	ASN1_ENUMERATED *reason =
		X509_REVOKED_get_ext_d2i(r, NID_crl_reason, NULL, NULL);
	ASN1_GENERALIZEDTIME *invalid =
		X509_REVOKED_get_ext_d2i(r, NID_invalidity_date, NULL, NULL);

	ck_assert_int_eq(ASN1_STRING_length(serial), e->serial_len);
	ck_assert_mem_eq(ASN1_STRING_get0_data(serial), e->serial,
			 e->serial_len);
	ck_assert_int_eq(seconds(X509_REVOKED_get0_revocationDate(r)),
			 e->revoked_s);
	ck_assert_int_eq(reason ? ASN1_ENUMERATED_get(reason) : 0, e->reason);
	ck_assert_int_eq(invalid ? seconds(invalid) : -1, e->invalidity_s);
	ASN1_ENUMERATED_free(reason);
	ASN1_GENERALIZEDTIME_free(invalid);
}

static void same_list(X509_CRL *crl, const struct x509_crl_head *head,
		      const struct x509_crl_entry *entries, size_t n)
{
	STACK_OF(X509_REVOKED) *list = X509_CRL_get_REVOKED(crl);
	ASN1_INTEGER *number =
		X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
	ISSUING_DIST_POINT *idp = X509_CRL_get_ext_d2i(
		crl, NID_issuing_distribution_point, NULL, NULL);

	ck_assert_int_eq(X509_CRL_verify(crl, fix.key), 1);
	ck_assert_int_eq(X509_CRL_get_version(crl), 1);
	ck_assert_int_eq(ASN1_INTEGER_get(number), (long)head->number);
	ck_assert_int_eq(seconds(X509_CRL_get0_lastUpdate(crl)), head->this_s);
	ck_assert_int_eq(seconds(X509_CRL_get0_nextUpdate(crl)), head->next_s);
	ck_assert_int_eq(list ? sk_X509_REVOKED_num(list) : 0, (int)n);
	for (size_t i = 0; i < n; i++)
		same_revoked(sk_X509_REVOKED_value(list, (int)i), &entries[i]);
	ck_assert_int_eq(idp != NULL, head->uris_n > 0);
	if (idp) {
		ck_assert_int_eq(
			sk_GENERAL_NAME_num(idp->distpoint->name.fullname),
			(int)head->uris_n);
		ck_assert(idp->onlyuser == 0 && idp->onlyCA == 0);
	}
	ASN1_INTEGER_free(number);
	ISSUING_DIST_POINT_free(idp);
}

static const struct {
	size_t n, uris_n;
} lists[] = { { 0, 0 }, { 0, 2 }, { 1, 1 }, { 300, 0 }, { 1000, 2 } };

START_TEST(openssl_agrees)
{
	struct x509_crl_head head = crl_fix_head(&fix, 7 + (uint64_t)_i);
	size_t n = lists[_i].n;
	struct x509_crl_entry *entries = crl_fix_entries(n);
	const unsigned char *p;
	struct buf der;
	X509_CRL *crl;

	head.uris_n = lists[_i].uris_n;
	crl_fix_make(&fix, &head, entries, n, &der);
	p = der.data;
	crl = d2i_X509_CRL(NULL, &p, (long)der.len);
	ck_assert_ptr_nonnull(crl);
	ck_assert_ptr_eq(p, der.data + der.len);
	same_list(crl, &head, entries, n);
	X509_CRL_free(crl);
	buf_release(&der);
	free(entries);
}
END_TEST

START_TEST(reads_its_own)
{
	CLEANUP(x509_verifier_cleanup) struct x509_verifier *v = NULL;
	struct x509_crl_head head = crl_fix_head(&fix, UINT64_MAX);
	struct x509_crl_entry *entries = crl_fix_entries(1000), e;
	struct x509_crl crl;
	struct span uri;
	struct buf der;
	struct err err;
	size_t n;

	err_init(&err);
	crl_fix_make(&fix, &head, entries, 1000, &der);
	UNIT_OK(x509_crl_decode(buf_span(&der), &crl, &n, &err_));
	ck_assert_uint_eq(n, 1000);
	ck_assert_uint_eq(crl.number, UINT64_MAX);
	ck_assert(x509_crl_uri_next(&crl.uris, &uri) &&
		  span_is(uri, crl_fix_uris[0]));
	for (size_t i = 0; i < 1000; i += 111) {
		struct span serial = { entries[i].serial, 16 };

		ck_assert(x509_crl_find(&crl, serial, &e));
		ck_assert_uint_eq(e.reason, entries[i].reason);
	}
	e = crl_fix_entry(500);
	e.serial[15] ^= 1;
	ck_assert(!x509_crl_find(&crl, (struct span){ e.serial, 16 }, &e));
	UNIT_OK(x509_verifier_new(fix.issuer.spki, &v, &err_));
	UNIT_OK(x509_crl_verify(v, &crl, PV_INTEGRITY, &err_));
	der.data[100] ^= 1;
	unit_refused(x509_crl_verify(v, &crl, PV_INTEGRITY, &err), PV_INTEGRITY,
		     "signature.wrong", &err);
	buf_release(&der);
	free(entries);
}
END_TEST

START_TEST(many_entries)
{
	struct x509_crl_head head = crl_fix_head(&fix, 2);
	struct x509_crl_entry *entries = crl_fix_entries(MANY);
	struct x509_crl last, next;
	struct buf a, b;

	crl_fix_make(&fix, &head, entries, MANY - 1, &a);
	head.number++;
	crl_fix_make(&fix, &head, entries, MANY, &b);
	UNIT_OK(x509_crl_decode(buf_span(&a), &last, NULL, &err_));
	UNIT_OK(x509_crl_decode(buf_span(&b), &next, NULL, &err_));
	UNIT_OK(x509_crl_compare(&last, &next, NULL, &err_));
	buf_release(&a);
	buf_release(&b);
	free(entries);
}
END_TEST

/* ---- what is not built ---- */

static void no_number(struct x509_crl_head *h, struct x509_crl_entry *e)
{
	(void)e;
	h->number = 0;
}

static void ends_first(struct x509_crl_head *h, struct x509_crl_entry *e)
{
	(void)e;
	h->next_s = h->this_s;
}

static void too_far(struct x509_crl_head *h, struct x509_crl_entry *e)
{
	(void)e;
	h->next_s = INT64_C(253402300800);
}

static void bad_uri(struct x509_crl_head *h, struct x509_crl_entry *e)
{
	static const char *const bad[] = { "no scheme" };

	(void)e;
	h->uris = bad;
	h->uris_n = 1;
}

static void twice(struct x509_crl_head *h, struct x509_crl_entry *e)
{
	(void)h;
	e[1] = e[0];
}

static void falls(struct x509_crl_head *h, struct x509_crl_entry *e)
{
	(void)h;
	e[0] = crl_fix_entry(9);
}

static void leading_zero(struct x509_crl_head *h, struct x509_crl_entry *e)
{
	(void)h;
	e[0].serial[0] = 0;
}

static void later(struct x509_crl_head *h, struct x509_crl_entry *e)
{
	e[1].revoked_s = h->this_s + 1;
}

static void removed(struct x509_crl_head *h, struct x509_crl_entry *e)
{
	(void)h;
	e[1].reason = X509_REASON_REMOVE;
}

static void reason_seven(struct x509_crl_head *h, struct x509_crl_entry *e)
{
	(void)h;
	e[1].reason = 7;
}

static const struct {
	void (*change)(struct x509_crl_head *h, struct x509_crl_entry *e);
	const char *rule;
} refused[] = {
	{ no_number, "crl.number" },   { ends_first, "crl.time" },
	{ too_far, "crl.time" },       { bad_uri, "crl.uri" },
	{ twice, "crl.order" },	       { falls, "crl.order" },
	{ leading_zero, "crl.order" }, { later, "crl.time" },
	{ removed, "crl.reason" },     { reason_seven, "crl.reason" },
};

START_TEST(not_built)
{
	struct x509_crl_head head = crl_fix_head(&fix, 1);
	struct x509_crl_entry entries[2] = { crl_fix_entry(0),
					     crl_fix_entry(1) };
	struct buf tbs;
	struct err err;

	err_init(&err);
	buf_init(&tbs, 4096);
	refused[_i].change(&head, entries);
	unit_refused(x509_crl_build(&head, entries, 2, &tbs, &err), PV_INPUT,
		     refused[_i].rule, &err);
	ck_assert_uint_eq(tbs.len, 0);
	buf_release(&tbs);
}
END_TEST

START_TEST(shard_of_a_serial)
{
	static const uint8_t serial[] = { 0x01, 0x00, 0x00, 0x00, 0x00,
					  0x00, 0x00, 0x00, 0x00, 0x07 };
	struct span s = { serial, sizeof(serial) };

	ck_assert_uint_eq(x509_crl_shard(s, 1), 0);
	ck_assert_uint_eq(x509_crl_shard(s, 16), 7);
	/* 2^72 + 7 modulo 2^32 - 1 and 1000: by bc(1). */
	ck_assert_uint_eq(x509_crl_shard(s, UINT32_MAX), 263);
	ck_assert_uint_eq(x509_crl_shard(s, 1000), 703);
}
END_TEST

START_TEST(needs_crl_sign)
{
	struct x509_crl_head head = crl_fix_head(&fix, 1);
	unsigned usage;
	struct buf tbs;
	struct err err;

	err_init(&err);
	buf_init(&tbs, 4096);
	usage = fix.issuer.ku_bits;
	fix.issuer.ku_bits = 0;
	unit_refused(x509_crl_build(&head, NULL, 0, &tbs, &err), PV_DENIED,
		     "crl.usage", &err);
	fix.issuer.ku_bits = usage;
	buf_release(&tbs);
	buf_init(&tbs, 40);
	err_init(&err);
	unit_refused(x509_crl_build(&head, NULL, 0, &tbs, &err), PV_INPUT,
		     "size.limit", &err);
	buf_release(&tbs);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("crl");
	TCase *tc = tcase_create("crl");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, openssl_agrees, 0, COUNT(lists));
	tcase_add_test(tc, reads_its_own);
	tcase_add_test(tc, many_entries);
	tcase_add_loop_test(tc, not_built, 0, COUNT(refused));
	tcase_add_test(tc, shard_of_a_serial);
	tcase_add_test(tc, needs_crl_sign);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
