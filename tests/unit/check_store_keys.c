/* Gathered keys and tallies by themselves, and moving keys to the table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/store/keys.h"
#include "lib/store/sqlite.h"
#include "lib/store/tally.h"
#include "tests/unit/store_fix.h"
#include "tests/unit/unit.h"

static struct err err;

static void setup(void)
{
	err_init(&err);
}

START_TEST(test_keys)
{
	struct keys k;
	uint32_t found[4];
	struct key_slot *sorted;

	keys_init(&k);
	ck_assert(keys_find(&k, 5, found, 4) == 0);
	/* Keys with equal low bits, that collide, and keys given twice. */
	for (uint32_t i = 1; i <= 3000; i++)
		unit_ok(keys_add(&k, (uint64_t)(i % 1000) << 40, i, &err),
			&err);
	ck_assert_uint_eq(k.n, 3000);
	for (uint64_t i = 0; i < 1000; i++) {
		ck_assert(keys_find(&k, i << 40, found, 4) == 3);
		ck_assert(found[0] % 1000 == i && found[2] % 1000 == i);
	}
	ck_assert(keys_find(&k, 0, found, 1) == 3);
	ck_assert(keys_find(&k, 1, found, 4) == 0);
	unit_ok(keys_add(&k, UINT64_MAX, 7, &err), &err);
	unit_ok(keys_sorted(&k, &sorted, &err), &err);
	ck_assert(sorted[0].key == UINT64_MAX); /* -1 is the least */
	for (size_t i = 2; i < k.n; i++)
		ck_assert(sorted[i - 1].key < sorted[i].key ||
			  (sorted[i - 1].key == sorted[i].key &&
			   sorted[i - 1].number < sorted[i].number));
	free(sorted);
	keys_clear(&k);
	ck_assert(keys_find(&k, 0, found, 4) == 0 && k.n == 0);
	keys_release(&k);
	keys_release(&k);
}
END_TEST

START_TEST(test_unpack)
{
	struct keys k;
	struct buf b;
	uint32_t found[2];

	keys_init(&k);
	buf_init(&b, 100);
	buf_put_be64(&b, 0x1122334455667788);
	buf_put_be32(&b, 9);
	buf_put_be64(&b, 3);
	buf_put_be32(&b, 10);
	unit_ok(keys_unpack(&k, buf_span(&b), &err), &err);
	ck_assert(k.n == 2);
	ck_assert(keys_find(&k, 0x1122334455667788, found, 2) == 1);
	ck_assert(found[0] == 9);
	for (size_t cut = 1; cut < 24; cut++) {
		struct span s = { b.data, b.len - cut };

		if (cut == KEYS_ENTRY)
			continue;
		unit_refused(keys_unpack(&k, s, &err), PV_INTEGRITY,
			     "store.corrupt", &err);
		err_init(&err);
	}
	memset(b.data + 8, 0, 4);
	unit_refused(keys_unpack(&k, buf_span(&b), &err), PV_INTEGRITY,
		     "store.corrupt", &err);
	keys_release(&k);
	buf_release(&b);
}
END_TEST

START_TEST(test_tally)
{
	struct tally t = { .n = 0 };
	char name[8];
	uint64_t n;

	tally_add(&t, "a", 1);
	tally_add(&t, "a", 1);
	tally_add(&t, "a", 2);
	tally_add(&t, "b", 2);
	ck_assert(tally_sum(&t, "a", 0) == 3 && tally_sum(&t, "a", 2) == 1);
	ck_assert(tally_sum(&t, "b", 0) == 1 && tally_sum(&t, "c", 0) == 0);
	for (unsigned i = 3; i < TALLY_MAX; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		ck_assert(tally_fits(&t, name, 0));
		tally_add(&t, name, 0);
	}
	ck_assert(t.n == TALLY_MAX);
	ck_assert(!tally_fits(&t, "z", 0) && !tally_fits(&t, "a", 3));
	ck_assert(tally_fits(&t, "a", 2));
	ck_assert(!tally_cached(&t, "a", 1, &n));
	tally_cache(&t, "a", 1, 50);
	ck_assert(tally_cached(&t, "a", 1, &n) && n == 50);
	ck_assert(!tally_cached(&t, "a", 2, &n));
	ck_assert(!tally_cached(&t, "b", 1, &n));
	tally_clear(&t);
	ck_assert(!tally_cached(&t, "a", 1, &n));
	ck_assert(!tally_cached(&t, "", 1, &n));
	ck_assert(tally_sum(&t, "a", 0) == 0);
}
END_TEST

/* ---- in a store ---- */

static struct store *open_with_template(char path[256])
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store *s;

	unit_ok(fix_store(unit_tmp(), path, &s, &err), &err);
	unit_ok(store_begin(s, STORE_WRITE, &t, &err), &err);
	unit_ok(fix_template(s, "gateway", 1, &err), &err);
	unit_ok(store_commit(&t, &err), &err);
	return s;
}

/* Devices from to to of a seed, group in each transaction. */
static void issue(struct store *s, uint64_t seed, uint32_t from, uint32_t to,
		  uint32_t group)
{
	static struct fix_device d[512];
	uint64_t index;
	uint32_t first;

	for (uint32_t n = from; n < to; n += group) {
		STORE_TXN t = STORE_TXN_INIT;

		unit_ok(store_begin(s, STORE_WRITE, &t, &err), &err);
		unit_ok(store_serial_lend(s, group, &first, &err), &err);
		for (uint32_t i = 0; i < group; i++) {
			fix_device(&d[i], seed, n + i, first + i);
			unit_ok(store_reserve(s, &d[i].intent, &index, &err),
				&err);
		}
		for (uint32_t i = 0; i < group; i++)
			unit_ok(fix_complete(s, &d[i], &err), &err);
		unit_ok(store_commit(&t, &err), &err);
	}
}

static void ck_known(struct store *s, uint64_t seed, uint32_t n, bool want)
{
	static struct fix_device d;
	struct store_device got;
	struct store_bundle b;
	struct store_owner owner;
	bool found;

	fix_device(&d, seed, n, 0);
	unit_ok(store_device_get(s, d.intent.s.device, &got, &found, &err),
		&err);
	ck_assert(found == want);
	unit_ok(store_spki_owner(s, d.intent.s.spki_sha256, &owner, &err),
		&err);
	ck_assert(owner.kind == (want ? STORE_OWNER_DEVICE : STORE_OWNER_NONE));
	unit_ok(store_bundle_find(s, d.bundle.id, &b, &found, &err), &err);
	ck_assert(found == want);
}

/* One transaction a device: rows of keys pile up and are moved. */
START_TEST(test_merge_by_rows)
{
	char path[256];
	struct store *s = open_with_template(path);

	issue(s, 1, 0, 530, 1);
	for (int i = 0; i < 2; i++) {
		for (uint32_t n = 0; n < 530; n += 7)
			ck_known(s, 1, n, true);
		ck_known(s, 1, 530, false);
		unit_ok(store_check(s, &err), &err);
		store_close(s);
		unit_ok(store_sqlite_open(path, &s, &err), &err);
	}
	store_close(s);
}
END_TEST

START_TEST(test_merge_by_keys)
{
	char path[256];
	struct store *s = open_with_template(path);
	const uint32_t n = 11264; /* times three keys: more than KEYS_MAX */

	ck_assert(3 * n > KEYS_MAX);
	issue(s, 1, 0, n, 512);
	for (int i = 0; i < 2; i++) {
		for (uint32_t k = 0; k < n; k += 501)
			ck_known(s, 1, k, true);
		ck_known(s, 1, n, false);
		unit_ok(store_check(s, &err), &err);
		store_close(s);
		unit_ok(store_sqlite_open(path, &s, &err), &err);
	}
	store_close(s);
}
END_TEST

/* Two processes write in turns: each sees what the other moved and added. */
START_TEST(test_two_processes)
{
	char path[256];
	struct store *s = open_with_template(path);
	int status;
	pid_t pid;

	store_close(s);
	pid = fork();
	ck_assert(pid >= 0);
	err_init(&err);
	if (store_sqlite_open(path, &s, &err) != PV_OK)
		_exit(9);
	if (pid == 0) {
		issue(s, 2, 0, 270, 1);
		store_close(s);
		_exit(0);
	}
	issue(s, 1, 0, 270, 1);
	ck_assert(waitpid(pid, &status, 0) == pid && status == 0);
	for (uint32_t n = 0; n < 270; n += 13) {
		ck_known(s, 1, n, true);
		ck_known(s, 2, n, true);
	}
	ck_known(s, 1, 270, false);
	unit_ok(store_check(s, &err), &err);
	store_close(s);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("store_keys");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, test_keys);
	tcase_add_test(t, test_unpack);
	tcase_add_test(t, test_tally);
	tcase_add_test(t, test_merge_by_rows);
	tcase_add_test(t, test_merge_by_keys);
	tcase_add_test(t, test_two_processes);
	suite_add_tcase(suite, t);
	return suite;
}

int main(void)
{
	return unit_run(suite());
}
