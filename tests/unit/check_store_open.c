/* Creating and opening; files that are not as they should be. */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fileio.h"
#include "lib/store/sealed.h"
#include "lib/store/sqlite.h"
#include "tests/unit/store_fix.h"
#include "tests/unit/unit.h"

static const struct store_meta meta = { "ACME", "log.acme.example/1",
					FIX_TIME };
static struct err err;
static char path[256]; /* of a closed store with two devices */
static char sealed[256];
#define IN_FILE (FIX_SEALED + FIX_LARGE) /* bytes of it */

static void refused(enum pv_code rc, enum pv_code want, const char *rule)
{
	unit_refused(rc, want, rule, &err);
	err_init(&err);
}

static void open_refused(enum pv_code want, const char *rule)
{
	struct store *s = NULL;

	refused(store_sqlite_open(path, &s, &err), want, rule);
	ck_assert(s == NULL);
}

/* A store with one issued device and one open intent. */
static void setup(void)
{
	static struct fix_device d[2];
	STORE_TXN t = STORE_TXN_INIT;
	struct store *s;
	uint32_t first;
	uint64_t index;

	err_init(&err);
	unit_ok(fix_store(unit_tmp(), path, &s, &err), &err);
	snprintf(sealed, sizeof(sealed), "%.*s" SEALED_NAME,
		 (int)(strrchr(path, '/') + 1 - path), path);
	unit_ok(store_begin(s, STORE_WRITE, &t, &err), &err);
	unit_ok(fix_template(s, "gateway", 1, &err), &err);
	unit_ok(store_serial_lend(s, 2, &first, &err), &err);
	for (uint32_t i = 0; i < 2; i++) {
		fix_device(&d[i], 1, i, first + i);
		unit_ok(store_reserve(s, &d[i].intent, &index, &err), &err);
	}
	unit_ok(fix_complete(s, &d[0], &err), &err);
	unit_ok(store_commit(&t, &err), &err);
	unit_ok(fix_large(s, &err), &err);
	store_close(s);
}

/* Runs SQL on the database behind the store's back. */
static void tamper(const char *sql)
{
	sqlite3 *db;
	char *why = NULL;

	ck_assert(sqlite3_open(path, &db) == SQLITE_OK);
	ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &why) == SQLITE_OK,
		      "%s", why);
	ck_assert(sqlite3_close(db) == SQLITE_OK);
}

START_TEST(test_modes)
{
	struct stat st;

	ck_assert(stat(path, &st) == 0);
	ck_assert((st.st_mode & 07777) == 0600);
	ck_assert(stat(sealed, &st) == 0);
	ck_assert((st.st_mode & 07777) == 0600);
	ck_assert(chmod(path, 0602) == 0);
	open_refused(PV_DENIED, "file.writable");
	ck_assert(chmod(path, 0620) == 0);
	open_refused(PV_DENIED, "file.writable");
	ck_assert(chmod(path, 0640) == 0);
	ck_assert(chmod(sealed, 0666) == 0);
	open_refused(PV_DENIED, "file.writable");
}
END_TEST

START_TEST(test_create_refused)
{
	struct store_meta none = meta;
	char other[300];

	refused(store_sqlite_create(path, &meta, &err), PV_CONFLICT,
		"store.exists");
	/* Sealed bytes of a store whose database is gone are not taken over. */
	ck_assert(unlink(path) == 0);
	refused(store_sqlite_create(path, &meta, &err), PV_CONFLICT,
		"store.exists");
	ck_assert(unlink(sealed) == 0);
	snprintf(other, sizeof(other), "%s-wal", path);
	ck_assert(unlink(other) == 0);
	ck_assert(symlink("elsewhere", path) == 0);
	refused(store_sqlite_create(path, &meta, &err), PV_CONFLICT,
		"store.exists");
	ck_assert(unlink(path) == 0);
	snprintf(other, sizeof(other), "%s/none/store.db", unit_tmp());
	refused(store_sqlite_create(other, &meta, &err), PV_NOT_FOUND,
		"dir.open");
	snprintf(other, sizeof(other), "%s/", unit_tmp());
	refused(store_sqlite_create(other, &meta, &err), PV_INPUT,
		"store.path");
	none.name[0] = '\0';
	refused(store_sqlite_create(path, &none, &err), PV_INPUT, "store.meta");
}
END_TEST

/* What a crash in creation leaves is no hindrance. */
START_TEST(test_create_again)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-journal" };
	struct store *s;
	char temp[300];

	ck_assert(unlink(path) == 0 && truncate(sealed, 0) == 0);
	open_refused(PV_NOT_FOUND, "store.missing");
	/* The old database's log would be played into the new one. */
	snprintf(temp, sizeof(temp), "%s-wal", path);
	refused(store_sqlite_create(path, &meta, &err), PV_CONFLICT,
		"store.exists");
	ck_assert(unlink(temp) == 0);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(temp, sizeof(temp), "%s.new%s", path, ends[i]);
		unit_ok(file_write(AT_FDCWD, temp, 0600, "half", 4, &err),
			&err);
	}
	unit_ok(store_sqlite_create(path, &meta, &err), &err);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(temp, sizeof(temp), "%s.new%s", path, ends[i]);
		ck_assert(access(temp, F_OK) != 0);
	}
	unit_ok(store_sqlite_open(path, &s, &err), &err);
	unit_ok(store_check(s, &err), &err);
	store_close(s);
}
END_TEST

START_TEST(test_here)
{
	struct store *s;
	char dir[256];

	snprintf(dir, sizeof(dir), "%s", path);
	*strrchr(dir, '/') = '\0';
	ck_assert(chdir(dir) == 0);
	unit_ok(store_sqlite_open("store.db", &s, &err), &err);
	store_close(s);
}
END_TEST

START_TEST(test_links)
{
	char real[300];

	snprintf(real, sizeof(real), "%s.real", path);
	ck_assert(rename(path, real) == 0);
	open_refused(PV_NOT_FOUND, "store.missing");
	ck_assert(symlink(real, path) == 0);
	open_refused(PV_DENIED, "file.type");
	ck_assert(unlink(path) == 0 && mkdir(path, 0700) == 0);
	open_refused(PV_DENIED, "file.type");
	ck_assert(rmdir(path) == 0 && mkfifo(path, 0600) == 0);
	open_refused(PV_DENIED, "file.type");
	ck_assert(unlink(path) == 0 && rename(real, path) == 0);
	snprintf(real, sizeof(real), "%s.real", sealed);
	ck_assert(rename(sealed, real) == 0);
	open_refused(PV_INTEGRITY, "store.sealed");
	ck_assert(symlink(real, sealed) == 0);
	open_refused(PV_DENIED, "file.type");
}
END_TEST

START_TEST(test_foreign)
{
	static const char text[] = "this is a text file and no database, "
				   "however long it may be";

	tamper("PRAGMA user_version = 4");
	open_refused(PV_STORAGE, "store.version");
	tamper("PRAGMA user_version = 5; PRAGMA application_id = 7");
	open_refused(PV_INTEGRITY, "store.format");
	ck_assert(unlink(path) == 0);
	tamper("CREATE TABLE t (a)");
	open_refused(PV_INTEGRITY, "store.format");
	unit_ok(file_write(AT_FDCWD, path, 0600, text, sizeof(text), &err),
		&err);
	open_refused(PV_INTEGRITY, "store.corrupt");
	unit_ok(file_write(AT_FDCWD, path, 0600, "", 0, &err), &err);
	open_refused(PV_INTEGRITY, "store.format");
}
END_TEST

static const char *const schemas[] = {
	"CREATE TABLE extra (a)",
	"CREATE VIEW v AS SELECT * FROM device",
	"CREATE INDEX i ON device (device)",
	"CREATE TRIGGER t AFTER INSERT ON cert BEGIN DELETE FROM log; END",
	"DROP TABLE tile",
	"ALTER TABLE cert ADD COLUMN more TEXT",
};

START_TEST(test_schema)
{
	tamper(schemas[_i]);
	open_refused(PV_INTEGRITY, "store.schema");
}
END_TEST

START_TEST(test_journal)
{
	tamper("PRAGMA journal_mode = DELETE");
	open_refused(PV_INTEGRITY, "store.corrupt");
}
END_TEST

static const char *const states[] = {
	"DELETE FROM state",
	"UPDATE state SET tree = x'00'",
	"UPDATE state SET tree = x'0000000000000007'",
	"DELETE FROM meta",
	"UPDATE meta SET salt = x'00'",
};

START_TEST(test_state)
{
	struct store *s = NULL;

	tamper(states[_i]);
	ck_assert(store_sqlite_open(path, &s, &err) == PV_INTEGRITY);
	ck_assert(s == NULL && err.message[0] != '\0');
}
END_TEST

/* Edits that only a check of everything finds. */
static const char *const edits[] = {
	"DELETE FROM log",
	"UPDATE log SET entries = substr(entries, 1, length(entries) - 1)",
	"UPDATE log SET entries = CAST(entries || x'0001a0' AS BLOB)",
	"UPDATE log SET entries = CAST(x'ffff' || entries AS BLOB)",
	"INSERT INTO log VALUES (99, x'0001a0')",
	"INSERT INTO tile VALUES (8, 0, x'00')",
	"DELETE FROM recent; UPDATE state SET recent_first = recent_last + 1",
	"DELETE FROM recent",
	"UPDATE recent SET keys = x'0102'",
	"INSERT INTO lookup VALUES (1, 2)",
	"UPDATE device SET device = 'ACME-EDITED' WHERE rowid = 16777216",
	"UPDATE device SET spki = zeroblob(32) WHERE rowid = 16777216",
	"UPDATE device SET seal = zeroblob(32) WHERE rowid = 16777216",
	"UPDATE device SET request = 'x' WHERE rowid = 16777216",
	"UPDATE bundle SET bundle_id = zeroblob(16)",
	"PRAGMA foreign_keys = OFF; DELETE FROM device",
	"PRAGMA foreign_keys = OFF; DELETE FROM template",
	"INSERT INTO ca VALUES (1, 'r', NULL, 'l', zeroblob(32), 1, 1, 0, "
	"x'00', zeroblob(32), 0, 0, NULL)",
	"UPDATE state SET devices = 3",
	"DELETE FROM rate",
	"UPDATE rate SET n = 0",
	"INSERT INTO rate VALUES ('gateway', 1 << 40, 1)",
	"INSERT INTO rate VALUES ('other', 1, 1)",
	"DELETE FROM ord",
	"UPDATE ord SET devices = devices + 1",
	"INSERT INTO ord VALUES ('order-8', 1, 0)",
	"UPDATE ord SET reworked = 1",
	"UPDATE device SET why = 1, replaces = 16777216, first = 16777216 "
	"WHERE rowid = 16777217",
	"UPDATE device SET current = 16777217 WHERE rowid = 16777216",
	"INSERT INTO renewal VALUES (16777216, 1, 16777217, NULL)",
	"UPDATE state SET serial_next = 16777217",
};

START_TEST(test_edits)
{
	struct store *s = NULL;
	enum pv_code rc;

	tamper(edits[_i]);
	rc = store_sqlite_open(path, &s, &err);
	if (rc == PV_OK)
		rc = store_check(s, &err);
	unit_refused(rc, PV_INTEGRITY, "store.corrupt", &err);
	store_close(s);
}
END_TEST

/* Rows that a read refuses at once. */
static const char *const rows[] = {
	"UPDATE device SET device = ''",
	"UPDATE device SET device = printf('%.65c', 'a')",
	"UPDATE device SET body = x'00'",
	"UPDATE device SET spki = x'00'",
	"UPDATE device SET serial = zeroblob(21)",
	"UPDATE device SET serial = x''",
	"UPDATE device SET state = 1",
	"UPDATE device SET state = 3",
	"UPDATE device SET state = 6",
	"UPDATE device SET state = -1",
	"UPDATE device SET role = char(0)",
	"UPDATE device SET state = 2",
	"UPDATE device SET state = 4",
	"UPDATE device SET why = 1",
	"UPDATE device SET why = 4",
	"UPDATE device SET replaces = 16777216",
	"UPDATE device SET first = 16777216",
	"INSERT INTO revocation VALUES (0, 0, 16777217, 1, 1, 1, NULL, NULL, "
	"zeroblob(16))",
	"INSERT INTO retired VALUES (16777217, 1, NULL)",
};

START_TEST(test_rows)
{
	struct store *s;
	struct store_device d;
	bool found;

	tamper(rows[_i]);
	unit_ok(store_sqlite_open(path, &s, &err), &err);
	refused(store_number_get(s, STORE_SERIAL_FIRST + 1, &d, &found, &err),
		PV_INTEGRITY, "store.corrupt");
	store_close(s);
}
END_TEST

START_TEST(test_pages)
{
	struct store *s = NULL;
	struct stat st;
	uint8_t junk[4096];
	enum pv_code rc;
	int fd;

	tamper("PRAGMA wal_checkpoint(TRUNCATE)");
	memset(junk, 0x5a, sizeof(junk));
	ck_assert(stat(path, &st) == 0);
	fd = open(path, O_RDWR);
	ck_assert(fd >= 0);
	for (off_t at = 4096 * 2; at < st.st_size; at += 4096)
		ck_assert(pwrite(fd, junk, sizeof(junk), at) == 4096);
	close(fd);
	rc = store_sqlite_open(path, &s, &err);
	if (rc == PV_OK)
		rc = store_check(s, &err);
	unit_refused(rc, PV_INTEGRITY, "store.corrupt", &err);
	store_close(s);
}
END_TEST

START_TEST(test_sealed_short)
{
	struct store *s;
	struct buf b;

	ck_assert(truncate(sealed, IN_FILE - 1) == 0);
	open_refused(PV_INTEGRITY, "store.sealed");
	/* A remnant is passed over by readers and cut off by a writer. */
	ck_assert(truncate(sealed, IN_FILE + 500) == 0);
	unit_ok(store_sqlite_open(path, &s, &err), &err);
	buf_init(&b, 1u << 17);
	refused(store_sealed_read(s, 0, IN_FILE + 1, &b, &err), PV_INTEGRITY,
		"store.sealed");
	unit_ok(store_sealed_read(s, 0, IN_FILE, &b, &err), &err);
	{
		STORE_TXN t = STORE_TXN_INIT;
		struct stat st;

		unit_ok(store_begin(s, STORE_WRITE, &t, &err), &err);
		ck_assert(stat(sealed, &st) == 0);
		ck_assert(st.st_size == IN_FILE);
	}
	ck_assert(truncate(sealed, 0) == 0);
	refused(store_sealed_read(s, 0, 1, &b, &err), PV_INTEGRITY,
		"store.sealed");
	store_close(s);
	buf_release(&b);
}
END_TEST

/* A database that is older than the sealed file cuts nothing off it. */
START_TEST(test_sealed_newer)
{
	STORE_TXN t = STORE_TXN_INIT;
	const off_t newer = IN_FILE + (off_t)STORE_SEALED_TXN_MAX + 1;
	struct store *s;
	struct stat st;

	ck_assert(truncate(sealed, newer) == 0);
	unit_ok(store_sqlite_open(path, &s, &err), &err);
	refused(store_begin(s, STORE_WRITE, &t, &err), PV_INTEGRITY,
		"store.sealed");
	ck_assert(stat(sealed, &st) == 0 && st.st_size == newer);
	ck_assert(truncate(sealed, newer - 1) == 0);
	unit_ok(store_begin(s, STORE_WRITE, &t, &err), &err);
	ck_assert(stat(sealed, &st) == 0 && st.st_size == IN_FILE);
	store_rollback(&t);
	store_close(s);
}
END_TEST

#define N(a) ((int)(sizeof(a) / sizeof((a)[0])))

static Suite *suite(void)
{
	Suite *suite = suite_create("store_open");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_modes);
	tcase_add_test(t, test_create_refused);
	tcase_add_test(t, test_create_again);
	tcase_add_test(t, test_here);
	tcase_add_test(t, test_links);
	tcase_add_test(t, test_foreign);
	tcase_add_loop_test(t, test_schema, 0, N(schemas));
	tcase_add_test(t, test_journal);
	tcase_add_loop_test(t, test_state, 0, N(states));
	tcase_add_loop_test(t, test_edits, 0, N(edits));
	tcase_add_loop_test(t, test_rows, 0, N(rows));
	tcase_add_test(t, test_pages);
	tcase_add_test(t, test_sealed_short);
	tcase_add_test(t, test_sealed_newer);
	suite_add_tcase(suite, t);
	return suite;
}

int main(void)
{
	return unit_run(suite());
}
