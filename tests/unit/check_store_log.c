/* The log and the sealed bytes as the store keeps them. */
#include <stdio.h>
#include <string.h>

#include "lib/log/events.h"
#include "lib/log/proof.h"
#include "lib/store/sqlite.h"
#include "tests/unit/store_fix.h"
#include "tests/unit/unit.h"

#define MANY 1500u /* more than five tiles, many rows */

static struct store *s;
static struct err err;
static char path[256];
static struct log_hasher hasher;

static void setup(void)
{
	err_init(&err);
	unit_ok(log_hasher_init(&hasher, &err), &err);
	unit_ok(fix_store(unit_tmp(), path, &s, &err), &err);
}

static void teardown(void)
{
	store_close(s);
	log_hasher_release(&hasher);
}

static void begin(struct store_txn *t)
{
	unit_ok(store_begin(s, STORE_WRITE, t, &err), &err);
}

static void commit(struct store_txn *t)
{
	unit_ok(store_commit(t, &err), &err);
}

static void reopen(void)
{
	store_close(s);
	s = NULL;
	unit_ok(store_sqlite_open(path, &s, &err), &err);
}

/* Entry n of a log: its length varies, up to the longest one. */
static void make_entry(uint64_t n, struct buf *out)
{
	static uint8_t pad[60000];
	const struct log_who who = { FIX_TIME + n, "os:0" };
	struct log_entry e;
	char object[32];

	snprintf(object, sizeof(object), "%llu", (unsigned long long)n);
	log_export(&e, &who, object, "bundle", "file");
	log_fact_bytes(&e, "pad", pad, n % 97 == 5 ? 60000 : n % 200);
	buf_init(out, LOG_ENTRY_MAX);
	unit_ok(log_entry_encode(&e, out, &err), &err);
}

static void append(uint64_t n, struct log_tree *want)
{
	uint8_t leaf[LOG_HASH];
	struct buf b;
	uint64_t index;

	make_entry(n, &b);
	unit_ok(store_log_append(s, buf_span(&b), &index, &err), &err);
	ck_assert(index == n);
	unit_ok(log_hash_leaf(&hasher, buf_span(&b), leaf, &err), &err);
	unit_ok(log_tree_append(want, &hasher, leaf, NULL, &err), &err);
	buf_release(&b);
}

/* A log of n entries in transactions of step, with its tree beside it. */
static void grow(uint64_t n, uint64_t step, struct log_tree *want)
{
	while (want->size < n) {
		STORE_TXN t = STORE_TXN_INIT;

		begin(&t);
		for (uint64_t i = 0; i < step && want->size < n; i++)
			append(want->size, want);
		commit(&t);
	}
}

static void ck_root(const struct log_tree *want)
{
	uint8_t root[LOG_HASH];
	uint8_t got[LOG_HASH];
	uint64_t size;

	unit_ok(log_tree_root(want, &hasher, root, &err), &err);
	unit_ok(store_log_root(s, &size, got, &err), &err);
	ck_assert(size == want->size);
	ck_assert_mem_eq(root, got, LOG_HASH);
	unit_ok(store_log_size(s, &size, &err), &err);
	ck_assert(size == want->size);
}

struct walk {
	uint64_t next, n;
	enum pv_code stop;
};

static enum pv_code see(void *ctx, uint64_t index, struct span entry,
			struct err *e)
{
	struct walk *w = ctx;
	struct buf b;

	(void)e;
	ck_assert(index == w->next);
	make_entry(index, &b);
	ck_assert(span_equal(entry, buf_span(&b)));
	buf_release(&b);
	w->next++;
	w->n++;
	return w->stop;
}

static void ck_walk(uint64_t from, uint64_t n, uint64_t want)
{
	struct walk w = { .next = from };
	const struct store_visit v = { &w, { .entry = see } };

	unit_ok(store_log_each(s, from, n, &v, &err), &err);
	ck_assert(w.n == want);
}

START_TEST(test_walk)
{
	struct log_tree want = { .size = 0 };
	struct walk w = { .next = 0, .stop = PV_INTERRUPTED };
	const struct store_visit v = { &w, { .entry = see } };

	ck_walk(0, UINT64_MAX, 0);
	ck_root(&want);
	grow(MANY, 37, &want);
	for (int i = 0; i < 2; i++, reopen()) {
		ck_root(&want);
		ck_walk(0, UINT64_MAX, MANY);
		ck_walk(0, 1, 1);
		ck_walk(36, 2, 2);
		ck_walk(700, 300, 300);
		ck_walk(MANY - 1, 5, 1);
		ck_walk(MANY, 5, 0);
		ck_walk(UINT64_MAX, 5, 0);
	}
	ck_assert(store_log_each(s, 0, 9, &v, &err) == PV_INTERRUPTED);
	ck_assert(w.n == 1);
	unit_ok(store_check(s, &err), &err);
}
END_TEST

START_TEST(test_inside)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct log_tree want = { .size = 0 };
	struct log_tree before;

	grow(10, 10, &want);
	before = want;
	begin(&t);
	for (uint64_t i = 10; i < 300; i++) {
		append(i, &want);
		if (i % 20 == 0)
			ck_walk(i - 3, 9, 4);
	}
	ck_root(&want);
	ck_walk(0, UINT64_MAX, 300);
	store_rollback(&t);
	ck_root(&before);
	ck_walk(0, UINT64_MAX, 10);
	unit_ok(store_check(s, &err), &err);
	grow(300, 400, &before);
	ck_root(&want);
	unit_ok(store_check(s, &err), &err);
}
END_TEST

START_TEST(test_read)
{
	struct log_tree want = { .size = 0 };
	struct buf b;
	struct buf e;

	buf_init(&b, LOG_ENTRY_MAX);
	grow(200, 200, &want);
	for (uint64_t i = 0; i < 200; i += 9) {
		buf_reset(&b);
		make_entry(i, &e);
		unit_ok(store_log_read(s, i, &b, &err), &err);
		ck_assert(span_equal(buf_span(&b), buf_span(&e)));
		buf_release(&e);
	}
	unit_refused(store_log_read(s, 200, &b, &err), PV_NOT_FOUND,
		     "log.range", &err);
	buf_release(&b);
}
END_TEST

static enum pv_code fetch(void *ctx, unsigned level, uint64_t index,
			  uint8_t out[static LOG_HASH], struct err *e)
{
	return store_log_hash(ctx, level, index, out, e);
}

START_TEST(test_proofs)
{
	static const uint64_t sizes[] = { 1,   2,    255,  256, 257,
					  511, 1024, 1300, MANY };
	const struct log_reader r = { fetch, s };
	struct log_tree want = { .size = 0 };
	struct log_point old = { .size = 0 };
	struct log_proof p;

	grow(MANY, 100, &want);
	for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
		struct log_point now = { .size = sizes[k] };
		uint64_t index = sizes[k] * 2 / 3;
		uint8_t leaf[LOG_HASH];

		unit_ok(log_root_at(&hasher, &r, now.size, now.root, &err),
			&err);
		unit_ok(store_log_hash(s, 0, index, leaf, &err), &err);
		unit_ok(log_prove_inclusion(&hasher, &r, index, now.size, &p,
					    &err),
			&err);
		unit_ok(log_check_inclusion(&hasher, leaf, index, now.size, &p,
					    now.root, &err),
			&err);
		if (old.size > 0) {
			unit_ok(log_prove_consistency(&hasher, &r, old.size,
						      now.size, &p, &err),
				&err);
			unit_ok(log_check_consistency(&hasher, &old, &now, &p,
						      &err),
				&err);
		}
		old = now;
	}
	ck_root(&want);
	unit_ok(log_tree_root(&want, &hasher, p.hash[0], &err), &err);
	ck_assert_mem_eq(p.hash[0], old.root, LOG_HASH);
}
END_TEST

START_TEST(test_hash_range)
{
	struct log_tree want = { .size = 0 };
	uint8_t hash[LOG_HASH];
	static const uint64_t bad[][2] = { { 0, 600 }, { 9, 1 },
					   { 10, 0 },  { 62, 0 },
					   { 63, 0 },  { 64, 0 },
					   { 200, 0 }, { 0, UINT64_MAX } };

	grow(600, 600, &want);
	unit_ok(store_log_hash(s, 9, 0, hash, &err), &err);
	ck_assert_mem_eq(hash, want.node[9], LOG_HASH);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		unit_refused(store_log_hash(s, (unsigned)bad[i][0], bad[i][1],
					    hash, &err),
			     PV_NOT_FOUND, "log.range", &err);
		err_init(&err);
	}
}
END_TEST

START_TEST(test_bad_entry)
{
	STORE_TXN t = STORE_TXN_INIT;
	static uint8_t bytes[LOG_ENTRY_MAX + 1] = { 0xa5, 1, 0x61, 't', 2, 1 };
	struct span none = { NULL, 0 };
	struct span large = { bytes, sizeof(bytes) };
	struct log_tree want = { .size = 0 };

	begin(&t);
	unit_refused(store_log_append(s, none, NULL, &err), PV_INPUT,
		     "log.entry", &err);
	err_init(&err);
	unit_refused(store_log_append(s, large, NULL, &err), PV_INPUT,
		     "log.entry", &err);
	err_init(&err);
	append(0, &want);
	commit(&t);
	ck_root(&want);
}
END_TEST

/* Days after the first entry; refused unless want is NULL. */
static void ck_time(int64_t days, uint64_t more_ms, const char *want)
{
	const struct log_who who = {
		FIX_TIME + (uint64_t)days * 86400000 + more_ms, "os:0"
	};
	struct log_entry e;
	struct buf b;

	log_export(&e, &who, "x", "bundle", "file");
	buf_init(&b, LOG_ENTRY_MAX);
	unit_ok(log_entry_encode(&e, &b, &err), &err);
	if (want) {
		unit_refused(store_log_time(s, who.time_ms, &err), PV_DENIED,
			     want, &err);
		err_init(&err);
		unit_refused(store_log_append(s, buf_span(&b), NULL, &err),
			     PV_DENIED, want, &err);
		err_init(&err);
	} else {
		unit_ok(store_log_time(s, who.time_ms, &err), &err);
		unit_ok(store_log_append(s, buf_span(&b), NULL, &err), &err);
	}
	buf_release(&b);
}

START_TEST(test_time)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_counts c;

	s->step_max_ms = UINT64_C(30) * 86400000;
	begin(&t);
	ck_time(0, 0, NULL);
	ck_time(0, 0, NULL);
	ck_time(-1, 0, "clock.backwards");
	ck_time(30, 1, "clock.step");
	/* A refusal moves nothing: the same again is refused again. */
	ck_time(30, 1, "clock.step");
	ck_time(30, 0, NULL);
	ck_time(29, 0, "clock.backwards");
	ck_time(60, 1, "clock.step");
	commit(&t);
	unit_ok(store_counts(s, &c, &err), &err);
	ck_assert(c.log_size == 3);
	ck_assert(c.last_event_ms == FIX_TIME + UINT64_C(30) * 86400000);
}
END_TEST

static void sealed_put(uint8_t byte, size_t len, uint64_t want)
{
	struct buf b;
	uint64_t offset;

	buf_init(&b, 1u << 24);
	for (size_t i = 0; i < len; i++)
		buf_put_u8(&b, byte);
	unit_ok(store_sealed_append(s, buf_span(&b), &offset, &err), &err);
	ck_assert(offset == want);
	buf_release(&b);
}

static void ck_sealed(uint64_t offset, uint64_t len, uint8_t first,
		      uint8_t last)
{
	struct buf b;

	buf_init(&b, 1u << 24);
	buf_put_u8(&b, 99);
	unit_ok(store_sealed_read(s, offset, len, &b, &err), &err);
	ck_assert(b.len == len + 1 && b.data[0] == 99);
	ck_assert_uint_eq(b.data[1], first);
	ck_assert_uint_eq(b.data[len], last);
	buf_release(&b);
}

START_TEST(test_sealed)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_counts c;
	struct buf small;
	const uint32_t mib = 1u << 20;

	begin(&t);
	sealed_put(1, 10, 0);
	sealed_put(2, 0, 10);
	ck_sealed(0, 10, 1, 1);
	sealed_put(3, mib - 5, 10); /* past what is gathered */
	sealed_put(4, 3 * mib, mib + 5);
	sealed_put(5, 7, 4 * mib + 5);
	ck_sealed(9, mib, 1, 4);
	ck_sealed(4 * mib, 12, 4, 5);
	commit(&t);
	begin(&t);
	sealed_put(6, 100, 4 * mib + 12);
	store_rollback(&t);
	for (int i = 0; i < 2; i++, reopen()) {
		ck_sealed(9, mib, 1, 4);
		ck_sealed(4 * mib, 12, 4, 5);
		unit_ok(store_counts(s, &c, &err), &err);
		ck_assert(c.sealed_len == 4 * mib + 12);
		buf_init(&small, 8);
		unit_refused(store_sealed_read(s, 0, 9, &small, &err), PV_INPUT,
			     "store.size", &err);
		err_init(&err);
		buf_release(&small);
		buf_init(&small, 100);
		unit_refused(store_sealed_read(s, 4 * mib, 13, &small, &err),
			     PV_INTEGRITY, "store.sealed", &err);
		err_init(&err);
		unit_refused(store_sealed_read(s, UINT64_MAX, 1, &small, &err),
			     PV_INTEGRITY, "store.sealed", &err);
		err_init(&err);
		ck_assert(small.len == 0);
		buf_release(&small);
	}
	begin(&t);
	sealed_put(7, 1, 4 * mib + 12);
	commit(&t);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("store_log");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_walk);
	tcase_add_test(t, test_inside);
	tcase_add_test(t, test_read);
	tcase_add_test(t, test_proofs);
	tcase_add_test(t, test_hash_range);
	tcase_add_test(t, test_bad_entry);
	tcase_add_test(t, test_time);
	tcase_add_test(t, test_sealed);
	suite_add_tcase(suite, t);
	return suite;
}

int main(void)
{
	return unit_run(suite());
}
