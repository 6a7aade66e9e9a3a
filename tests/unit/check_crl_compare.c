/* What the lint finds in a list, and which one may follow on which. */
#include "tests/unit/unit.h"

#include <string.h>

#include "tests/unit/crl_fix.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static struct crl_fix fix;

static void set_up(void)
{
	crl_fix_init(&fix);
}

static void tear_down(void)
{
	crl_fix_release(&fix);
}

/* ---- what the lint finds ---- */

static void other_number(struct x509_crl_head *h, struct x509_crl_entry *e)
{
	(void)e;
	h->number++;
}

static void other_this(struct x509_crl_head *h, struct x509_crl_entry *e)
{
	(void)e;
	h->this_s++;
}

static void other_next(struct x509_crl_head *h, struct x509_crl_entry *e)
{
	(void)e;
	h->next_s--;
}

static void fewer_uris(struct x509_crl_head *h, struct x509_crl_entry *e)
{
	(void)e;
	h->uris_n--;
}

static void other_date(struct x509_crl_head *h, struct x509_crl_entry *e)
{
	(void)h;
	e[1].revoked_s--;
}

static void other_reason(struct x509_crl_head *h, struct x509_crl_entry *e)
{
	(void)h;
	e[1].reason = X509_REASON_SUPERSEDED;
}

static void other_serial(struct x509_crl_head *h, struct x509_crl_entry *e)
{
	(void)h;
	e[1].serial[15] ^= 1;
}

static void other_invalidity(struct x509_crl_head *h, struct x509_crl_entry *e)
{
	(void)h;
	e[1].invalidity_s = 5;
}

static void (*const misled[])(struct x509_crl_head *h,
			      struct x509_crl_entry *e) = {
	other_number, other_this,   other_next,	  fewer_uris,
	other_date,   other_reason, other_serial, other_invalidity,
};

START_TEST(lint_finds)
{
	struct x509_crl_head head = crl_fix_head(&fix, 1);
	struct x509_crl_entry entries[3] = { crl_fix_entry(0), crl_fix_entry(1),
					     crl_fix_entry(2) };
	struct buf tbs;
	struct err err;

	err_init(&err);
	buf_init(&tbs, 4096);
	UNIT_OK(x509_crl_build(&head, entries, 2, &tbs, &err_));
	UNIT_OK(x509_crl_lint(&head, entries, 2, buf_span(&tbs), &err_));
	unit_refused(x509_crl_lint(&head, entries, 1, buf_span(&tbs), &err),
		     PV_DENIED, "crl.lint", &err);
	err_init(&err);
	unit_refused(x509_crl_lint(&head, entries, 3, buf_span(&tbs), &err),
		     PV_DENIED, "crl.lint", &err);
	misled[_i](&head, entries);
	err_init(&err);
	unit_refused(x509_crl_lint(&head, entries, 2, buf_span(&tbs), &err),
		     PV_DENIED, "crl.lint", &err);
	buf_release(&tbs);
}
END_TEST

/* Every octet of a small list changed: never another list that lints. */
START_TEST(lint_bytes)
{
	struct x509_crl_head head = crl_fix_head(&fix, 1);
	struct x509_crl_entry entries[2] = { crl_fix_entry(0),
					     crl_fix_entry(3) };
	struct x509_crl crl;
	struct buf tbs;

	buf_init(&tbs, 4096);
	UNIT_OK(x509_crl_build(&head, entries, 2, &tbs, &err_));
	for (size_t i = 0; i < tbs.len; i++)
		for (int bit = 0; bit < 8; bit++) {
			tbs.data[i] ^= (uint8_t)(1u << bit);
			ck_assert_int_eq(x509_crl_lint(&head, entries, 2,
						       buf_span(&tbs), NULL),
					 PV_DENIED);
			tbs.data[i] ^= (uint8_t)(1u << bit);
		}
	for (size_t len = 0; len < tbs.len; len++)
		ck_assert_int_eq(
			x509_crl_tbs_decode((struct span){ tbs.data, len },
					    &crl, NULL, NULL),
			PV_INPUT);
	buf_release(&tbs);
}
END_TEST

/* ---- what may follow on what ---- */

static bool may(void *ctx, const struct x509_crl_entry *e)
{
	return memcmp(e->serial, ((struct x509_crl_entry *)ctx)->serial, 16) ==
	       0;
}

struct pair {
	struct x509_crl_head head;
	struct x509_crl_entry entries[5];
	size_t n;
};

static void same_again(struct pair *next)
{
	next->head.number--;
}

static void lower(struct pair *next)
{
	next->head.number -= 2;
}

static void earlier(struct pair *next)
{
	next->head.this_s--;
}

static void loses_uri(struct pair *next)
{
	next->head.uris = &crl_fix_uris[1];
	next->head.uris_n = 1;
}

static void loses_entry(struct pair *next)
{
	memmove(next->entries + 1, next->entries + 2,
		3 * sizeof(next->entries[0]));
	next->n--;
}

static void loses_last(struct pair *next)
{
	next->n = 1;
}

static void moves_date(struct pair *next)
{
	next->entries[2].revoked_s++;
}

static void moves_reason(struct pair *next)
{
	next->entries[2].reason = X509_REASON_SUPERSEDED;
}

static const struct {
	void (*change)(struct pair *next);
	const char *rule;
} followers[] = {
	{ same_again, "crl.backwards" }, { lower, "crl.backwards" },
	{ earlier, "crl.backwards" },	 { loses_uri, "crl.scope" },
	{ loses_entry, "crl.vanished" }, { loses_last, "crl.vanished" },
	{ moves_date, "crl.changed" },	 { moves_reason, "crl.changed" },
};

static void pair_init(struct pair *p, uint64_t number)
{
	p->head = crl_fix_head(&fix, number);
	p->n = 4;
	for (uint32_t i = 0; i < 5; i++)
		p->entries[i] = crl_fix_entry(i);
}

START_TEST(may_not_follow)
{
	struct x509_crl last, next;
	struct pair a, b;
	struct buf der[2];
	struct err err;

	err_init(&err);
	pair_init(&a, 5);
	pair_init(&b, 6);
	followers[_i].change(&b);
	crl_fix_make(&fix, &a.head, a.entries, a.n, &der[0]);
	crl_fix_make(&fix, &b.head, b.entries, b.n, &der[1]);
	UNIT_OK(x509_crl_decode(buf_span(&der[0]), &last, NULL, &err_));
	UNIT_OK(x509_crl_decode(buf_span(&der[1]), &next, NULL, &err_));
	unit_refused(x509_crl_compare(&last, &next, NULL, &err), PV_INTEGRITY,
		     followers[_i].rule, &err);
	buf_release(&der[0]);
	buf_release(&der[1]);
}
END_TEST

START_TEST(may_follow)
{
	struct x509_crl_gone gone = { .may = may };
	struct x509_crl last, next;
	struct pair a, b;
	struct buf der[2];

	pair_init(&a, 5);
	pair_init(&b, 9);
	b.n = 5;
	loses_entry(&b);
	a.entries[3].reason = X509_REASON_HOLD; /* it is for good by now */
	gone.ctx = &a.entries[1];
	b.head.uris_n = _i ? 0 : 2; /* a complete list takes it over */
	crl_fix_make(&fix, &a.head, a.entries, a.n, &der[0]);
	crl_fix_make(&fix, &b.head, b.entries, b.n, &der[1]);
	UNIT_OK(x509_crl_decode(buf_span(&der[0]), &last, NULL, &err_));
	UNIT_OK(x509_crl_decode(buf_span(&der[1]), &next, NULL, &err_));
	UNIT_OK(x509_crl_compare(&last, &next, &gone, &err_));
	gone.ctx = &a.entries[2];
	ck_assert_int_eq(x509_crl_compare(&last, &next, &gone, NULL),
			 PV_INTEGRITY);
	buf_release(&der[0]);
	buf_release(&der[1]);
}
END_TEST

START_TEST(foreign)
{
	struct x509_crl_head head = crl_fix_head(&fix, 1);
	struct x509_crl last, next;
	struct buf der[2];
	struct err err;

	err_init(&err);
	crl_fix_make(&fix, &head, NULL, 0, &der[0]);
	crl_fix_rekey(&fix);
	head.number = 2;
	crl_fix_make(&fix, &head, NULL, 0, &der[1]);
	UNIT_OK(x509_crl_decode(buf_span(&der[0]), &last, NULL, &err_));
	UNIT_OK(x509_crl_decode(buf_span(&der[1]), &next, NULL, &err_));
	unit_refused(x509_crl_compare(&last, &next, NULL, &err), PV_INTEGRITY,
		     "crl.foreign", &err);
	buf_release(&der[0]);
	buf_release(&der[1]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("crl_compare");
	TCase *tc = tcase_create("crl_compare");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, lint_finds, 0, COUNT(misled));
	tcase_add_test(tc, lint_bytes);
	tcase_add_loop_test(tc, may_not_follow, 0, COUNT(followers));
	tcase_add_loop_test(tc, may_follow, 0, 2);
	tcase_add_test(tc, foreign);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
