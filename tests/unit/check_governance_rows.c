/* What people decided, held against the log: rows that somebody edited. */
#include <unistd.h>

#include "tests/unit/governance_fix.h"

/* The newest decisions are taken out, and the file is set back to before. */
static void set_back(void)
{
	edit("PRAGMA foreign_keys=off;"
	     "CREATE TEMP TABLE h AS SELECT max(log_index) AS i FROM roster;"
	     "DELETE FROM roster WHERE log_index = (SELECT i FROM h);"
	     "DELETE FROM approval WHERE log_index > (SELECT i FROM h);"
	     "DELETE FROM governance WHERE log_index >= (SELECT i FROM h);"
	     "UPDATE state SET governance = (SELECT max(log_index) + 1 FROM "
	     "governance);");
}

START_TEST(test_set_back)
{
	char old[TEXT], raised[TEXT], now[TEXT];
	struct checkpoint_base base;
	STORE_TXN t = STORE_TXN_INIT;

	err_init(&err);
	{
		OPENED o;

		fix_open(&o, true);
		decide(&o);
		unit_ok(checkpoint_now(o.a, o.store, o.hsm, &err), &err);
		text_of(&o, old);
		unit_ok(store_begin(o.store, STORE_WRITE, &t, &err), &err);
		put_roster(&o);
		unit_ok(store_commit(&t, &err), &err);
		unit_ok(checkpoint_now(o.a, o.store, o.hsm, &err), &err);
		unit_ok(checkpoint_load(o.a, o.store, &base, &err), &err);
		text_of(&o, now);
	}
	snprintf(raised, sizeof(raised), "%.*ssize %llu%s",
		 (int)(strstr(old, "size ") - old), old,
		 (unsigned long long)base.last.size, strstr(old, "\nhead "));
	set_back();
	OPENED o;
	fix_open(&o, false);
	ck_refused(load(&o), "store.governance");
	put_text(&o, raised);
	ck_refused(load(&o), "store.governance");
	put_text(&o, old);
	ck_refused(load(&o), "store.governance");
	ck_assert(unlinkat(o.a->home_fd, GOVERNANCE_FILE, 0) == 0);
	ck_refused(load(&o), "store.governance");
}
END_TEST

static void swap_in_entry(uint64_t index, const char *from, const char *to)
{
	char sql[300];

	snprintf(sql, sizeof(sql),
		 "UPDATE log SET entries = CAST(replace(CAST(entries AS "
		 "TEXT), '%s', '%s') AS BLOB) WHERE first = %llu",
		 from, to, (unsigned long long)index);
	edit(sql);
}

/* An entry that the file has not seen, under a tile whose root is kept. */
START_TEST(test_entry_edited)
{
	struct checkpoint_base base;
	uint64_t index;

	err_init(&err);
	{
		OPENED o;

		fix_open(&o, true);
		append(&o, 300); /* past the tile of the log keys' entries */
		decide(&o);
		unit_ok(checkpoint_now(o.a, o.store, o.hsm, &err), &err);
		append(&o, 600);
		unit_ok(checkpoint_now(o.a, o.store, o.hsm, &err), &err);
		unit_ok(checkpoint_load(o.a, o.store, &base, &err), &err);
		ck_assert_uint_lt(base.file.size + 600, base.last.size + 1);
	}
	index = base.file.size + 1;
	swap_in_entry(index, "chain", "chaim");
	OPENED o;
	fix_open(&o, false);
	ck_refused(load(&o), "store.governance");
	swap_in_entry(index, "chaim", "chain");
	unit_ok(load(&o), &err);
}
END_TEST

/* A log key's row and its entry, both edited, under a tile that is kept. */
START_TEST(test_log_key)
{
	static const struct {
		const char *sql, *rule;
	} edits[] = {
		/* Nobody put that generation to use. */
		{ "UPDATE own_key SET generation = generation + 1 "
		  "WHERE purpose = 'log'",
		  "log.checkpoint" },
		{ "UPDATE own_key SET generation = 1, generated = 0 "
		  "WHERE purpose = 'log'",
		  "store.edited" },
		{ "UPDATE own_key SET generated = 1, kind = 0 "
		  "WHERE purpose = 'log'",
		  "store.edited" },
		{ "UPDATE own_key SET kind = 1, label = "
		  "replace(label, '/log/', '/lag/') WHERE purpose = 'log'",
		  "store.edited" },
	};

	err_init(&err);
	{
		OPENED o;

		fix_open(&o, true);
		append(&o, 600);
		unit_ok(checkpoint_now(o.a, o.store, o.hsm, &err), &err);
	}
	OPENED o;
	fix_open(&o, false);
	unit_ok(load(&o), &err);
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		edit(edits[i].sql);
		ck_refused(load(&o), edits[i].rule);
	}
	edit("UPDATE log SET entries = CAST(replace(CAST(entries AS TEXT), "
	     "'/log/', '/lag/') AS BLOB)");
	ck_refused(load(&o), "store.edited");
	edit("UPDATE log SET entries = CAST(replace(CAST(entries AS TEXT), "
	     "'/lag/', '/log/') AS BLOB)");
	edit("UPDATE own_key SET label = replace(label, '/lag/', '/log/')");
	unit_ok(load(&o), &err);
	edit("INSERT INTO own_key SELECT 99, 'log', 'acme/log/9', 9, kind, "
	     "key_id, spki, spki_sha256, attributes, generated, log_index, "
	     "NULL, NULL, NULL "
	     "FROM own_key "
	     "WHERE purpose = 'bundle'");
	ck_refused(load(&o), "store.edited");
	edit("DELETE FROM own_key WHERE id = 99");
	unit_ok(load(&o), &err);
}
END_TEST

/* A roster's row in the hand: each part of it counts. */
START_TEST(test_row)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_roster r;
	struct governance_row row, good;
	struct buf bytes;
	uint64_t head;
	bool found;
	OPENED o;

	err_init(&err);
	buf_init(&bytes, 100);
	fix_open(&o, false);
	unit_ok(store_begin(o.store, STORE_WRITE, &t, &err), &err);
	unit_ok(people_roster(o.store, 1, "text", &err), &err);
	unit_ok(store_roster_get(o.store, 0, &r, &bytes, &found, &err), &err);
	unit_ok(people_roster(o.store, 2, "text", &err), &err);
	unit_ok(people_clock(o.store, &err), &err);
	good = (struct governance_row){ .kind = LOG_ROSTER_CHANGE,
					.name = LOG_ROSTER_NAME,
					.index = r.index,
					.number = r.version,
					.bytes = buf_span(&bytes) };
	unit_ok(governance_row(o.store, &good, &err), &err);
	row = good;
	row.number++; /* there is such a row, with the same bytes */
	ck_refused(governance_row(o.store, &row, &err), "store.governance");
	row.index++;
	unit_ok(governance_row(o.store, &row, &err), &err);
	row.bytes.len--;
	ck_refused(governance_row(o.store, &row, &err), "store.governance");
	row = good;
	row.name = "rosters";
	ck_refused(governance_row(o.store, &row, &err), "store.governance");
	unit_ok(store_governance_head(o.store, &head, &err), &err);
	row = good;
	for (row.index = head; row.index <= head + 1; row.index++)
		ck_refused(governance_row(o.store, &row, &err),
			   "store.governance");
	row.kind = LOG_CLOCK_ACCEPT; /* it has no row */
	row.name = LOG_CLOCK_NAME;
	row.index = head;
	ck_refused(governance_row(o.store, &row, &err), "store.governance");
	store_rollback(&t);
	buf_release(&bytes);
}
END_TEST

static enum pv_code take_held(void *ctx, const struct store_held *h,
			      struct err *e)
{
	return governance_held(ctx, h, e);
}

static enum pv_code held(const struct opened *o, uint64_t id)
{
	const struct store_visit v = { o->store, { .held = take_held } };
	bool found = false;
	enum pv_code rc = store_held_get(o->store, id, &v, &found, &err);

	ck_assert(found);
	return rc;
}

/* One release is for one number, whatever other has the same request. */
START_TEST(test_held)
{
	STORE_TXN t = STORE_TXN_INIT;
	uint64_t one, two;
	OPENED o;

	err_init(&err);
	fix_open(&o, true);
	unit_ok(store_begin(o.store, STORE_WRITE, &t, &err), &err);
	unit_ok(people_held(o.store, "r-1", "D-1", &one, &err), &err);
	unit_ok(people_held(o.store, "r-1", "D-1", &two, &err), &err);
	unit_ok(people_decide(o.store, one, "r-1", STORE_RELEASED, &err), &err);
	unit_ok(store_commit(&t, &err), &err);
	unit_ok(held(&o, one), &err);
	unit_ok(held(&o, two), &err);
	unit_ok(checkpoint_now(o.a, o.store, o.hsm, &err), &err);
	unit_ok(load(&o), &err);
	edit("UPDATE held SET state = 1, decided_index = (SELECT decided_index "
	     "FROM held WHERE decided_index IS NOT NULL) "
	     "WHERE decided_index IS NULL");
	unit_ok(held(&o, one), &err);
	ck_refused(held(&o, two), "store.governance");
	ck_refused(load(&o), "store.governance");
	edit("UPDATE held SET state = 0, decided_index = NULL WHERE id = "
	     "(SELECT max(id) FROM held)");
	unit_ok(held(&o, two), &err);
	unit_ok(load(&o), &err);
	edit("UPDATE held SET source = 'line-2' WHERE state = 0");
	ck_refused(held(&o, two), "store.governance");
	edit("UPDATE held SET source = 'line-1' WHERE state = 0");
	edit("UPDATE state SET held = 0"); /* as if nothing waited */
	ck_refused(load(&o), "store.governance");
	edit("UPDATE state SET held = 1");
	unit_ok(load(&o), &err);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("governance_rows");
	TCase *t = tcase_create("all");

	tcase_add_unchecked_fixture(t, fix_make_base, NULL);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, test_row);
	tcase_add_test(t, test_held);
	tcase_add_test(t, test_entry_edited);
	tcase_add_test(t, test_log_key);
	tcase_add_test(t, test_set_back);
	suite_add_tcase(suite, t);
	return suite;
}

int main(void)
{
	return unit_run(suite());
}
