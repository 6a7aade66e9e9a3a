/* Sealed bytes in rows and in the file: which go where, and how they are read.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <sqlite3.h>

#include "lib/store/sqlite.h"
#include "lib/store/sqlite_impl.h"
#include "tests/unit/store_fix.h"
#include "tests/unit/unit.h"

#define ROW_MAX 65536u /* bytes of a transaction that become a row */

static struct store *s;
static struct err err;
static char path[256], file[256];

static void setup(void)
{
	err_init(&err);
	unit_ok(fix_store(unit_tmp(), path, &s, &err), &err);
	snprintf(file, sizeof(file), "%.*s" SEALED_NAME,
		 (int)(strrchr(path, '/') + 1 - path), path);
}

static void teardown(void)
{
	store_close(s);
}

static off_t in_file(void)
{
	struct stat st;

	ck_assert(stat(file, &st) == 0);
	return st.st_size;
}

static int64_t in_rows(void)
{
	sqlite3_stmt *st;
	int64_t n;

	ck_assert(sqlite3_prepare_v2(
			  to_sqlite(s)->db,
			  "SELECT coalesce(sum(length(bytes)), 0) FROM sealed",
			  -1, &st, NULL) == SQLITE_OK);
	ck_assert(sqlite3_step(st) == SQLITE_ROW);
	n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

/* What the byte at an offset is. */
static uint8_t at(uint64_t offset)
{
	return (uint8_t)(offset * 7 + offset / 251);
}

/* Appends len bytes to the open transaction, where want says. */
static void append(size_t len, uint64_t want)
{
	uint64_t offset;
	struct buf b;

	buf_init(&b, SIZE_MAX / 2);
	for (size_t i = 0; i < len; i++)
		buf_put_u8(&b, at(want + i));
	unit_ok(store_sealed_append(s, buf_span(&b), &offset, &err), &err);
	ck_assert(offset == want);
	buf_release(&b);
}

static void append_alone(size_t len, uint64_t want)
{
	STORE_TXN t = STORE_TXN_INIT;

	unit_ok(store_begin(s, STORE_WRITE, &t, &err), &err);
	append(len, want);
	unit_ok(store_commit(&t, &err), &err);
}

static void ck_read(uint64_t offset, size_t len)
{
	struct buf b;

	buf_init(&b, len);
	unit_ok(store_sealed_read(s, offset, len, &b, &err), &err);
	ck_assert_uint_eq(b.len, len);
	for (size_t i = 0; i < len; i++)
		ck_assert(b.data[i] == at(offset + i));
	buf_release(&b);
}

static void ck_split(off_t want_file, int64_t want_rows)
{
	struct store_counts c;

	ck_assert_int_eq(in_file(), want_file);
	ck_assert_int_eq(in_rows(), want_rows);
	unit_ok(store_counts(s, &c, &err), &err);
	ck_assert_int_eq((int64_t)c.sealed_len, want_file + want_rows);
}

START_TEST(small_ones_are_rows)
{
	append_alone(1000, 0);
	append_alone(ROW_MAX, 1000);
	ck_split(0, 1000 + ROW_MAX);
	ck_read(0, 1000 + ROW_MAX);
	ck_read(999, 2);
	/* Nothing appended, nothing written. */
	append_alone(0, 1000 + ROW_MAX);
	ck_split(0, 1000 + ROW_MAX);
	/* One larger takes the others with it. */
	append_alone(ROW_MAX + 1, 1000 + ROW_MAX);
	ck_split(1000 + 2 * ROW_MAX + 1, 0);
	ck_read(0, 1000 + 2 * ROW_MAX + 1);
	append_alone(5, 1000 + 2 * ROW_MAX + 1);
	ck_split(1000 + 2 * ROW_MAX + 1, 5);
	ck_read(1000, 2 * ROW_MAX + 6);
	unit_ok(store_check(s, &err), &err);
}
END_TEST

START_TEST(many_rows_are_moved)
{
	uint64_t end = 0;

	for (; end + 60000 <= STORE_SEALED_ROWS_MAX; end += 60000)
		append_alone(60000, end);
	ck_split(0, (int64_t)end);
	append_alone(60000, end);
	ck_split((off_t)end + 60000, 0);
	ck_read(0, (size_t)end + 60000);
	unit_ok(store_check(s, &err), &err);
}
END_TEST

/* In one transaction: of the file, of rows, just gathered, just written. */
START_TEST(is_read_where_it_is)
{
	STORE_TXN t = STORE_TXN_INIT;
	const uint64_t rows = ROW_MAX + 1, gathered = rows + 300;

	append_alone(ROW_MAX + 1, 0);
	append_alone(100, rows);
	append_alone(200, rows + 100);
	unit_ok(store_begin(s, STORE_WRITE, &t, &err), &err);
	append(50, gathered);
	ck_assert_int_eq(in_rows(), 300);
	ck_read(0, gathered + 50);
	ck_read(gathered - 1, 2);
	ck_read(gathered + 49, 1);
	ck_read(rows - 1, 302);
	/* More than is kept in memory: all goes to the file. */
	append(SEALED_GATHER_MAX, gathered + 50);
	ck_assert_int_eq(in_rows(), 0);
	ck_read(0, gathered + 50 + SEALED_GATHER_MAX);
	store_rollback(&t);
	ck_assert_int_eq(in_rows(), 300);
	ck_read(0, gathered);
	/* What that left in the file is cut off by who writes next. */
	append_alone(1, gathered);
	ck_split(ROW_MAX + 1, 301);
	ck_read(0, gathered + 1);
}
END_TEST

/* A refused append leaves the moved rows in the transaction. */
START_TEST(too_many_at_once)
{
	static const uint8_t bytes[STORE_SEALED_TXN_MAX];
	STORE_TXN t = STORE_TXN_INIT;
	uint64_t offset;

	append_alone(10, 0);
	unit_ok(store_begin(s, STORE_WRITE, &t, &err), &err);
	unit_refused(store_sealed_append(s,
					 (struct span){ bytes, sizeof(bytes) },
					 &offset, &err),
		     PV_INPUT, "store.size", &err);
	err_init(&err);
	unit_ok(store_commit(&t, &err), &err);
	ck_split(10, 0);
	ck_read(0, 10);
}
END_TEST

static void tamper(const char *sql)
{
	ck_assert(sqlite3_exec(to_sqlite(s)->db, sql, NULL, NULL, NULL) ==
		  SQLITE_OK);
}

static void read_refused(uint64_t offset, size_t len, const char *rule)
{
	struct buf b;

	buf_init(&b, len);
	unit_refused(store_sealed_read(s, offset, len, &b, &err), PV_INTEGRITY,
		     rule, &err);
	err_init(&err);
	buf_release(&b);
}

static const struct damage {
	const char *sql, *rule;
} damages[] = {
	{ "DELETE FROM sealed WHERE start = 100", "store.corrupt" },
	{ "DELETE FROM sealed WHERE start = 0", "store.corrupt" },
	{ "DELETE FROM sealed WHERE start = 200", "store.sealed" },
	{ "DELETE FROM sealed", "store.sealed" },
	{ "UPDATE sealed SET bytes = substr(bytes, 2) WHERE start = 100",
	  "store.corrupt" },
	{ "UPDATE sealed SET start = 101 WHERE start = 100", "store.corrupt" },
	{ "UPDATE sealed SET bytes = x'' WHERE start = 200", "store.corrupt" },
	{ "UPDATE sealed SET start = 9000000 WHERE start = 200",
	  "store.corrupt" },
	{ "INSERT INTO sealed VALUES (-5, x'0102030405')", "store.corrupt" },
};

START_TEST(damaged_rows_are_refused)
{
	const struct damage *d = &damages[_i];
	STORE_TXN t = STORE_TXN_INIT;

	for (uint64_t i = 0; i < 3; i++)
		append_alone(100, 100 * i);
	tamper(d->sql);
	read_refused(0, 300, d->rule);
	/* Cut off at the end, the rows are whole: their bundles tell. */
	if (strcmp(d->rule, "store.corrupt") != 0)
		return;
	unit_refused(store_check(s, &err), PV_INTEGRITY, d->rule, &err);
	err_init(&err);
	if (store_begin(s, STORE_WRITE, &t, &err) == PV_OK) {
		append(10, 300);
		append(ROW_MAX, 310);
		unit_refused(store_commit(&t, &err), PV_INTEGRITY, d->rule,
			     &err);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store_sealed");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, small_ones_are_rows);
	tcase_add_test(t, many_rows_are_moved);
	tcase_add_test(t, is_read_where_it_is);
	tcase_add_test(t, too_many_at_once);
	tcase_add_loop_test(t, damaged_rows_are_refused, 0,
			    sizeof(damages) / sizeof(damages[0]));
	suite_add_tcase(suite, t);
	return unit_run(suite);
}
