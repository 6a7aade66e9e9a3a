/* Who issued may have, by the roster of then. */
#include "lib/flow/audit_actors.h"

#include "lib/base/sha256.h"
#include "tests/unit/people.h"
#include "tests/unit/people_fix.h"
#include "tests/unit/store_rig.h"

static const uint8_t hash[32] = { 1 };

static struct audit_actors actors;

/* A device's intent of that actor, without an order when it is NULL. */
static enum pv_code intent(const char *actor, const char *order,
			   const char *replaces)
{
	const struct log_who who = { 1000, actor };
	const struct log_intent i = { .serial = "01",
				      .device = "d",
				      .template_hash = hash,
				      .order = order,
				      .body = hash,
				      .replaces = replaces,
				      .why = replaces ? "rotate" : NULL };
	struct log_entry e;

	log_cert_intent(&e, &who, &i);
	return audit_actors_take(&actors, s, &e, &err);
}

/* The entry of the roster with that text; it need not be in the store. */
static enum pv_code roster(uint64_t version, const struct buf *text)
{
	const struct log_who who = { 1000, "os:1" };
	uint8_t sum[32];
	struct log_entry e;

	unit_ok(sha256(buf_span(text), sum, &err), &err);
	log_roster_change(&e, &who, version, sum, NULL);
	return audit_actors_take(&actors, s, &e, &err);
}

static void put(uint64_t version, struct buf *text)
{
	STORE_TXN t = STORE_TXN_INIT;

	begin(&t);
	unit_ok(people_roster(s, version, buf_cstr(text), &err), &err);
	commit(&t);
}

START_TEST(test_roles)
{
	static const char *const others[] = { "alice", "erin", "os:0", "zoe" };
	struct buf text;
	struct people p;

	people_init(&p, "\"roster\":1");
	people_text(&p, "\"roster\":1", &text);
	unit_ok(intent("os:0", NULL, NULL), &err);
	put(1, &text);
	unit_ok(roster(1, &text), &err);
	unit_ok(intent("dave", NULL, NULL), &err);
	unit_ok(intent("tim", NULL, "02"), &err);
	ck_refused(intent("tim", NULL, NULL), PV_INTEGRITY, "audit.actor");
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		unit_ok(intent(others[i], "o-1", NULL), &err);
		ck_refused(intent(others[i], NULL, NULL), PV_INTEGRITY,
			   "audit.actor");
	}
	ck_refused(intent("erin", NULL, "02"), PV_INTEGRITY, "audit.actor");
	buf_release(&text);
	people_release(&p);
}
END_TEST

/* Who left issued rightly before, and not behind it. */
START_TEST(test_of_then)
{
	struct people p;
	struct buf one, two;

	people_init(&p, "\"roster\":1");
	people_text(&p, "\"roster\":1", &one);
	people_text(&p, "\"roster\":2", &two);
	buf_cstr(&two);
	memcpy(strstr((char *)two.data, "\"operator\""), "\"auditor\" ", 10);
	put(1, &one);
	put(2, &two);
	unit_ok(roster(1, &one), &err);
	unit_ok(intent("dave", NULL, NULL), &err);
	unit_ok(roster(2, &two), &err);
	ck_refused(intent("dave", NULL, NULL), PV_INTEGRITY, "audit.actor");
	ck_refused(roster(2, &one), PV_INTEGRITY, "store.governance");
	ck_refused(roster(3, &one), PV_INTEGRITY, "store.governance");
	buf_release(&one);
	buf_release(&two);
	people_release(&p);
}
END_TEST

/* What nobody asked for by a request: a CA, a responder. */
START_TEST(test_own)
{
	const struct log_who who = { 1000, "os:1" };
	const struct log_intent ca = { .serial = "01",
				       .device = "ca/root",
				       .template_hash = hash,
				       .tbs = hash };
	struct log_entry e;
	struct people p;
	struct buf text;

	people_init(&p, "\"roster\":1");
	people_text(&p, "\"roster\":1", &text);
	put(1, &text);
	unit_ok(roster(1, &text), &err);
	log_cert_intent(&e, &who, &ca);
	unit_ok(audit_actors_take(&actors, s, &e, &err), &err);
	buf_release(&text);
	people_release(&p);
}
END_TEST

static void end(void)
{
	audit_actors_release(&actors);
	teardown();
}

int main(void)
{
	Suite *su = suite_create("audit_actors");
	TCase *t = tcase_create("audit_actors");

	tcase_add_checked_fixture(t, setup, end);
	tcase_add_test(t, test_roles);
	tcase_add_test(t, test_of_then);
	tcase_add_test(t, test_own);
	suite_add_tcase(su, t);
	return unit_run(su);
}
