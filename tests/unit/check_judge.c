/* Whether a decision was approved by the people of its time. */
#include "lib/flow/judge.h"

#include "lib/store/store_log.h"
#include "policy/approval.h"
#include "tests/unit/governance_fix.h"

#define HOUR 3600u

static void as_it_is(struct approval *a)
{
	(void)a;
}

static void of_another_log(struct approval *a)
{
	a->log[0] ^= 1;
}

static void of_another_root(struct approval *a)
{
	a->root[0] ^= 1;
}

static void of_another_operation(struct approval *a)
{
	a->operation = QUORUM_REVOKE;
}

static void of_another_subject(struct approval *a)
{
	a->subject[31] ^= 1;
}

static void of_another_requester(struct approval *a)
{
	snprintf(a->requester, sizeof(a->requester), "os:0");
}

static void of_another_nonce(struct approval *a)
{
	a->nonce[0] ^= 1;
}

static void expired(struct approval *a)
{
	a->expires_s -= 60;
}

static void just_good(struct approval *a)
{
	a->expires_s -= 59;
}

static void good_for_long(struct approval *a)
{
	a->expires_s += 8 * 24 * HOUR;
}

static const struct {
	void (*edit)(struct approval *a);
	const char *name;
	uint8_t seed; /* of the key that signs; 0: nobody */
	bool good;
} notes[] = {
	{ as_it_is, "bob", 2, true },
	{ just_good, "bob", 2, true },
	{ as_it_is, "bob", 0, false },
	{ as_it_is, "bob", 3, false },	 /* another key of that name */
	{ as_it_is, "alice", 1, false }, /* who asked for it */
	{ of_another_log, "bob", 2, false },
	{ of_another_root, "bob", 2, false },
	{ of_another_operation, "bob", 2, false },
	{ of_another_subject, "bob", 2, false },
	{ of_another_requester, "bob", 2, false },
	{ of_another_nonce, "bob", 2, false },
	{ expired, "bob", 2, false },
	{ good_for_long, "bob", 2, false },
};

static enum pv_code approve_edited(struct opened *o, size_t i)
{
	struct fixed_key k;
	const struct note_signer signer = { &k.key, fixed_key_sign, &k };
	enum pv_code rc;

	fixed_key_init(&k, notes[i].name, notes[i].seed);
	rc = people_approve_edited(o->store, notes[i].seed ? &signer : NULL,
				   notes[i].edit, &err);
	EVP_PKEY_free(k.pkey);
	return rc;
}

/* All that the open transaction sees. */
struct judging {
	struct opened *o;
	struct judge j;
};

static enum pv_code take(void *ctx, const struct store_governance *g,
			 struct err *e)
{
	struct judging *c = ctx;
	CLEANUP(buf_release) struct buf bytes;
	struct log_entry entry;

	buf_init(&bytes, LOG_ENTRY_MAX);
	unit_ok(store_log_read(c->o->store, g->index, &bytes, e), e);
	unit_ok(log_entry_decode(buf_span(&bytes), &entry, e), e);
	return judge_take(&c->j, &entry, g->index, e);
}

static enum pv_code judge(struct opened *o, uint64_t from)
{
	static struct judging c;
	const struct store_visit v = { .ctx = &c, .fn.governance = take };
	enum pv_code rc;

	memset(&c, 0, sizeof(c));
	c.o = o;
	c.j.store = o->store;
	c.j.origin = o->a->origin;
	c.j.from = from;
	rc = store_governance_each(o->store, 0, &v, &err);
	if (rc == PV_OK)
		rc = judge_end(&c.j, &err);
	judge_release(&c.j);
	return rc;
}

static void begin(struct opened *o, struct store_txn *t)
{
	err_init(&err);
	fix_open(o, false);
	unit_ok(store_begin(o->store, STORE_WRITE, t, &err), &err);
	put_roster(o);
}

START_TEST(test_notes)
{
	OPENED o;
	STORE_TXN t = STORE_TXN_INIT;
	uint64_t head;

	begin(&o, &t);
	unit_ok(people_clock(o.store, &err), &err);
	ck_refused(judge(&o, 0), "store.governance"); /* nothing follows */
	unit_ok(store_governance_head(o.store, &head, &err), &err);
	unit_ok(approve_edited(&o, (size_t)_i), &err);
	if (notes[_i].good)
		unit_ok(judge(&o, 0), &err);
	else
		ck_refused(judge(&o, 0), "store.governance");
	unit_ok(judge(&o, head + 2), &err); /* it was judged before */
}
END_TEST

/* Bob is an officer until a roster without him, which he approves himself. */
START_TEST(test_roster_of_its_time)
{
	OPENED o;
	STORE_TXN t = STORE_TXN_INIT;
	struct buf text;

	begin(&o, &t);
	put_roster(&o);
	unit_ok(people_clock(o.store, &err), &err);
	approve(&o);
	buf_init(&text, 4096);
	buf_put_str(&text, "{\"roster\":\"provctl/roster/v1\",\"version\":3,"
			   "\"quorum\":{\"roster\":1},\"officers\":[");
	put_officer(&text, "alice", 1);
	buf_put_u8(&text, ',');
	put_officer(&text, "carol", 4);
	buf_put_str(&text, "]}");
	unit_ok(people_roster(o.store, 3, buf_cstr(&text), &err), &err);
	approve(&o);
	unit_ok(judge(&o, 0), &err);
	unit_ok(people_clock(o.store, &err), &err);
	approve(&o);
	ck_refused(judge(&o, 0), "store.governance");
	buf_release(&text);
}
END_TEST

/* A step of the clock that starts elsewhere, or goes too far. */
START_TEST(test_clock)
{
	OPENED o;
	STORE_TXN t = STORE_TXN_INIT;

	begin(&o, &t);
	for (int i = 0; i < 3; i++) {
		struct people_entry p;
		struct span entry;
		uint64_t now_s;

		unit_ok(people_start(o.store, &p, &err), &err);
		now_s = p.who.time_ms / 1000;
		log_clock_accept(&p.e, &p.who, NULL, NULL);
		log_fact_uint(&p.e, LOG_NEWEST, now_s - (i == 1));
		log_fact_uint(&p.e, LOG_UNTIL, now_s - (i == 2));
		unit_ok(people_end(o.store, &p, &entry, &err), &err);
		unit_ok(store_governance_add(o.store, entry, NULL, &err), &err);
		approve(&o);
		if (i == 0)
			unit_ok(judge(&o, 0), &err);
		else
			ck_refused(judge(&o, 0), "store.governance");
		if (i == 1) { /* without it */
			store_rollback(&t);
			unit_ok(store_begin(o.store, STORE_WRITE, &t, &err),
				&err);
			put_roster(&o);
		}
	}
}
END_TEST

/* Put in by somebody else while a command runs: nothing is signed over it.
 * The last test, since it stays. */
START_TEST(test_nothing_signed)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct checkpoint_base base;
	struct checkpoint_ask ask;
	char before[TEXT], after[TEXT];
	bool due;
	OPENED o;

	err_init(&err);
	fix_open(&o, true);
	decide(&o);
	unit_ok(checkpoint_now(o.a, o.store, o.hsm, &err), &err);
	unit_ok(checkpoint_load(o.a, o.store, &base, &err), &err);
	text_of(&o, before);
	decide(&o);
	unit_ok(checkpoint_ask(o.store, &base.last, &ask, &due, &err), &err);
	unit_ok(governance_ask(o.store, &base, &ask, &err), &err);
	ck_assert(ask.governs);
	unit_ok(store_begin(o.store, STORE_WRITE, &t, &err), &err);
	unit_ok(people_clock(o.store, &err), &err);
	unit_ok(store_commit(&t, &err), &err);
	unit_ok(checkpoint_ask(o.store, &base.last, &ask, &due, &err), &err);
	ck_refused(governance_ask(o.store, &base, &ask, &err),
		   "store.governance");
	ck_refused(load(&o), "store.governance");
	ck_refused(checkpoint_now(o.a, o.store, o.hsm, &err),
		   "store.governance");
	text_of(&o, after);
	ck_assert_str_eq(before, after);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("judge");
	TCase *t = tcase_create("all");

	tcase_add_unchecked_fixture(t, fix_make_base, NULL);
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, test_notes, 0, sizeof(notes) / sizeof(notes[0]));
	tcase_add_test(t, test_roster_of_its_time);
	tcase_add_test(t, test_clock);
	tcase_add_test(t, test_nothing_signed);
	suite_add_tcase(suite, t);
	return suite;
}

int main(void)
{
	return unit_run(suite());
}
