#include "policy/approval.h"

#include "tests/unit/approval_want.h"
#include "tests/unit/people.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define NOW WANT_NOW

/* World of the tests: people, what is wanted, and notes of them. */
struct world {
	struct people people;
	struct approval want;
	struct note notes[4];
	size_t n;
	uint64_t now_s;
	uint32_t needed;
	bool token;
	struct approval_tally tally;
	struct err err;
};

static void world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	people_init(&w->people, "\"roster\":2");
	want_init(&w->want);
	w->now_s = NOW;
	w->needed = 2;
}

static void drop_notes(struct world *w)
{
	while (w->n > 0)
		note_release(&w->notes[--w->n]);
}

static void world_release(struct world *w)
{
	drop_notes(w);
	people_release(&w->people);
}

/* One note over a with the signatures of the keys until -1. */
static void sign(struct world *w, const struct approval *a, const int *keys)
{
	struct buf text, out;

	buf_init(&text, APPROVAL_TEXT_MAX);
	UNIT_OK(approval_text_put(&text, a, &err_));
	start(&out, buf_cstr(&text));
	for (; *keys >= 0; keys++)
		UNIT_OK(add(&out, buf_cstr(&text), &w->people.pairs[*keys],
			    &err_));
	UNIT_OK(note_parse(&w->notes[w->n++], buf_span(&out), &err_));
	buf_release(&out);
	buf_release(&text);
}

static void sign_one(struct world *w, const struct approval *a,
		     enum people_key key)
{
	sign(w, a, (const int[]){ (int)key, -1 });
}

static enum pv_code count(struct world *w)
{
	const struct quorum_ask ask = { .persons = w->needed,
					.token = w->token };

	err_init(&w->err);
	return approval_count(w->people.roster, w->notes, w->n, &w->want,
			      w->now_s, &ask, &w->tally, &w->err);
}

static void denied(struct world *w, enum pv_code code, const char *rule)
{
	unit_refused(count(w), code, rule, &w->err);
	ck_assert_uint_eq(w->tally.n, 0);
	drop_notes(w);
}

static void persons(const struct world *w, const char *want)
{
	struct buf b;

	buf_init(&b, 1000);
	approval_persons_put(&w->tally, &b);
	ck_assert_str_eq(buf_cstr(&b), want);
	buf_release(&b);
}

START_TEST(counts)
{
	struct world w;

	world_init(&w);
	sign_one(&w, &w.want, CAROL);
	sign_one(&w, &w.want, ALICE_2);
	unit_ok(count(&w), &w.err);
	persons(&w, "alice,carol");
	w.needed = 3;
	unit_refused(count(&w), PV_WAITING, "approval.missing", &w.err);
	ck_assert_str_eq(w.err.message, "\"adopt\" needs 3 approvals and has "
					"2; may still give one: bob");
	persons(&w, "alice,carol");
	sign_one(&w, &w.want, BOB);
	unit_ok(count(&w), &w.err);
	persons(&w, "alice,bob,carol");
	drop_notes(&w);
	/* all on one note */
	sign(&w, &w.want, (const int[]){ BOB, ALICE, CAROL, -1 });
	unit_ok(count(&w), &w.err);
	persons(&w, "alice,bob,carol");
	world_release(&w);
}
END_TEST

START_TEST(none_yet)
{
	struct world w;

	world_init(&w);
	unit_refused(count(&w), PV_WAITING, "approval.missing", &w.err);
	ck_assert_str_eq(w.err.message,
			 "\"adopt\" needs 2 approvals and has 0; may still "
			 "give one: alice, bob, carol");
	persons(&w, "");
	snprintf(w.want.requester, sizeof(w.want.requester), "bob");
	unit_refused(count(&w), PV_WAITING, "approval.missing", &w.err);
	ck_assert_ptr_nonnull(strstr(w.err.message, "one: alice, carol"));
	w.needed = 0;
	unit_ok(count(&w), &w.err);
	w.needed = 4; /* a template asks for more than there are */
	snprintf(w.want.requester, sizeof(w.want.requester), "os:0");
	sign(&w, &w.want, (const int[]){ BOB, ALICE, CAROL, -1 });
	denied(&w, PV_DENIED, "approval.few");
	world_release(&w);
}
END_TEST

/* Nobody is let wait for approvals that nobody could give. */
START_TEST(too_few)
{
	struct world w;

	world_init(&w);
	w.needed = 3; /* all of them */
	sign_one(&w, &w.want, ALICE);
	unit_refused(count(&w), PV_WAITING, "approval.missing", &w.err);
	snprintf(w.want.requester, sizeof(w.want.requester), "bob");
	drop_notes(&w);
	sign_one(&w, &w.want, ALICE);
	denied(&w, PV_DENIED, "approval.few");
	ck_assert_ptr_nonnull(strstr(w.err.hint, "without --as"));
	w.needed = 2;
	unit_refused(count(&w), PV_WAITING, "approval.missing", &w.err);
	w.token = true;
	snprintf(w.want.requester, sizeof(w.want.requester), "os:1000");
	for (size_t i = 1; i < 3; i++) /* bob's key, and carol's */
		w.people.roster->officers[i].keys[0].file = true;
	denied(&w, PV_DENIED, "approval.few");
	ck_assert_ptr_nonnull(strstr(w.err.hint, "keys in tokens"));
	world_release(&w);
}
END_TEST

START_TEST(one_person)
{
	struct world w;

	world_init(&w);
	sign_one(&w, &w.want, ALICE);
	sign_one(&w, &w.want, ALICE_2);
	denied(&w, PV_DENIED, "approval.person");
	sign(&w, &w.want, (const int[]){ ALICE_2, ALICE, -1 });
	denied(&w, PV_DENIED, "approval.person");
	sign(&w, &w.want, (const int[]){ BOB, BOB, -1 });
	denied(&w, PV_DENIED, "approval.person");
	sign_one(&w, &w.want, BOB); /* the same file twice */
	sign_one(&w, &w.want, BOB);
	denied(&w, PV_DENIED, "approval.person");
	world_release(&w);
}
END_TEST

/* Where a token's key is wanted, one that may be a file counts for nobody. */
START_TEST(keys_in_tokens)
{
	struct world w;

	world_init(&w);
	w.needed = 1;
	sign_one(&w, &w.want, ALICE_2);
	unit_ok(count(&w), &w.err);
	drop_notes(&w);
	w.token = true;
	sign_one(&w, &w.want, ALICE_2);
	denied(&w, PV_DENIED, "approval.key");
	sign_one(&w, &w.want, ALICE);
	unit_ok(count(&w), &w.err);
	ck_assert_uint_eq(w.tally.n, 1);
	world_release(&w);
}
END_TEST

START_TEST(who_may_not)
{
	struct world w;
	struct pair zoe;

	world_init(&w);
	w.needed = 1;
	snprintf(w.want.requester, sizeof(w.want.requester), "alice");
	sign_one(&w, &w.want, ALICE);
	denied(&w, PV_DENIED, "approval.requester");
	sign_one(&w, &w.want, ALICE_2);
	denied(&w, PV_DENIED, "approval.requester");
	sign_one(&w, &w.want, BOB);
	sign_one(&w, &w.want, ALICE);
	denied(&w, PV_DENIED, "approval.requester");
	for (int key = DAVE; key <= TIM; key++) {
		sign_one(&w, &w.want, (enum people_key)key);
		denied(&w, PV_DENIED, "approval.role");
	}
	/* a key of nobody, under a name of somebody */
	pair_new(&zoe, NOTE_ED25519, "bob");
	EVP_PKEY_free(w.people.pairs[BOB].pkey);
	w.people.pairs[BOB] = zoe;
	sign_one(&w, &w.want, BOB);
	denied(&w, PV_DENIED, "approval.unknown");
	sign(&w, &w.want, (const int[]){ CAROL, BOB, -1 });
	denied(&w, PV_DENIED, "approval.unknown");
	world_release(&w);
}
END_TEST

/* The name that is compared is an officer's, or nobody's who could be one. */
START_TEST(who_asks)
{
	static const char *const no[] = {
		"zoe",	 "Alice",   "ALICE",	      "alice2",
		"bo",	 "os:",	    "os:x",	      "os:01",
		"os:+1", "os:1x",   "os:4294967296",  "OS:1",
		"os:-1", "os:os:1", "os:99999999999", "0",
	};
	static const char *const yes[] = { "dave", "tim", "os:0", "os:1000",
					   "os:4294967295" };
	struct world w;

	world_init(&w);
	w.needed = 1;
	for (size_t i = 0; i < COUNT(no); i++) {
		snprintf(w.want.requester, sizeof(w.want.requester), "%s",
			 no[i]);
		denied(&w, PV_DENIED, "approval.requester");
		sign_one(&w, &w.want, ALICE);
		denied(&w, PV_DENIED, "approval.requester");
	}
	for (size_t i = 0; i < COUNT(yes); i++) {
		snprintf(w.want.requester, sizeof(w.want.requester), "%s",
			 yes[i]);
		sign_one(&w, &w.want, ALICE);
		unit_ok(count(&w), &w.err);
		persons(&w, "alice");
		drop_notes(&w);
	}
	world_release(&w);
}
END_TEST

START_TEST(expires)
{
	struct world w;

	world_init(&w);
	sign(&w, &w.want, (const int[]){ BOB, CAROL, -1 });
	w.now_s = w.want.expires_s - 1;
	unit_ok(count(&w), &w.err);
	w.now_s++;
	denied(&w, PV_DENIED, "approval.expired");
	w.want.expires_s = 0;
	denied(&w, PV_DENIED, "approval.expired");
	world_release(&w);
}
END_TEST

static void other(struct world *w, const struct approval *a, const char *rule)
{
	sign_one(w, &w->want, BOB);
	sign_one(w, a, CAROL);
	denied(w, PV_INTEGRITY, rule);
}

START_TEST(other_texts)
{
	struct approval a;
	struct world w;
	struct buf out;

	world_init(&w);
	a = w.want;
	a.subject[31] ^= 1;
	other(&w, &a, "approval.subject");
	a = w.want;
	a.log[0] = 'f';
	other(&w, &a, "approval.other");
	ck_assert_str_eq(w.err.message, "carol approved another log");
	a = w.want;
	a.root[0] ^= 1;
	other(&w, &a, "approval.other");
	a = w.want;
	a.operation = QUORUM_ORDER;
	other(&w, &a, "approval.other");
	ck_assert_str_eq(w.err.message, "carol approved another operation");
	a = w.want;
	a.requester[3] = '2';
	other(&w, &a, "approval.other");
	a = w.want;
	a.nonce[15] ^= 1;
	other(&w, &a, "approval.other");
	ck_assert_str_eq(w.err.message, "carol approved another request");
	a = w.want;
	a.expires_s += 86400;
	other(&w, &a, "approval.other");
	/* and a note that is no approval at all */
	start(&out, "provctl event/v1\n");
	UNIT_OK(add(&out, "provctl event/v1\n", &w.people.pairs[BOB], &err_));
	UNIT_OK(note_parse(&w.notes[w.n++], buf_span(&out), &err_));
	denied(&w, PV_INTEGRITY, "approval.other");
	buf_release(&out);
	world_release(&w);
}
END_TEST

/* No changed bit counts, in Ed25519 and in ECDSA lines. */
START_TEST(every_bit)
{
	static const enum people_key keys[] = { ALICE, ALICE_2 };
	struct world w;
	struct buf text, out;

	world_init(&w);
	w.needed = 1;
	buf_init(&text, APPROVAL_TEXT_MAX);
	UNIT_OK(approval_text_put(&text, &w.want, &err_));
	start(&out, buf_cstr(&text));
	UNIT_OK(add(&out, buf_cstr(&text), &w.people.pairs[keys[_i]], &err_));
	w.n = 1;
	UNIT_OK(note_parse(&w.notes[0], buf_span(&out), &err_));
	unit_ok(count(&w), &w.err);
	drop_notes(&w);
	for (size_t bit = 0; bit < out.len * 8; bit++) {
		enum pv_code code;

		out.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		w.n = 1;
		if (note_parse(&w.notes[0], buf_span(&out), NULL) == PV_OK) {
			code = count(&w);
			if (code != PV_INTEGRITY && code != PV_DENIED)
				ck_abort_msg("bit %zu: %d", bit, code);
			if (bit / 8 < text.len)
				ck_assert_str_eq(w.err.rule,
						 "approval.signature");
			ck_assert_uint_eq(w.tally.n, 0);
		}
		drop_notes(&w);
		out.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	buf_release(&text);
	buf_release(&out);
	world_release(&w);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("approval");
	TCase *t = tcase_create("approval");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, counts);
	tcase_add_test(t, none_yet);
	tcase_add_test(t, too_few);
	tcase_add_test(t, one_person);
	tcase_add_test(t, keys_in_tokens);
	tcase_add_test(t, who_may_not);
	tcase_add_test(t, who_asks);
	tcase_add_test(t, expires);
	tcase_add_test(t, other_texts);
	tcase_add_loop_test(t, every_bit, 0, 2);
	suite_add_tcase(s, t);
	return unit_run(s);
}
