/*
 * SIGKILL while groups are being written: after reopening, everything that was
 * acknowledged is there, nothing is there by half, and writing goes on.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/store/sqlite.h"
#include "tests/unit/store_fix.h"
#include "tests/unit/unit.h"

#define KILLS 50u
#define GROUP 4u
#define GROUP_MAX 16u /* its sealed bytes go to the file, with earlier ones */
#define WAIT_MS 20000u
#define SEED 20260101u

/* Shared with the child: what commit has returned PV_OK for. */
struct told {
	volatile uint32_t reserved, completed; /* devices, counted from 0 */
	volatile uint32_t group;	       /* devices under way */
};

static struct err err;
static char path[256];

static void setup(void)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store *s;

	err_init(&err);
	unit_ok(fix_store(unit_tmp(), path, &s, &err), &err);
	unit_ok(store_begin(s, STORE_WRITE, &t, &err), &err);
	unit_ok(fix_template(s, "gateway", 1, &err), &err);
	unit_ok(store_commit(&t, &err), &err);
	store_close(s);
}

static enum pv_code one_group(struct store *s, struct told *told,
			      struct fix_device *d)
{
	uint32_t from = told->reserved;
	uint32_t n = from / GROUP % 3 == 2 ? GROUP_MAX : GROUP;
	uint32_t first;
	uint64_t index;
	STORE_TXN t = STORE_TXN_INIT;
	enum pv_code rc = store_begin(s, STORE_WRITE, &t, &err);

	told->group = n;
	if (rc == PV_OK)
		rc = store_serial_lend(s, n, &first, &err);
	for (uint32_t i = 0; rc == PV_OK && i < n; i++) {
		fix_device(&d[i], 1, from + i, first + i);
		rc = store_reserve(s, &d[i].intent, &index, &err);
	}
	if (rc == PV_OK)
		rc = store_commit(&t, &err);
	if (rc != PV_OK)
		return rc;
	told->reserved = from + n;
	rc = store_begin(s, STORE_WRITE, &t, &err);
	for (uint32_t i = 0; rc == PV_OK && i < n; i++)
		rc = fix_complete(s, &d[i], &err);
	if (rc == PV_OK)
		rc = store_commit(&t, &err);
	if (rc == PV_OK)
		told->completed = from + n;
	return rc;
}

/* Issues groups until it is killed; ends only when something fails. */
static void child(struct told *told)
{
	static struct fix_device d[GROUP_MAX];
	struct store *s;

	if (store_sqlite_open(path, &s, &err) != PV_OK)
		_exit(9);
	while (one_group(s, told, d) == PV_OK)
		;
	fprintf(stderr, "%s: %s\n", err.rule, err.message);
	_exit(9);
}

struct tail { /* of an iteration over intents */
	struct store *s;
	struct told *told;
	uint32_t n;
};

/* Devices of one group are there all or none. */
static bool known(struct store *s, uint32_t n, struct store_device *d)
{
	static struct fix_device f;
	bool found;

	fix_device(&f, 1, n, 0);
	unit_ok(store_device_get(s, f.intent.s.device, d, &found, &err), &err);
	return found;
}

static void ck_sealed(struct store *s, uint32_t n)
{
	static struct fix_device f;
	struct store_bundle b;
	struct buf bytes;
	bool found;

	fix_device(&f, 1, n, 0);
	buf_init(&bytes, 1u << 20);
	unit_ok(store_bundle_find(s, f.bundle.id, &b, &found, &err), &err);
	ck_assert(found);
	unit_ok(store_sealed_read(s, b.offset, b.len, &bytes, &err), &err);
	ck_assert_mem_eq(bytes.data, f.sealed, FIX_SEALED);
	buf_release(&bytes);
}

/* Moves told on to what the store really has, and checks that it may. */
static void take_stock(struct store *s, struct told *told)
{
	uint32_t n = told->reserved;
	struct store_device d;

	for (uint32_t i = 0; i < n; i += 3)
		ck_assert(known(s, i, &d));
	for (uint32_t i = 0; i < told->completed; i += 7)
		ck_sealed(s, i);
	/* At most one group was committed and not yet told. */
	if (known(s, n, &d))
		told->reserved = n + told->group;
	for (uint32_t i = n; i < n + 2 * GROUP_MAX; i++)
		ck_assert(known(s, i, &d) == (i < told->reserved));
	if (told->completed == told->reserved)
		return;
	ck_assert(known(s, told->completed, &d));
	n = told->reserved;
	for (uint32_t i = told->completed; i < n; i++) {
		bool done = d.state == STORE_ISSUED;

		ck_assert(known(s, i, &d));
		ck_assert((d.state == STORE_ISSUED) == done);
		if (done)
			ck_sealed(s, i);
	}
}

static enum pv_code finish_one(void *ctx, const struct store_intent *i,
			       struct err *e)
{
	struct tail *tail = ctx;
	static struct fix_device f[2 * GROUP_MAX];
	uint32_t n;

	ck_assert(tail->n < 2 * GROUP_MAX);
	/* Which one it is: found by its name. */
	for (n = tail->told->completed;; n++) {
		ck_assert(n < tail->told->reserved);
		fix_device(&f[tail->n], 1, n, i->s.number);
		if (strcmp(f[tail->n].intent.s.device, i->s.device) == 0)
			break;
	}
	ck_assert(span_equal(i->tbs, f[tail->n].intent.tbs));
	ck_assert(span_equal(i->secrets, f[tail->n].intent.secrets));
	tail->n++;
	return fix_complete(tail->s, &f[tail->n - 1], e);
}

static void resume(struct told *told)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct tail tail = { .told = told };
	const struct store_visit v = { &tail, { .intent = finish_one } };
	struct store_counts c;
	struct store *s;

	unit_ok(store_sqlite_open(path, &s, &err), &err);
	unit_ok(store_check(s, &err), &err);
	take_stock(s, told);
	tail.s = s;
	unit_ok(store_begin(s, STORE_WRITE, &t, &err), &err);
	unit_ok(store_intent_each(s, &v, &err), &err);
	unit_ok(store_commit(&t, &err), &err);
	told->completed = told->reserved;
	unit_ok(store_counts(s, &c, &err), &err);
	ck_assert(c.reserved == 0 && c.devices == told->reserved);
	ck_assert(c.log_size == 3 * c.devices);
	ck_assert(c.sealed_len == (uint64_t)FIX_SEALED * c.devices);
	store_close(s);
}

static void nap(unsigned us)
{
	struct timespec t = { 0, (long)us * 1000 };

	nanosleep(&t, NULL);
}

/*
 * Lets the child work: sometimes only start, mostly commit a few groups, and
 * then for a moment more, so that the kill falls anywhere.
 */
static void let_run(const struct told *told, uint32_t seed)
{
	uint32_t goal = told->reserved + (seed >> 8) % 4 * GROUP;

	nap((seed >> 12) % 3000);
	for (unsigned ms = 0; told->reserved < goal && ms < WAIT_MS; ms++)
		nap(1000);
	nap((seed >> 16) % 3000);
}

START_TEST(test_kill)
{
	struct told *told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint32_t seed = SEED;

	ck_assert(told != MAP_FAILED);
	for (unsigned i = 0; i < KILLS; i++) {
		pid_t pid = fork();
		int status;

		ck_assert(pid >= 0);
		if (pid == 0)
			child(told);
		seed = seed * 1103515245u + 12345u;
		let_run(told, seed);
		ck_assert(kill(pid, SIGKILL) == 0);
		ck_assert(waitpid(pid, &status, 0) == pid);
		ck_assert_msg(WIFSIGNALED(status), "the child failed");
		resume(told);
	}
	ck_assert(told->completed >= KILLS * GROUP);
	munmap(told, sizeof(*told));
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("store_crash");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_set_timeout(t, 300);
	tcase_add_test(t, test_kill);
	suite_add_tcase(suite, t);
	return suite;
}

int main(void)
{
	return unit_run(suite());
}
