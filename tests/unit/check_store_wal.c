/* What many small commits make the store do between transactions. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/store/sqlite.h"
#include "lib/store/sqlite_impl.h"
#include "tests/unit/store_fix.h"
#include "tests/unit/unit.h"

#define MANY 16u /* small commits: more will come */
#define WAL_FULL (4000 * 4120)

static struct store *s;
static struct err err;
static char path[256], wal[272];
static uint32_t next, devices;

/* Instead of the system's, for all that is linked to this. */
static uint64_t disk_free;

int statvfs(const char *restrict name, struct statvfs *restrict fs)
{
	struct stat st;

	memset(fs, 0, sizeof(*fs));
	fs->f_frsize = 4096;
	fs->f_bavail = disk_free / 4096;
	return stat(name, &st);
}

static void setup(void)
{
	STORE_TXN t = STORE_TXN_INIT;

	err_init(&err);
	unit_ok(fix_store(unit_tmp(), path, &s, &err), &err);
	snprintf(wal, sizeof(wal), "%s-wal", path);
	unit_ok(store_begin(s, STORE_WRITE, &t, &err), &err);
	unit_ok(fix_template(s, "gateway", 1, &err), &err);
	unit_ok(store_serial_lend(s, 2000, &next, &err), &err);
	unit_ok(store_commit(&t, &err), &err);
	devices = 0;
	disk_free = UINT64_MAX / 2;
}

static void teardown(void)
{
	store_close(s);
}

static off_t wal_len(void)
{
	struct stat st;

	return stat(wal, &st) == 0 ? st.st_size : 0;
}

/* One device as a caller that waits for it has it: two commits. */
static void issue_one(bool settle)
{
	static struct fix_device d;
	STORE_TXN t = STORE_TXN_INIT;
	uint64_t index;

	fix_device(&d, 1, devices++, next++);
	unit_ok(store_begin(s, STORE_WRITE, &t, &err), &err);
	unit_ok(store_reserve(s, &d.intent, &index, &err), &err);
	unit_ok(store_commit(&t, &err), &err);
	unit_ok(store_begin(s, STORE_WRITE, &t, &err), &err);
	unit_ok(fix_complete(s, &d, &err), &err);
	unit_ok(store_commit(&t, &err), &err);
	if (settle)
		unit_ok(store_settle(s, &err), &err);
}

static void ck_whole(void)
{
	struct store_counts c;

	unit_ok(store_check(s, &err), &err);
	unit_ok(store_counts(s, &c, &err), &err);
	ck_assert_uint_eq(c.devices, devices);
	ck_assert_uint_eq(c.sealed_len, (uint64_t)devices * FIX_SEALED);
}

START_TEST(few_commits_change_nothing)
{
	for (unsigned i = 0; i < MANY / 2 - 1; i++)
		issue_one(true);
	ck_assert_int_lt(wal_len(), WAL_FULL);
}
END_TEST

/* Its length is there before it is needed, and goes when the store closes. */
START_TEST(the_log_gets_its_length_once)
{
	off_t full;

	for (unsigned i = 0; i < MANY; i++)
		issue_one(true);
	full = wal_len();
	ck_assert_int_ge(full, WAL_FULL);
	for (unsigned i = 0; i < MANY; i++)
		issue_one(true);
	ck_assert_int_eq(wal_len(), full);
	ck_whole();
	store_close(s);
	ck_assert_int_eq(wal_len(), 0);
	unit_ok(store_sqlite_open(path, &s, &err), &err);
	ck_whole();
}
END_TEST

/* Another process finds the last commit in front of the zeros. */
START_TEST(is_read_after_a_kill)
{
	pid_t pid;
	int status;

	store_close(s);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		unit_ok(store_sqlite_open(path, &s, &err), &err);
		for (unsigned i = 0; i < 2 * MANY; i++)
			issue_one(true);
		raise(SIGKILL);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_ge(wal_len(), WAL_FULL);
	devices = 2 * MANY;
	next += devices;
	unit_ok(store_sqlite_open(path, &s, &err), &err);
	ck_whole();
	issue_one(true);
	ck_whole();
}
END_TEST

/* No room for zeros: the log stays as it was, and goes on. */
START_TEST(no_room_is_no_failure)
{
	struct rlimit limit = { 4u << 20, RLIM_INFINITY };

	ck_assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	ck_assert(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	for (unsigned i = 0; i < MANY; i++)
		issue_one(true);
	ck_assert_int_lt(wal_len(), 4 << 20);
	ck_whole();
	limit.rlim_cur = RLIM_INFINITY;
	ck_assert(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	for (unsigned i = 0; i < MANY; i++) /* and is not tried again */
		issue_one(true);
	ck_assert_int_lt(wal_len(), WAL_FULL);
	ck_whole();
}
END_TEST

/* 64 MiB stay for others; with more than that and its length it is taken. */
START_TEST(a_disk_that_is_nearly_full_is_left_alone)
{
	const uint64_t enough = (64u << 20) + WAL_FULL;

	disk_free = enough - 4096;
	for (unsigned i = 0; i < 2 * MANY; i++) {
		issue_one(true);
		ck_assert_int_lt(wal_len(), WAL_FULL);
	}
	disk_free = enough + 4096;
	issue_one(true);
	ck_assert_int_ge(wal_len(), WAL_FULL);
	ck_whole();
}
END_TEST

static int64_t ask(const char *sql)
{
	sqlite3_stmt *st;
	int64_t n;

	ck_assert(sqlite3_prepare_v2(to_sqlite(s)->db, sql, -1, &st, NULL) ==
		  SQLITE_OK);
	ck_assert(sqlite3_step(st) == SQLITE_ROW);
	n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

/* No commit comes to do what settling does before it. */
START_TEST(what_is_due_is_done_between)
{
	const int64_t rows = STORE_SEALED_ROWS_MAX * 3 / 4 + 2 * FIX_SEALED;
	bool moved = false, merged = false;

	for (unsigned i = 0; i < 400; i++) {
		issue_one(true);
		ck_assert_int_lt(ask("SELECT coalesce(sum(length(bytes)), 0) "
				     "FROM sealed"),
				 rows);
		ck_assert_int_lt(ask("SELECT count(*) FROM recent"),
				 SQLITE_RECENT_MAX * 3 / 4 + 2);
		ck_assert_int_lt(to_sqlite(s)->wal_frames, 4000);
		moved |= to_sqlite(s)->sealed.committed > 0;
		merged |= ask("SELECT count(*) FROM lookup") > 0;
	}
	ck_assert(moved && merged);
	ck_whole();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store_wal");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, few_commits_change_nothing);
	tcase_add_test(t, the_log_gets_its_length_once);
	tcase_add_test(t, is_read_after_a_kill);
	tcase_add_test(t, no_room_is_no_failure);
	tcase_add_test(t, a_disk_that_is_nearly_full_is_left_alone);
	tcase_add_test(t, what_is_due_is_done_between);
	suite_add_tcase(suite, t);
	return unit_run(suite);
}
