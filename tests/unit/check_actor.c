#include "lib/flow/actor.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/flow/event.h"
#include "lib/flow/officers.h"
#include "lib/flow/people.h"
#include "tests/unit/authority_fix.h"
#include "tests/unit/people.h"

static struct people people;
static struct err err;

static struct actor_claim claim_of(enum people_key i, bool token)
{
	struct note_signer signer = { &people.pairs[i].key, pair_sign,
				      &people.pairs[i] };
	struct actor_claim claim;

	UNIT_OK(actor_claim("base", "status", token, &signer, &claim, &err_));
	return claim;
}

/* The roster of people.h as version 1, its first key being a token's. */
static void set_roster(struct opened *o)
{
	const struct approvals_want want = { .op = QUORUM_ROSTER };
	struct officers_report report;
	struct buf text;
	char *at;

	people_text(&people, "\"roster\":2", &text);
	at = strstr(buf_cstr(&text), "\"version\":7");
	ck_assert_ptr_nonnull(at);
	at[strlen("\"version\":")] = '1';
	UNIT_OK(officers_set(o->a, o->store, buf_span(&text), &want, &report,
			     &err_));
	ck_assert(!report.existing);
	UNIT_OK(officers_set(o->a, o->store, buf_span(&text), &want, &report,
			     &err_));
	ck_assert(report.existing);
	buf_release(&text);
}

static void setup(void)
{
	people_init(&people, "\"roster\":2");
	err_init(&err);
}

static void teardown(void)
{
	people_release(&people);
}

static void refused(struct opened *o, const struct actor_claim *claim,
		    const char *rule)
{
	struct actor who;

	err_init(&err);
	unit_refused(actor_enter(o->store, claim, &who, &err), PV_DENIED, rule,
		     &err);
	ck_assert(!who.proven);
	ck_assert_str_eq(o->store->actor, "");
	err_init(&err);
}

START_TEST(a_wrong_signature_proves_nothing)
{
	struct note_signer signer = { &people.pairs[BOB].key, pair_sign,
				      &people.pairs[BOB] };
	struct actor_claim claim;

	people.pairs[BOB].way = PAIR_WRONG;
	unit_refused(actor_claim("base", "status", true, &signer, &claim, &err),
		     PV_INTEGRITY, "note.signature", &err);
	ck_assert(!claim.made);
}
END_TEST

/* Nobody was asked, and by now somebody would have to be. */
static void came_too_late(struct opened *o, const struct approvals *got)
{
	STORE_TXN txn = STORE_TXN_INIT;
	struct event_who event;

	unit_ok(store_begin(o->store, STORE_WRITE, &txn, &err), &err);
	unit_ok(event_now(o->store, &event, &err), &err);
	unit_refused(approvals_use(o->store, &event.who, got, &err),
		     PV_CONFLICT, "approval.roster", &err);
	store_rollback(&txn);
	err_init(&err);
}

/* One test after the other, since the roster stays. */
START_TEST(who_is_acting)
{
	OPENED o;
	struct actor_claim alice = claim_of(ALICE, true);
	struct actor_claim file = claim_of(ALICE, false);
	struct actor_claim second = claim_of(ALICE_2, false);
	const struct approvals_want want = { .op = QUORUM_ADOPT,
					     .subject = span_of("bytes") };
	struct approvals got;
	struct roster *none;
	struct event_who event;
	struct actor who;
	char user[32];

	fix_open(&o, false);
	snprintf(user, sizeof(user), "os:%lu", (unsigned long)geteuid());
	unit_ok(people_in_force(o.store, &none, NULL, &err), &err);
	ck_assert_ptr_null(none);
	unit_ok(actor_enter(o.store, NULL, &who, &err), &err);
	ck_assert_str_eq(who.name, user);
	ck_assert(!who.roster && !who.proven);
	for (unsigned op = 0; op < ROLE_OPS; op++)
		unit_ok(actor_allow(&who, (enum role_op)op, &err), &err);
	refused(&o, &alice, "actor.unknown");
	unit_ok(approvals_gate(o.a, o.store, &want, &got, &err), &err);
	ck_assert_uint_eq(got.needed, 0);

	set_roster(&o);
	came_too_late(&o, &got);
	approvals_release(&got);
	unit_ok(actor_enter(o.store, NULL, &who, &err), &err);
	ck_assert(who.roster && !who.proven);
	unit_ok(actor_allow(&who, ROLE_OP_READ, &err), &err);
	unit_refused(actor_allow(&who, ROLE_OP_WITNESS, &err), PV_DENIED,
		     "actor.role", &err);
	ck_assert_str_eq(err.object, user);
	refused(&o, &file, "actor.kind");
	memcpy(alice.key.name, "bob", 4);
	refused(&o, &alice, "actor.unknown");
	memcpy(alice.key.name, "alice", 6);
	alice.key.spki[20] ^= 1;
	refused(&o, &alice, "actor.unknown");
	alice.key.spki[20] ^= 1;
	unit_ok(actor_enter(o.store, &second, &who, &err), &err);
	unit_ok(actor_enter(o.store, &alice, &who, &err), &err);
	ck_assert(who.proven);
	ck_assert_uint_eq(who.roles, ROLE_SECURITY_OFFICER);
	unit_ok(actor_allow(&who, ROLE_OP_WITNESS, &err), &err);
	unit_ok(event_now(o.store, &event, &err), &err);
	ck_assert_str_eq(event.actor, "alice");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("actor");
	TCase *t = tcase_create("actor");

	tcase_set_timeout(t, 60);
	tcase_add_unchecked_fixture(t, fix_make_base, NULL);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_wrong_signature_proves_nothing);
	tcase_add_test(t, who_is_acting);
	suite_add_tcase(s, t);
	return unit_run(s);
}
