/* CRLs and batches of OCSP answers; generations of a CA. */
#include "lib/store/store_crl.h"
#include "tests/unit/store_rig.h"

static void put_ca(uint32_t generation)
{
	struct store_ca ca = { .name = "issuing-1",
			       .label = "k",
			       .shards = 4,
			       .generation = generation,
			       .active_ms = generation,
			       .spki_sha256 = { (uint8_t)generation },
			       .cert = { (const uint8_t *)"DER", 3 } };

	unit_ok(store_ca_put(s, &ca, &err), &err);
}

static void start(void)
{
	STORE_TXN t = STORE_TXN_INIT;

	setup();
	begin(&t);
	put_ca(1);
	commit(&t);
}

static struct store_crl got;
static uint8_t got_der[8];

static enum pv_code take_crl(void *ctx, const struct store_crl *c,
			     struct err *e)
{
	(void)e;
	++*(int *)ctx;
	got = *c;
	if (c->der.len > 0)
		memcpy(got_der, c->der.p, c->der.len);
	return PV_OK;
}

static bool get_crl(const struct store_crl *key, enum store_crl_which which)
{
	int n = 0;
	const struct store_visit v = { &n, { .crl = take_crl } };
	bool found;

	unit_ok(store_crl_get(s, key, which, &v, &found, &err), &err);
	ck_assert(found == (n == 1));
	return found;
}

static int all_crls(enum store_crl_which which)
{
	int n = 0;
	const struct store_visit v = { &n, { .crl = take_crl } };

	unit_ok(store_crl_each(s, which, &v, &err), &err);
	return n;
}

static void one_crl(struct store_crl *c)
{
	unit_ok(store_crl_reserve(s, c, fix_entry("crl.intent"), &err), &err);
	ck_assert(get_crl(c, STORE_CRL_PENDING));
	ck_assert(got.tbs.len == 3 && got.der.len == 0);
	ck_assert(got.issue_index == STORE_NO_INDEX && got.entries == 9);
	ck_refused(store_crl_reserve(s, c, fix_entry("crl.intent"), &err),
		   PV_CONFLICT, "store.crl");
	unit_ok(store_crl_complete(s, c, fix_entry("crl.issue"), &err), &err);
	ck_refused(store_crl_complete(s, c, fix_entry("crl.issue"), &err),
		   PV_CONFLICT, "store.completed");
	ck_assert(!get_crl(c, STORE_CRL_PENDING));
	ck_assert(get_crl(c, STORE_CRL_NEWEST));
	ck_assert(got.number == c->number && got.tbs.len == 0);
	ck_assert(got.der.len == 4 && memcmp(got_der, "DER!", 4) == 0);
	ck_assert(got.issue_index == got.intent_index + 1);
}

START_TEST(test_crl)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_crl c = { .ca = "issuing-1",
			       .generation = 1,
			       .shard = 1,
			       .number = 1,
			       .this_s = 100,
			       .next_s = 200,
			       .entries = 9,
			       .tbs = { (const uint8_t *)"TBS", 3 },
			       .der = { (const uint8_t *)"DER!", 4 } };

	begin(&t);
	ck_assert(!get_crl(&c, STORE_CRL_NEWEST));
	c.number = 2;
	ck_refused(store_crl_reserve(s, &c, fix_entry("crl.intent"), &err),
		   PV_CONFLICT, "store.crl");
	c.number = 1;
	c.shard = 4;
	ck_refused(store_crl_reserve(s, &c, fix_entry("crl.intent"), &err),
		   PV_INPUT, "store.crl");
	c.shard = 1;
	c.next_s = 100;
	ck_refused(store_crl_reserve(s, &c, fix_entry("crl.intent"), &err),
		   PV_INPUT, "store.crl");
	c.next_s = 200;
	one_crl(&c);
	c.number = 2;
	one_crl(&c);
	c.number = 2;
	ck_refused(store_crl_reserve(s, &c, fix_entry("crl.intent"), &err),
		   PV_CONFLICT, "store.crl");
	/* Batches of answers count for themselves, and are no shards. */
	c.kind = STORE_OCSP;
	c.number = 1;
	c.shard = 70;
	one_crl(&c);
	c.number = 2;
	unit_ok(store_crl_reserve(s, &c, fix_entry("ocsp.intent"), &err), &err);
	/* A list that is given up keeps its number, and the one before it. */
	c.kind = STORE_CRL;
	c.shard = 1;
	c.number = 3;
	unit_ok(store_crl_reserve(s, &c, fix_entry("crl.intent"), &err), &err);
	unit_ok(store_crl_void(s, &c, fix_entry("crl.void"), &err), &err);
	ck_refused(store_crl_void(s, &c, fix_entry("crl.void"), &err),
		   PV_CONFLICT, "store.completed");
	ck_refused(store_crl_complete(s, &c, fix_entry("crl.issue"), &err),
		   PV_CONFLICT, "store.completed");
	ck_assert(!get_crl(&c, STORE_CRL_PENDING));
	ck_assert(get_crl(&c, STORE_CRL_NEWEST) && got.number == 2);
	ck_assert(get_crl(&c, STORE_CRL_LAST) && got.number == 3);
	ck_assert(got.tbs.len == 0 && got.der.len == 0);
	ck_assert(got.issue_index == got.intent_index + 1);
	c.number = 4;
	one_crl(&c);
	commit(&t);
	reopen();
	ck_assert_int_eq(all_crls(STORE_CRL_ALL), 6);
	ck_assert_int_eq(all_crls(STORE_CRL_NEWEST), 2);
	ck_assert_int_eq(all_crls(STORE_CRL_PENDING), 1);
	ck_assert(got.kind == STORE_OCSP && got.shard == 70 && got.number == 2);
	unit_ok(store_check(s, &err), &err);
}
END_TEST

/* ---- generations of a CA ---- */

static enum pv_code take_cross(void *ctx, const struct store_crosscert *x,
			       struct err *e)
{
	(void)e;
	*(struct store_crosscert *)ctx = *x;
	return PV_OK;
}

START_TEST(test_generations)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_ca third = { .name = "issuing-1",
				  .label = "k",
				  .shards = 4,
				  .generation = 4,
				  .cert = { (const uint8_t *)"DER", 3 } };
	struct store_crosscert x = { .ca = "issuing-1",
				     .signer = 1,
				     .subject = 2,
				     .issue_index = 5,
				     .cert = { (const uint8_t *)"X", 1 } };
	struct store_crosscert y = { .signer = 0 };
	const struct store_visit v = { &y, { .crosscert = take_cross } };

	begin(&t);
	ck_refused(store_crosscert_put(s, &x, &err), PV_NOT_FOUND, "store.ca");
	put_ca(2);
	ck_refused(store_ca_put(s, &third, &err), PV_CONFLICT, "store.ca");
	third.generation = 0;
	ck_refused(store_ca_put(s, &third, &err), PV_INPUT, "store.ca");
	unit_ok(store_crosscert_put(s, &x, &err), &err);
	unit_ok(store_crosscert_put(s, &x, &err), &err);
	x.issue_index = 6;
	ck_refused(store_crosscert_put(s, &x, &err), PV_CONFLICT,
		   "store.crosscert");
	x.signer = 2;
	ck_refused(store_crosscert_put(s, &x, &err), PV_INPUT,
		   "store.crosscert");
	commit(&t);
	unit_ok(store_crosscert_each(s, "root", &v, &err), &err);
	ck_assert(y.signer == 0);
	unit_ok(store_crosscert_each(s, NULL, &v, &err), &err);
	ck_assert(y.signer == 1 && y.subject == 2 && y.issue_index == 5);
	unit_ok(store_check(s, &err), &err);
}
END_TEST

static Suite *suite(void)
{
	Suite *su = suite_create("store_crl");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, start, teardown);
	tcase_add_test(t, test_crl);
	tcase_add_test(t, test_generations);
	suite_add_tcase(su, t);
	return su;
}

int main(void)
{
	return unit_run(suite());
}
