/* Rosters, used approvals and the list of what people decided. */
#include <sqlite3.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/people_fix.h"
#include "tests/unit/store_rig.h"

/* Runs SQL on the closed store behind its back, then opens it. */
static void tamper(const char *sql)
{
	sqlite3 *db;

	store_close(s);
	s = NULL;
	ck_assert(sqlite3_open(path, &db) == SQLITE_OK);
	ck_assert(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK);
	ck_assert(sqlite3_total_changes(db) > 0);
	ck_assert(sqlite3_close(db) == SQLITE_OK);
	unit_ok(store_sqlite_open(path, &s, &err), &err);
}

static void put_roster(uint64_t version, const char *text)
{
	unit_ok(people_roster(s, version, text, &err), &err);
}

static void ck_roster(uint64_t ask, uint64_t version, const char *text)
{
	struct store_roster r;
	struct buf b;
	bool found;

	buf_init(&b, 100);
	unit_ok(store_roster_get(s, ask, &r, &b, &found, &err), &err);
	ck_assert(found == (version > 0));
	if (found) {
		ck_assert(r.version == version);
		ck_assert(span_is(buf_span(&b), text));
	}
	buf_release(&b);
}

static uint64_t head(void)
{
	uint64_t index;

	unit_ok(store_governance_head(s, &index, &err), &err);
	return index;
}

START_TEST(test_roster)
{
	STORE_TXN t = STORE_TXN_INIT;

	ck_roster(0, 0, NULL);
	begin(&t);
	ck_refused(people_roster(s, 2, "two", &err), PV_CONFLICT,
		   "store.roster");
	ck_refused(people_roster(s, 0, "none", &err), PV_CONFLICT,
		   "store.roster");
	ck_refused(people_roster(s, 1, "", &err), PV_INPUT, "store.roster");
	put_roster(1, "one");
	ck_refused(people_roster(s, 1, "other", &err), PV_CONFLICT,
		   "store.roster");
	put_roster(2, "two");
	commit(&t);
	for (int i = 0; i < 2; i++, reopen()) {
		ck_roster(0, 2, "two");
		ck_roster(1, 1, "one");
		ck_roster(3, 0, NULL);
		ck_assert(head() == 1);
	}
	unit_ok(store_check(s, &err), &err);
}
END_TEST

struct seen {
	char text[256];
	uint64_t last;
	enum pv_code stop;
};

static enum pv_code see_approval(void *ctx, const struct store_approval *a,
				 struct err *e)
{
	struct seen *x = ctx;

	(void)e;
	snprintf(x->text + strlen(x->text), sizeof(x->text) - strlen(x->text),
		 "%d:%.*s ", a->nonce[15], (int)a->note.len,
		 (const char *)a->note.p);
	return x->stop;
}

START_TEST(test_approval)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct seen x = { .last = 0 };
	const struct store_visit v = { &x, { .approval = see_approval } };
	const uint8_t nonce[STORE_NONCE] = { 0 };
	struct store_approval a;
	struct buf b;
	bool found;

	buf_init(&b, 100);
	begin(&t);
	unit_ok(people_approval(s, 9, "nine", &err), &err);
	unit_ok(people_approval(s, 0, "zero", &err), &err);
	ck_refused(people_approval(s, 9, "nine", &err), PV_CONFLICT,
		   "approval.used");
	ck_refused(people_approval(s, 1, "", &err), PV_INPUT, "store.approval");
	commit(&t);
	begin(&t);
	ck_refused(people_approval(s, 0, "other", &err), PV_CONFLICT,
		   "approval.used");
	store_rollback(&t);
	reopen();
	unit_ok(store_approval_each(s, &v, &err), &err);
	ck_assert_str_eq(x.text, "9:nine 0:zero ");
	x.stop = PV_INTERRUPTED;
	ck_assert(store_approval_each(s, &v, &err) == PV_INTERRUPTED);
	unit_ok(store_approval_get(s, nonce, &a, &b, &found, &err), &err);
	ck_assert(found && a.index == 1 && span_is(buf_span(&b), "zero"));
	unit_ok(store_check(s, &err), &err);
	buf_release(&b);
}
END_TEST

static enum pv_code see_entry(void *ctx, const struct store_governance *g,
			      struct err *e)
{
	struct seen *x = ctx;

	(void)e;
	ck_assert(x->text[0] == '\0' || g->index > x->last);
	x->last = g->index;
	snprintf(x->text + strlen(x->text), sizeof(x->text) - strlen(x->text),
		 "%llu:%s/%s ", (unsigned long long)g->index, g->kind, g->name);
	return x->stop;
}

START_TEST(test_list)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct seen x = { .last = 0 };
	const struct store_visit v = { &x, { .governance = see_entry } };
	struct store_people_counts c;

	ck_assert(head() == STORE_NO_INDEX);
	begin(&t);
	reserve(&dev[0], 0);
	put_roster(1, "one");
	reserve(&dev[1], 2);
	unit_ok(people_approval(s, 7, "note", &err), &err);
	unit_ok(people_clock(s, &err), &err);
	commit(&t);
	for (int i = 0; i < 2; i++, reopen()) {
		ck_assert(head() == 4);
		x.text[0] = '\0';
		unit_ok(store_governance_each(s, 0, &v, &err), &err);
		ck_assert_str_eq(x.text, "1:roster.change/roster "
					 "3:approval.use/order "
					 "4:clock.accept/clock ");
		x.text[0] = '\0';
		unit_ok(store_governance_each(s, 4, &v, &err), &err);
		ck_assert_str_eq(x.text, "4:clock.accept/clock ");
		unit_ok(store_governance_each(s, STORE_NO_INDEX, &v, &err),
			&err);
	}
	x.text[0] = '\0';
	x.stop = PV_INTERRUPTED;
	ck_assert(store_governance_each(s, 0, &v, &err) == PV_INTERRUPTED);
	unit_ok(store_people_count(s, &c, &err), &err);
	ck_assert(c.rosters == 1 && c.approvals == 1 && c.opened == 0);
}
END_TEST

/* An entry is its verb's, about its object, and goes on from the head. */
START_TEST(test_entries_refused)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct span text = { (const uint8_t *)"x", 1 };
	struct people_entry p;
	struct span entry;
	uint64_t size;

	begin(&t);
	put_roster(1, "one");
	unit_ok(people_start(s, &p, &err), &err);
	log_clock_accept(&p.e, &p.who, NULL, NULL);
	unit_ok(people_end(s, &p, &entry, &err), &err);
	ck_refused(store_roster_put(s, 2, text, entry, &err), PV_INPUT,
		   "store.governance");
	ck_refused(store_roster_put(s, 2, text, text, &err), PV_INPUT,
		   "log.entry");
	ck_refused(store_log_append(s, entry, NULL, &err), PV_INPUT,
		   "store.governance");
	unit_ok(store_governance_add(s, entry, NULL, &err), &err);
	/* Its prev is not the newest any more. */
	ck_refused(store_governance_add(s, entry, NULL, &err), PV_INPUT,
		   "store.governance");
	log_secret(&p.e, &p.who, LOG_SECRET_ADD, "x", 1, NULL, NULL);
	unit_ok(people_end(s, &p, &entry, &err), &err);
	ck_refused(store_governance_add(s, entry, NULL, &err), PV_INPUT,
		   "store.governance");
	ck_refused(store_governance_add(s, text, NULL, &err), PV_INPUT,
		   "log.entry");
	ck_refused(store_secret_put(s, "y", 1, text, entry, &err), PV_INPUT,
		   "store.governance");
	unit_ok(store_log_size(s, &size, &err), &err);
	ck_assert_uint_eq(size, 2);
	commit(&t);
	unit_ok(store_check(s, &err), &err);
}
END_TEST

/* A template is listed, with a roster and without. */
START_TEST(test_template_adopt)
{
	STORE_TXN t = STORE_TXN_INIT;
	uint8_t hash[32] = { 1 };
	struct people_entry p;
	struct span entry;

	begin(&t);
	unit_ok(people_start(s, &p, &err), &err);
	log_template_adopt(&p.e, &p.who, "gateway", 1, hash, NULL, NULL);
	unit_ok(people_end(s, &p, &entry, &err), &err);
	ck_refused(store_log_append(s, entry, NULL, &err), PV_INPUT,
		   "store.governance");
	unit_ok(store_governance_add(s, entry, NULL, &err), &err);
	ck_assert(head() == 0);
	put_roster(1, "one");
	log_template_adopt(&p.e, &p.who, "gateway", 2, hash, NULL, NULL);
	unit_ok(people_end(s, &p, &entry, &err), &err);
	ck_refused(store_log_append(s, entry, NULL, &err), PV_INPUT,
		   "store.governance");
	unit_ok(store_governance_add(s, entry, NULL, &err), &err);
	commit(&t);
	ck_assert(head() == 2);
}
END_TEST

START_TEST(test_rollback)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct seen x = { .last = 0 };
	const struct store_visit v = { &x, { .governance = see_entry } };
	struct store_people_counts c;

	begin(&t);
	put_roster(1, "one");
	unit_ok(people_approval(s, 1, "note", &err), &err);
	store_rollback(&t);
	unit_ok(store_governance_each(s, 0, &v, &err), &err);
	ck_assert_str_eq(x.text, "");
	ck_assert(head() == STORE_NO_INDEX);
	unit_ok(store_people_count(s, &c, &err), &err);
	ck_assert(c.rosters == 0 && c.approvals == 0);
	begin(&t);
	put_roster(1, "one");
	unit_ok(people_approval(s, 1, "note", &err), &err);
	commit(&t);
	ck_assert(head() == 1);
	unit_ok(store_check(s, &err), &err);
}
END_TEST

/* Exit status: 0 used it, 9 it was used, 1 all else. */
static void race(void)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct err e;
	enum pv_code rc;

	err_init(&e);
	rc = store_sqlite_open(path, &s, &e);
	if (rc == PV_OK)
		rc = store_begin(s, STORE_WRITE, &t, &e);
	if (rc == PV_OK)
		rc = people_approval(s, 5, "note", &e);
	if (rc == PV_OK)
		rc = store_commit(&t, &e);
	_exit(rc == PV_OK ? 0 : rc == PV_CONFLICT ? 9 : 1);
}

START_TEST(test_race)
{
	enum { RUNNERS = 4 };
	pid_t pid[RUNNERS];
	int won = 0;

	store_close(s);
	s = NULL;
	for (int i = 0; i < RUNNERS; i++) {
		pid[i] = fork();
		ck_assert(pid[i] >= 0);
		if (pid[i] == 0)
			race();
	}
	for (int i = 0; i < RUNNERS; i++) {
		int status;

		ck_assert(waitpid(pid[i], &status, 0) == pid[i]);
		ck_assert(WIFEXITED(status));
		won += WEXITSTATUS(status) == 0;
		ck_assert(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 9);
	}
	ck_assert_int_eq(won, 1);
	unit_ok(store_sqlite_open(path, &s, &err), &err);
	ck_assert(head() == 0);
}
END_TEST

START_TEST(test_damaged)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct seen x = { .last = 0 };
	const struct store_visit v = { &x, { .governance = see_entry } };
	struct store_approval a;
	struct store_roster r;
	uint8_t nonce[STORE_NONCE];
	struct buf b;
	bool found;

	buf_init(&b, 100);
	memset(nonce, 1, sizeof(nonce));
	begin(&t);
	put_roster(1, "one");
	unit_ok(people_approval(s, 1, "note", &err), &err);
	commit(&t);
	tamper("UPDATE roster SET bytes = x''");
	ck_refused(store_roster_get(s, 0, &r, &b, &found, &err), PV_INTEGRITY,
		   "store.corrupt");
	tamper("UPDATE approval SET note = x''");
	ck_refused(store_approval_get(s, nonce, &a, &b, &found, &err),
		   PV_INTEGRITY, "store.corrupt");
	tamper("UPDATE governance SET kind = "
	       "'012345678901234567890123456789012'");
	ck_refused(store_governance_each(s, 0, &v, &err), PV_INTEGRITY,
		   "store.corrupt");
	/* Nobody may be told that a nonce is free when its row is damaged. */
	begin(&t);
	ck_refused(people_approval(s, 1, "note", &err), PV_CONFLICT,
		   "approval.used");
	buf_release(&b);
}
END_TEST

static void digest_of(uint8_t out[32])
{
	unit_ok(store_people_digest(s, out, &err), &err);
}

/* Any column of what was decided, and of its entries; nothing else. */
START_TEST(test_digest)
{
	static const char *const edits[] = {
		"UPDATE governance SET name = 'rosters' WHERE log_index = 1",
		"DELETE FROM governance WHERE log_index = 3",
		"UPDATE roster SET bytes = x'6f6e65' WHERE version = 2",
		"UPDATE roster SET log_index = 9 WHERE version = 2",
		"UPDATE approval SET note = x'00'",
		"UPDATE log SET entries = CAST(substr(entries, 1, "
		"length(entries) - 1) || x'7f' AS BLOB) WHERE first = 1",
	};
	STORE_TXN t = STORE_TXN_INIT;
	uint8_t one[32], two[32];

	digest_of(one);
	begin(&t);
	reserve(&dev[0], 0);
	commit(&t);
	digest_of(two);
	ck_assert_mem_eq(one, two, 32);
	begin(&t);
	put_roster(1, "one");
	unit_ok(people_approval(s, 7, "note", &err), &err);
	put_roster(2, "two");
	commit(&t);
	digest_of(one);
	ck_assert_mem_ne(one, two, 32);
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		tamper(edits[i]);
		digest_of(two);
		ck_assert_msg(memcmp(one, two, 32) != 0, "%s", edits[i]);
		memcpy(one, two, sizeof(one));
	}
	begin(&t);
	reserve(&dev[1], 4);
	commit(&t);
	reopen();
	digest_of(two);
	ck_assert_mem_eq(one, two, 32);
}
END_TEST

START_TEST(test_misuse)
{
	struct span text = { (const uint8_t *)"x", 1 };
	uint8_t nonce[STORE_NONCE] = { 0 };

	ck_refused(store_roster_put(s, 1, text, text, &err), PV_INTERNAL,
		   "store.transaction");
	ck_refused(store_approval_use(s, nonce, text, text, &err), PV_INTERNAL,
		   "store.transaction");
	ck_refused(store_governance_add(s, text, NULL, &err), PV_INTERNAL,
		   "store.transaction");
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("store_people");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_roster);
	tcase_add_test(t, test_approval);
	tcase_add_test(t, test_list);
	tcase_add_test(t, test_entries_refused);
	tcase_add_test(t, test_template_adopt);
	tcase_add_test(t, test_rollback);
	tcase_add_test(t, test_race);
	tcase_add_test(t, test_damaged);
	tcase_add_test(t, test_digest);
	tcase_add_test(t, test_misuse);
	suite_add_tcase(suite, t);
	return suite;
}

int main(void)
{
	return unit_run(suite());
}
