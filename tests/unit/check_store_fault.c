/* A disk that is full or fails, and a store that another process holds. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/store/sqlite.h"
#include "lib/store/sqlite_impl.h"
#include "tests/unit/store_fix.h"
#include "tests/unit/unit.h"

static struct store *s;
static struct err err;
static char path[256];
static struct fix_device dev;
static uint32_t first;

static void setup(void)
{
	STORE_TXN t = STORE_TXN_INIT;

	err_init(&err);
	unit_ok(fix_store(unit_tmp(), path, &s, &err), &err);
	unit_ok(store_begin(s, STORE_WRITE, &t, &err), &err);
	unit_ok(fix_template(s, "gateway", 1, &err), &err);
	unit_ok(store_serial_lend(s, 4, &first, &err), &err);
	unit_ok(store_commit(&t, &err), &err);
	fix_device(&dev, 1, 0, first);
}

static void teardown(void)
{
	store_close(s);
}

static void exec(const char *sql)
{
	ck_assert(sqlite3_exec(to_sqlite(s)->db, sql, NULL, NULL, NULL) ==
		  SQLITE_OK);
}

static void refused(enum pv_code rc, enum pv_code want, const char *rule)
{
	unit_refused(rc, want, rule, &err);
	ck_assert(err.hint[0] != '\0');
	err_init(&err);
}

static enum pv_code no_bundle(void *ctx, const struct store_bundle *b,
			      struct err *why)
{
	(void)ctx;
	(void)b;
	(void)why;
	return PV_OK;
}

/* After any fault: the store opens, is whole and takes the device. */
static void ck_goes_on(void)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_device d;
	uint64_t index;
	bool found;

	store_close(s);
	unit_ok(store_sqlite_open(path, &s, &err), &err);
	unit_ok(store_check(s, &err), &err);
	unit_ok(store_device_get(s, dev.intent.s.device, &d, &found, &err),
		&err);
	ck_assert(!found);
	unit_ok(store_begin(s, STORE_WRITE, &t, &err), &err);
	unit_ok(store_reserve(s, &dev.intent, &index, &err), &err);
	ck_assert(index == 0);
	unit_ok(fix_complete(s, &dev, &err), &err);
	unit_ok(store_commit(&t, &err), &err);
	unit_ok(store_check(s, &err), &err);
}

START_TEST(test_full)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct span large = { NULL, 0 };
	struct buf b;
	uint8_t id[STORE_UUID] = { 1 };

	buf_init(&b, 1u << 22);
	ck_assert(buf_room(&b, 1u << 21) != NULL);
	buf_commit(&b, 1u << 21);
	large = buf_span(&b);
	exec("PRAGMA max_page_count = 100");
	unit_ok(store_begin(s, STORE_WRITE, &t, &err), &err);
	refused(store_datakey_put(s, id, large, &err), PV_STORAGE,
		"store.full");
	/* What failed once cannot be committed, nor worked on. */
	unit_refused(store_datakey_put(s, id, large, &err), PV_INTERNAL,
		     "store.transaction", &err);
	err_init(&err);
	unit_refused(store_commit(&t, &err), PV_INTERNAL, "store.transaction",
		     &err);
	err_init(&err);
	buf_release(&b);
	ck_goes_on();
}
END_TEST

/* Every write past n bytes of a file fails, in a child, for many n. */
static int limited(rlim_t n)
{
	struct rlimit limit = { n, n };
	STORE_TXN t = STORE_TXN_INIT;
	uint64_t index;
	enum pv_code rc;

	err_init(&err);
	if (store_sqlite_open(path, &s, &err) != PV_OK ||
	    signal(SIGXFSZ, SIG_IGN) == SIG_ERR ||
	    setrlimit(RLIMIT_FSIZE, &limit) != 0)
		return 99;
	rc = store_begin(s, STORE_WRITE, &t, &err);
	if (rc == PV_OK)
		rc = store_reserve(s, &dev.intent, &index, &err);
	if (rc == PV_OK)
		rc = fix_complete(s, &dev, &err);
	if (rc == PV_OK)
		rc = store_commit(&t, &err);
	store_rollback(&t);
	if (rc == PV_STORAGE && (!err.hint[0] || !err.rule[0]))
		return 98;
	/* The handle stands, and refuses or works. */
	err_init(&err);
	if (store_begin(s, STORE_WRITE, &t, &err) == PV_OK)
		store_rollback(&t);
	store_close(s);
	return (int)rc;
}

START_TEST(test_write_fails)
{
	unsigned failed = 0;

	store_close(s);
	s = NULL;
	for (rlim_t n = 0; n < 200000; n += 9973) {
		int status;
		pid_t pid = fork();

		ck_assert(pid >= 0);
		if (pid == 0)
			_exit(limited(n));
		ck_assert(waitpid(pid, &status, 0) == pid);
		ck_assert(WIFEXITED(status));
		if (WEXITSTATUS(status) == PV_OK)
			break;
		ck_assert_int_eq(WEXITSTATUS(status), PV_STORAGE);
		failed++;
		unit_ok(store_sqlite_open(path, &s, &err), &err);
		unit_ok(store_check(s, &err), &err);
		store_close(s);
		s = NULL;
	}
	ck_assert(failed >= 1);
	unit_ok(store_sqlite_open(path, &s, &err), &err);
	unit_ok(store_check(s, &err), &err);
}
END_TEST

/* A sync that fails ends writing through the handle. */
START_TEST(test_sync_fails)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct sqlite_store *impl = to_sqlite(s);
	int fd = impl->sealed.fd;
	int ends[2];
	static const uint8_t bytes[FIX_LARGE];
	struct span large = { bytes, sizeof(bytes) };
	uint64_t index, offset;

	ck_assert(pipe(ends) == 0);
	unit_ok(store_begin(s, STORE_WRITE, &t, &err), &err);
	unit_ok(store_reserve(s, &dev.intent, &index, &err), &err);
	unit_ok(fix_complete(s, &dev, &err), &err);
	unit_ok(store_sealed_append(s, large, &offset, &err), &err);
	impl->sealed.fd = ends[0]; /* neither written nor synced */
	refused(store_commit(&t, &err), PV_STORAGE, "store.io");
	impl->sealed.fd = fd;
	refused(store_begin(s, STORE_WRITE, &t, &err), PV_STORAGE, "store.io");
	unit_ok(store_begin(s, STORE_READ, &t, &err), &err);
	unit_ok(store_commit(&t, &err), &err);
	close(ends[0]);
	close(ends[1]);
	ck_goes_on();
}
END_TEST

START_TEST(test_busy)
{
	STORE_TXN t = STORE_TXN_INIT;
	STORE_TXN mine = STORE_TXN_INIT;
	struct store *other;
	struct store_counts c;

	unit_ok(store_sqlite_open(path, &other, &err), &err);
	unit_ok(store_begin(other, STORE_WRITE, &t, &err), &err);
	unit_ok(fix_template(other, "x", 1, &err), &err);
	ck_assert(sqlite3_busy_timeout(to_sqlite(s)->db, 20) == SQLITE_OK);
	refused(store_begin(s, STORE_WRITE, &mine, &err), PV_STORAGE,
		"store.busy");
	/* Readers are not kept out, and see nothing of it. */
	unit_ok(store_counts(s, &c, &err), &err);
	unit_ok(store_commit(&t, &err), &err);
	unit_ok(store_begin(s, STORE_WRITE, &mine, &err), &err);
	store_rollback(&mine);
	store_close(other);
	ck_goes_on();
}
END_TEST

/* A reader's view does not move while another process writes. */
START_TEST(test_view)
{
	STORE_TXN view = STORE_TXN_INIT;
	STORE_TXN t = STORE_TXN_INIT;
	struct store *other;
	struct store_device d;
	uint64_t index;
	uint64_t size;
	bool found;

	unit_ok(store_sqlite_open(path, &other, &err), &err);
	unit_ok(store_begin(s, STORE_READ, &view, &err), &err);
	unit_ok(store_begin(other, STORE_WRITE, &t, &err), &err);
	unit_ok(store_reserve(other, &dev.intent, &index, &err), &err);
	unit_ok(store_commit(&t, &err), &err);
	unit_ok(store_device_get(s, dev.intent.s.device, &d, &found, &err),
		&err);
	ck_assert(!found);
	unit_ok(store_log_size(s, &size, &err), &err);
	ck_assert(size == 0);
	unit_ok(store_check(s, &err), &err);
	unit_ok(store_commit(&view, &err), &err);
	unit_ok(store_device_get(s, dev.intent.s.device, &d, &found, &err),
		&err);
	ck_assert(found);
	unit_ok(store_log_size(s, &size, &err), &err);
	ck_assert(size == 1);
	store_close(other);
}
END_TEST

/* A damaged row is refused to who asks for it; the others go on. */
START_TEST(test_damaged_row)
{
	struct store_visit v = { .fn.bundle = no_bundle };
	STORE_TXN t = STORE_TXN_INIT;
	struct fix_device other;
	uint64_t index;

	unit_ok(store_begin(s, STORE_WRITE, &t, &err), &err);
	unit_ok(store_reserve(s, &dev.intent, &index, &err), &err);
	unit_ok(fix_complete(s, &dev, &err), &err);
	unit_ok(store_commit(&t, &err), &err);
	exec("UPDATE bundle SET bh = x'00'");
	fix_device(&other, 1, 1, first + 1);
	unit_ok(store_begin(s, STORE_WRITE, &t, &err), &err);
	refused(store_bundle_each(s, first, &v, &err), PV_INTEGRITY,
		"store.corrupt");
	unit_ok(store_reserve(s, &other.intent, &index, &err), &err);
	unit_ok(fix_complete(s, &other, &err), &err);
	unit_ok(store_commit(&t, &err), &err);
	unit_ok(store_check(s, &err), &err);
}
END_TEST

/* Keys that were read in part are never taken for all of them. */
START_TEST(test_damaged_keys)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_device d;
	uint64_t index;
	bool found;

	unit_ok(store_begin(s, STORE_WRITE, &t, &err), &err);
	unit_ok(store_reserve(s, &dev.intent, &index, &err), &err);
	unit_ok(store_commit(&t, &err), &err);
	exec("UPDATE recent SET keys = CAST(keys || x'00' AS BLOB)");
	store_close(s);
	unit_ok(store_sqlite_open(path, &s, &err), &err);
	for (int i = 0; i < 3; i++)
		refused(store_device_get(s, dev.intent.s.device, &d, &found,
					 &err),
			PV_INTEGRITY, "store.corrupt");
}
END_TEST

/* Half of what was gathered is in the file: the rest is read from memory. */
START_TEST(test_half_flush)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct rlimit limit = { 700, RLIM_INFINITY };
	struct buf want;
	struct buf got;
	uint64_t offset;

	buf_init(&want, SEALED_GATHER_MAX);
	buf_init(&got, 4096);
	for (unsigned i = 0; i < SEALED_GATHER_MAX; i++)
		buf_put_u8(&want, (uint8_t)(i * 7));
	ck_assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	unit_ok(store_begin(s, STORE_WRITE, &t, &err), &err);
	want.len = 1000;
	unit_ok(store_sealed_append(s, buf_span(&want), &offset, &err), &err);
	want.len = SEALED_GATHER_MAX;
	ck_assert(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	refused(store_sealed_append(s, buf_span(&want), &offset, &err),
		PV_STORAGE, "store.io");
	limit.rlim_cur = RLIM_INFINITY;
	ck_assert(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	want.len = 1000;
	unit_ok(store_sealed_read(s, 0, 1000, &got, &err), &err);
	ck_assert(span_equal(buf_span(&want), buf_span(&got)));
	unit_refused(store_commit(&t, &err), PV_INTERNAL, "store.transaction",
		     &err);
	err_init(&err);
	buf_release(&want);
	buf_release(&got);
	ck_goes_on();
}
END_TEST

START_TEST(test_exhausted)
{
	STORE_TXN t = STORE_TXN_INIT;
	uint32_t n;

	exec("UPDATE state SET serial_next = 2147483646");
	unit_ok(store_begin(s, STORE_WRITE, &t, &err), &err);
	refused(store_serial_lend(s, 3, &n, &err), PV_STORAGE,
		"store.exhausted");
	unit_ok(store_serial_lend(s, 2, &n, &err), &err);
	ck_assert(n == 0x7ffffffe);
	unit_ok(store_commit(&t, &err), &err);
	unit_ok(store_begin(s, STORE_WRITE, &t, &err), &err);
	refused(store_serial_lend(s, 1, &n, &err), PV_STORAGE,
		"store.exhausted");
	/* The last number can be used. */
	dev.intent.s.number = STORE_SERIAL_LAST;
	memset(dev.intent.s.serial, 0xff, 4);
	dev.intent.s.serial[0] = 0x7f;
	{
		uint64_t index;

		unit_ok(store_reserve(s, &dev.intent, &index, &err), &err);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("store_fault");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_full);
	tcase_add_test(t, test_write_fails);
	tcase_add_test(t, test_sync_fails);
	tcase_add_test(t, test_busy);
	tcase_add_test(t, test_view);
	tcase_add_test(t, test_exhausted);
	tcase_add_test(t, test_damaged_row);
	tcase_add_test(t, test_damaged_keys);
	tcase_add_test(t, test_half_flush);
	suite_add_tcase(suite, t);
	return suite;
}

int main(void)
{
	return unit_run(suite());
}
