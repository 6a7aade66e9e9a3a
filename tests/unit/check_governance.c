/* What people decided, held against the log: the chain and its file. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fileio.h"
#include "lib/flow/checkpoint.h"
#include "lib/flow/event.h"
#include "lib/flow/governance.h"
#include "tests/unit/authority_fix.h"
#include "tests/unit/people_fix.h"
#include "tests/unit/unit.h"

static struct err err;

/* In the open transaction; tests share one authority. */
static void put_roster(struct opened *o)
{
	struct store_people_counts c;

	unit_ok(store_people_count(o->store, &c, &err), &err);
	unit_ok(people_roster(o->store, c.rosters + 1, "text", &err), &err);
}

static void decide(struct opened *o)
{
	STORE_TXN t = STORE_TXN_INIT;

	unit_ok(store_begin(o->store, STORE_WRITE, &t, &err), &err);
	put_roster(o);
	unit_ok(people_clock(o->store, &err), &err);
	unit_ok(store_commit(&t, &err), &err);
}

static void ck_refused(enum pv_code rc, const char *rule)
{
	unit_refused(rc, PV_INTEGRITY, rule, &err);
	err_init(&err);
}

static void text_of(const struct opened *o, char text[256])
{
	struct buf b;

	buf_init(&b, 255);
	unit_ok(file_read(o->a->home_fd, GOVERNANCE_FILE, 0, &b, &err), &err);
	snprintf(text, 256, "%.*s", (int)b.len, (const char *)b.data);
	buf_release(&b);
}

static void put_text(const struct opened *o, const char *text)
{
	unit_ok(file_write(o->a->home_fd, GOVERNANCE_FILE, 0644, text,
			   strlen(text), &err),
		&err);
}

static enum pv_code load(const struct opened *o)
{
	struct checkpoint_base base;

	return checkpoint_load(o->a, o->store, &base, &err);
}

/* It goes on with each checkpoint, and comes to the same when made anew. */
START_TEST(test_file)
{
	char one[256], two[256], again[256];
	OPENED o;

	err_init(&err);
	fix_open(&o, true);
	text_of(&o, one);
	ck_assert(strncmp(one, "- 0000", 6) == 0);
	decide(&o);
	unit_ok(load(&o), &err);
	text_of(&o, again);
	ck_assert_str_eq(again, one);
	unit_ok(checkpoint_now(o.a, o.store, o.hsm, &err), &err);
	text_of(&o, two);
	ck_assert_str_ne(two, one);
	decide(&o);
	unit_ok(checkpoint_now(o.a, o.store, o.hsm, &err), &err);
	unit_ok(load(&o), &err);
	text_of(&o, two);
	ck_assert(unlinkat(o.a->home_fd, GOVERNANCE_FILE, 0) == 0);
	unit_ok(load(&o), &err);
	unit_ok(event_export(o.store, "all", "chain", "-", &err), &err);
	unit_ok(checkpoint_now(o.a, o.store, o.hsm, &err), &err);
	text_of(&o, again);
	/* But for the size. */
	*strrchr(two, ' ') = *strrchr(again, ' ') = '\0';
	ck_assert_str_eq(again, two);
}
END_TEST

static const char hash[] =
	"0000000000000000000000000000000000000000000000000000000000000000";

START_TEST(test_bad_file)
{
	static const struct {
		const char *before, *after; /* of the hash */
	} bad[] = {
		{ "", " 5\n" },	       { " ", " 5\n" },
		{ "- ", " 5" },	       { "- ", " \n" },
		{ "- ", "0 5\n" },     { "-1 ", " 5\n" },
		{ "5 ", " 5\n" },      { "- ", " 5\n\n" },
		{ "- ", " -\n" },      { "- x", " 5\n" },
		{ "- ", " 5 5\n" },    { "x ", " 5\n" },
		{ "- ", "  5\n" },     { "- ", " 99999999999999999999\n" },
		{ "1 ", " 999999\n" }, /* parses; the log is shorter */
		{ "1 ", " 5\n" },      /* parses; there is no decision */
	};
	char text[256], good[256];
	OPENED o;

	err_init(&err);
	fix_open(&o, false);
	text_of(&o, good);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "%s%s%s", bad[i].before, hash,
			 bad[i].after);
		put_text(&o, text);
		ck_refused(load(&o), "store.governance");
	}
	put_text(&o, "");
	ck_refused(load(&o), "store.governance");
	put_text(&o, good);
	unit_ok(load(&o), &err);
}
END_TEST

/* Decided since, by another process, in whatever order the files come. */
START_TEST(test_behind)
{
	struct log_point none = { .size = 0 };
	char first[256];
	OPENED o;

	err_init(&err);
	fix_open(&o, true);
	text_of(&o, first);
	decide(&o);
	unit_ok(checkpoint_now(o.a, o.store, o.hsm, &err), &err);
	put_text(&o, first);
	unit_ok(load(&o), &err);
	ck_assert(unlinkat(o.a->home_fd, GOVERNANCE_FILE, 0) == 0);
	unit_ok(governance_check(o.a, o.store, &none, &err), &err);
}
END_TEST

START_TEST(test_row)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_roster r;
	struct buf bytes;
	uint64_t head;
	bool found;
	OPENED o;

	err_init(&err);
	buf_init(&bytes, 100);
	fix_open(&o, false);
	unit_ok(store_begin(o.store, STORE_WRITE, &t, &err), &err);
	put_roster(&o);
	unit_ok(people_clock(o.store, &err), &err);
	unit_ok(store_roster_get(o.store, 0, &r, &bytes, &found, &err), &err);
	unit_ok(governance_row(o.store, LOG_ROSTER_CHANGE, LOG_ROSTER_NAME,
			       r.index, &err),
		&err);
	unit_ok(store_governance_head(o.store, &head, &err), &err);
	ck_refused(governance_row(o.store, LOG_ROSTER_CHANGE, LOG_ROSTER_NAME,
				  head, &err),
		   "store.governance");
	ck_refused(governance_row(o.store, LOG_ROSTER_CHANGE, LOG_ROSTER_NAME,
				  head + 1, &err),
		   "store.governance");
	store_rollback(&t);
	buf_release(&bytes);
}
END_TEST

/* Two that name the same one before: the log itself is no chain. */
START_TEST(test_take)
{
	CLEANUP(log_hasher_release) struct log_hasher h = LOG_HASHER_INIT;
	struct governance g = GOVERNANCE_INIT, start = GOVERNANCE_INIT;
	const struct log_who who = { 1, "a" };
	const struct span bytes = { (const uint8_t *)"x", 1 };
	uint8_t digest[32] = { 0 };
	struct log_entry e;
	bool counts;

	err_init(&err);
	unit_ok(log_hasher_init(&h, &err), &err);
	log_template_adopt(&e, &who, "t", 1, digest, NULL);
	unit_ok(governance_take(&g, &h, bytes, &e, 0, false, &counts, &err),
		&err);
	ck_assert(!counts && g.head == LOG_NO_PREV && g.size == 1);
	ck_assert_mem_eq(g.chain, start.chain, 32);
	unit_ok(governance_take(&g, &h, bytes, &e, 1, true, &counts, &err),
		&err);
	ck_assert(counts && g.head == 1);
	log_clock_accept(&e, &who, NULL, NULL);
	ck_refused(governance_take(&g, &h, bytes, &e, 2, true, &counts, &err),
		   "store.governance");
	log_fact_prev(&e, 0);
	ck_refused(governance_take(&g, &h, bytes, &e, 2, true, &counts, &err),
		   "store.governance");
	log_clock_accept(&e, &who, NULL, NULL);
	log_fact_prev(&e, 1);
	unit_ok(governance_take(&g, &h, bytes, &e, 2, true, &counts, &err),
		&err);
	ck_assert(counts && g.head == 2 && g.size == 3);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("governance");
	TCase *t = tcase_create("all");

	tcase_add_unchecked_fixture(t, fix_make_base, NULL);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, test_file);
	tcase_add_test(t, test_bad_file);
	tcase_add_test(t, test_behind);
	tcase_add_test(t, test_row);
	tcase_add_test(t, test_take);
	suite_add_tcase(suite, t);
	return suite;
}

int main(void)
{
	return unit_run(suite());
}
