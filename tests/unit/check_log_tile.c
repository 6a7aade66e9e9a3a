#include <stdlib.h>
#include <string.h>

#include "lib/log/tile.h"
#include "tests/unit/log_fix.h"
#include "tests/unit/unit.h"

static struct log_hasher hasher;

static void setup(void)
{
	UNIT_OK(log_hasher_init(&hasher, &err_));
}

static void teardown(void)
{
	log_hasher_release(&hasher);
}

static struct span span_of(const char *s)
{
	return (struct span){ (const uint8_t *)s, strlen(s) };
}

static bool same(const struct log_tile *a, const struct log_tile *b)
{
	return a->entries == b->entries && a->level == b->level &&
	       a->index == b->index && a->width == b->width;
}

/* ---- paths ---- */

START_TEST(test_paths)
{
	static const struct {
		struct log_tile t;
		const char *path;
	} known[] = {
		{ { false, 0, 0, 256 }, "tile/0/000" },
		{ { false, 0, 0, 1 }, "tile/0/000.p/1" },
		{ { false, 1, 999, 255 }, "tile/1/999.p/255" },
		{ { false, 2, 1000, 256 }, "tile/2/x001/000" },
		{ { false, 0, 1234067, 256 }, "tile/0/x001/x234/067" },
		{ { false, 0, 1234067, 8 }, "tile/0/x001/x234/067.p/8" },
		{ { true, 0, 1234067, 256 }, "tile/entries/x001/x234/067" },
		{ { true, 0, 5, 70 }, "tile/entries/005.p/70" },
		{ { false, 7, 0, 127 }, "tile/7/000.p/127" },
		{ { true, 0, (UINT64_C(1) << 55) - 1, 255 },
		  "tile/entries/x036/x028/x797/x018/x963/967.p/255" },
	};
	char path[LOG_TILE_PATH_MAX];
	struct log_tile t;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		ck_assert(log_tile_ok(&known[i].t));
		log_tile_path(&known[i].t, path);
		ck_assert_str_eq(path, known[i].path);
		UNIT_OK(log_tile_parse(&t, span_of(path), &err_));
		ck_assert(same(&t, &known[i].t));
	}
	/* The last of them is as long as one can be. */
	ck_assert_uint_eq(strlen(path) + 1, LOG_TILE_PATH_MAX);
}
END_TEST

START_TEST(test_bad_paths)
{
	static const char *const bad[] = {
		"",
		"tile",
		"tile/",
		"tile/0",
		"tile/0/",
		"/tile/0/000",
		"tile/0/000/",
		"tile//000",
		"tile/00/000",
		"tile/-1/000",
		"tile/8/000",
		"tile/63/000",
		"tile/x0/000",
		"tile/entry/000",
		"tile/entries",
		"tile/entries/",
		"tile/0/0",
		"tile/0/00",
		"tile/0/0000",
		"tile/0/0x0",
		"tile/0/x000/001", /* an idle group */
		"tile/0/x001",
		"tile/0/001/000",
		"tile/0/x001/x234",
		"tile/0/x01/000",
		"tile/0/X001/000",
		"tile/0/../000",
		"tile/0/x001/../000",
		"tile/0/000.p",
		"tile/0/000.p/",
		"tile/0/000.p/0",
		"tile/0/000.p/01",
		"tile/0/000.p/256",
		"tile/0/000.p/1/",
		"tile/0/000.p/1/2",
		"tile/0/000.q/1",
		"tile/0/x001.p/1",
		"tile/0/x001.p/000",
		"tile/0/000 ",
		"tile/0/000\n",
		"tile/7/001", /* past 2^63 leaves */
		"tile/7/000",
		"tile/7/000.p/128",
		"tile/0/x036/x028/x797/x018/x963/967",
		"tile/0/x036/x028/x797/x018/x963/968.p/1",
		"tile/0/x001/x000/x000/x000/x000/x000/000",
		"tile/0/x999/x999/x999/x999/x999/x999/x999/x999/999",
	};
	static const struct log_tile none;
	struct log_tile t;
	struct err err;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err_init(&err);
		unit_refused(log_tile_parse(&t, span_of(bad[i]), &err),
			     PV_INPUT, "log.tile", &err);
		ck_assert(same(&t, &none));
	}
}
END_TEST

/* ---- which tiles there are ---- */

/* As c2sp.org/tlog-tiles counts: floor(size / 256^level) hashes. */
static unsigned width_at(unsigned level, uint64_t index, uint64_t size)
{
	for (unsigned i = 0; i < level; i++)
		size /= 256;
	if (size / 256 > index)
		return 256;
	return size / 256 == index ? (unsigned)(size % 256) : 0;
}

START_TEST(test_sizes)
{
	static const uint64_t sizes[] = { 0,	 1,	255,   256,    257,
					  65535, 65536, 70000, 200000, 65792 };
	struct log_tile t;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (unsigned level = 0; level < LOG_TILE_LEVELS; level++)
			for (uint64_t n = 0; n < 1000; n++) {
				unsigned w = width_at(level, n, sizes[i]);

				ck_assert(log_tile_at(&t, level, n, sizes[i]) ==
					  (w > 0));
				ck_assert_uint_eq(w ? t.width : 0, w);
			}
	ck_assert(!log_tile_at(&t, 8, 0, 100));
	ck_assert(!log_tile_at(&t, 0, 0, LOG_SIZE_MAX));
	ck_assert(!log_tile_at(&t, 0, UINT64_MAX, LOG_SIZE_MAX - 1));
	ck_assert(log_tile_at(&t, 7, 0, LOG_SIZE_MAX - 1));
	ck_assert_uint_eq(t.width, 127);
}
END_TEST

/* The walk gives the tiles whose width is another, each once, in order. */
static void walk(uint64_t from, uint64_t to)
{
	struct log_tile_walk w;
	struct log_tile t;

	UNIT_OK(log_tile_walk(&w, from, to, &err_));
	for (unsigned pass = 0; pass <= LOG_TILE_LEVELS; pass++) {
		unsigned level = pass ? pass - 1 : 0;

		for (uint64_t n = 0; width_at(level, n, to) > 0; n++) {
			if (width_at(level, n, to) == width_at(level, n, from))
				continue;
			ck_assert(log_tile_next(&w, &t));
			ck_assert(t.entries == (pass == 0));
			ck_assert_uint_eq(t.level, level);
			ck_assert_uint_eq(t.index, n);
			ck_assert_uint_eq(t.width, width_at(level, n, to));
			ck_assert(log_tile_ok(&t));
		}
	}
	ck_assert(!log_tile_next(&w, &t));
	ck_assert(!log_tile_next(&w, &t));
}

START_TEST(test_walk)
{
	static const uint64_t at[] = { 0,     1,     2,	     255,   256,
				       257,   511,   512,    65535, 65536,
				       65537, 70000, 131072, 200000 };
	struct log_tile_walk w;
	struct log_tile t;
	struct err err;
	size_t n = 0;

	for (size_t a = 0; a < sizeof(at) / sizeof(at[0]); a++)
		for (size_t b = a; b < sizeof(at) / sizeof(at[0]); b++)
			walk(at[a], at[b]);
	/* The example of the specification: 274 + 2 + 1 tiles. */
	UNIT_OK(log_tile_walk(&w, 0, 70000, &err_));
	while (log_tile_next(&w, &t))
		n += !t.entries;
	ck_assert_uint_eq(n, 277);
	/* One entry more in a large log: few tiles, and no time. */
	UNIT_OK(log_tile_walk(&w, (UINT64_C(1) << 62) + 5,
			      (UINT64_C(1) << 62) + 6, &err_));
	for (n = 0; log_tile_next(&w, &t); n++)
		ck_assert_uint_eq(t.width, 6);
	ck_assert_uint_eq(n, 2);
	err_init(&err);
	unit_refused(log_tile_walk(&w, 2, 1, &err), PV_INPUT, "log.range",
		     &err);
	ck_assert(!log_tile_next(&w, &t));
	err_init(&err);
	unit_refused(log_tile_walk(&w, 0, LOG_SIZE_MAX, &err), PV_INPUT,
		     "log.range", &err);
}
END_TEST

/* ---- hashes and entries ---- */

START_TEST(test_put)
{
	static struct grove g;
	struct grove_view v = { &g, 600 };
	const struct log_reader r = grove_reader(&v);
	const struct log_tile wrong = { true, 0, 0, 1 };
	struct log_tile t;
	struct buf b;
	struct err err;

	grove_fill(&g, &hasher, 600, "log");
	buf_init(&b, LOG_TILE_BYTES);
	ck_assert(log_tile_at(&t, 0, 2, 600));
	UNIT_OK(log_tile_put(&t, &r, &b, &err_));
	ck_assert_uint_eq(b.len, 88 * LOG_HASH);
	ck_assert_mem_eq(b.data, g.hash[0][512], b.len);
	buf_reset(&b);
	ck_assert(log_tile_at(&t, 1, 0, 600));
	UNIT_OK(log_tile_put(&t, &r, &b, &err_));
	ck_assert_uint_eq(b.len, 2 * LOG_HASH);
	ck_assert_mem_eq(b.data, g.hash[8][0], b.len);
	buf_reset(&b);
	t.width = 3; /* more than there is: the reader's word */
	err_init(&err);
	unit_refused(log_tile_put(&t, &r, &b, &err), PV_INTERNAL, "test", &err);
	buf_reset(&b);
	err_init(&err);
	unit_refused(log_tile_put(&wrong, &r, &b, &err), PV_INTERNAL,
		     "log.tile", &err);
	buf_release(&b);
}
END_TEST

START_TEST(test_entries)
{
	uint8_t *large = calloc(1, LOG_ENTRY_MAX + 1);
	struct span entry = { large, LOG_ENTRY_MAX };
	struct log_entries e;
	struct buf b;
	struct err err;

	ck_assert_ptr_nonnull(large);
	buf_init(&b, LOG_ENTRIES_MAX);
	for (unsigned i = 0; i < LOG_TILE_WIDTH; i++) {
		large[0] = (uint8_t)i;
		UNIT_OK(log_entries_add(&b, entry, &err_));
	}
	ck_assert_uint_eq(b.len, LOG_ENTRIES_MAX);
	UNIT_OK(log_entries_open(&e, buf_span(&b), LOG_TILE_WIDTH, &err_));
	for (unsigned i = 0; i < LOG_TILE_WIDTH; i++) {
		ck_assert(log_entries_next(&e, &entry));
		ck_assert_uint_eq(entry.len, LOG_ENTRY_MAX);
		ck_assert_uint_eq(entry.p[0], i);
	}
	ck_assert(!log_entries_next(&e, &entry));
	entry = (struct span){ large, LOG_ENTRY_MAX + 1 };
	err_init(&err);
	unit_refused(log_entries_add(&b, entry, &err), PV_INPUT, "log.size",
		     &err);
	entry.len = 0;
	err_init(&err);
	unit_refused(log_entries_add(&b, entry, &err), PV_INPUT, "log.size",
		     &err);
	ck_assert_uint_eq(b.len, LOG_ENTRIES_MAX);
	buf_release(&b);
	free(large);
}
END_TEST

static void not_entries(const void *p, size_t len, unsigned width)
{
	struct span bytes = { p, len };
	struct log_entries e;
	struct span entry;
	struct err err;

	err_init(&err);
	unit_refused(log_entries_open(&e, bytes, width, &err), PV_INTEGRITY,
		     "log.tile", &err);
	ck_assert(!log_entries_next(&e, &entry));
}

START_TEST(test_bad_entries)
{
	static const uint8_t two[] = { 0, 1, 'a', 0, 2, 'b', 'c' };
	static const uint8_t empty[] = { 0, 0 };
	struct span bytes = { two, sizeof(two) };
	struct log_entries e;

	UNIT_OK(log_entries_open(&e, bytes, 2, &err_));
	for (size_t len = 0; len < sizeof(two); len++)
		not_entries(two, len, 2);
	not_entries(two, sizeof(two), 0);
	not_entries(two, sizeof(two), 1);
	not_entries(two, sizeof(two), 3);
	not_entries(two, sizeof(two), LOG_TILE_WIDTH + 1);
	not_entries(empty, sizeof(empty), 1);
	not_entries(NULL, 0, 0);
	not_entries(NULL, 0, 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("log_tile");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_paths);
	tcase_add_test(t, test_bad_paths);
	tcase_add_test(t, test_sizes);
	tcase_add_test(t, test_walk);
	tcase_add_test(t, test_put);
	tcase_add_test(t, test_entries);
	tcase_add_test(t, test_bad_entries);
	suite_add_tcase(s, t);
	return unit_run(s);
}
