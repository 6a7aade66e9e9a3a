#include <stdlib.h>
#include <string.h>

#include "lib/log/tilewriter.h"
#include "tests/unit/log_fix.h"
#include "tests/unit/unit.h"

#define SIZE 66300u /* a second tile of level 1 */
#define LEVELS 17u

static struct log_hasher hasher;
static uint8_t (*hash_of[LEVELS])[LOG_HASH]; /* every complete subtree */
static uint8_t (*root_of)[LOG_HASH];	     /* of the first n leaves */

static enum pv_code keep(void *ctx, unsigned level, uint64_t index,
			 const uint8_t hash[static LOG_HASH], struct err *err)
{
	(void)ctx;
	(void)err;
	memcpy(hash_of[level][index], hash, LOG_HASH);
	return PV_OK;
}

static enum pv_code fetch(void *ctx, unsigned level, uint64_t index,
			  uint8_t out[static LOG_HASH], struct err *err)
{
	const uint64_t *bent = ctx;

	(void)err;
	memcpy(out, hash_of[level][index], LOG_HASH);
	if (bent && *bent == index)
		out[0] ^= 1;
	return PV_OK;
}

static struct span entry_of(uint64_t i, char text[static GROVE_ENTRY_MAX])
{
	return grove_entry("log", i, text);
}

static void setup(void)
{
	const struct log_tree_sink sink = { keep, NULL };
	struct log_tree tree = { .size = 0 };

	UNIT_OK(log_hasher_init(&hasher, &err_));
	root_of = calloc(SIZE + 1, LOG_HASH);
	ck_assert_ptr_nonnull(root_of);
	for (unsigned k = 0; k < LEVELS; k++) {
		hash_of[k] = calloc((SIZE >> k) + 1, LOG_HASH);
		ck_assert_ptr_nonnull(hash_of[k]);
	}
	for (uint64_t i = 0; i < SIZE; i++) {
		char text[GROVE_ENTRY_MAX];
		uint8_t leaf[LOG_HASH];

		UNIT_OK(log_tree_root(&tree, &hasher, root_of[i], &err_));
		UNIT_OK(log_hash_leaf(&hasher, entry_of(i, text), leaf, &err_));
		UNIT_OK(log_tree_append(&tree, &hasher, leaf, &sink, &err_));
	}
	UNIT_OK(log_tree_root(&tree, &hasher, root_of[SIZE], &err_));
}

static void teardown(void)
{
	for (unsigned k = 0; k < LEVELS; k++)
		free(hash_of[k]);
	free(root_of);
	log_hasher_release(&hasher);
}

static struct log_point point(uint64_t size)
{
	struct log_point p = { .size = size };

	memcpy(p.root, root_of[size], LOG_HASH);
	return p;
}

struct shelf {
	size_t n;
	uint64_t sum[2]; /* of places: what came, what should */
};

static uint64_t place(const struct log_tile *t)
{
	return (t->entries ? 31 : t->level + 1) * 1000003u +
	       t->index * 7919u * 256 + t->width;
}

static void want_bytes(const struct log_tile *t, struct buf *out)
{
	const struct log_reader r = { fetch, NULL };
	char text[GROVE_ENTRY_MAX];

	buf_init(out, LOG_ENTRIES_MAX);
	if (!t->entries)
		UNIT_OK(log_tile_put(t, &r, out, &err_));
	for (unsigned i = 0; t->entries && i < t->width; i++)
		UNIT_OK(log_entries_add(
			out, entry_of(t->index * LOG_TILE_WIDTH + i, text),
			&err_));
}

static enum pv_code take(void *ctx, const struct log_tile *t, struct span bytes,
			 struct err *err)
{
	struct shelf *s = ctx;
	struct buf want;

	(void)err;
	ck_assert(log_tile_ok(t));
	want_bytes(t, &want);
	ck_assert(span_equal(bytes, buf_span(&want)));
	buf_release(&want);
	s->n++;
	s->sum[0] += place(t);
	return PV_OK;
}

static enum pv_code feed(struct log_tilewriter *w, uint64_t to, uint64_t wrong,
			 struct err *err)
{
	enum pv_code rc = PV_OK;

	while (rc == PV_OK && log_tilewriter_next(w) < to) {
		uint64_t i = log_tilewriter_next(w);
		char text[GROVE_ENTRY_MAX];

		rc = log_tilewriter_add(
			w, entry_of(i == wrong ? i + 1 : i, text), err);
	}
	return rc;
}

/* Just the tiles of the walk, with what is in them. */
static void grows(uint64_t from, uint64_t to)
{
	const struct log_reader left = { fetch, NULL };
	struct shelf s = { .n = 0 };
	const struct log_tile_sink sink = { take, &s };
	struct log_point old = point(from), now = point(to);
	struct log_tilewriter *w;
	struct log_tile_walk walk;
	struct log_tile t;
	size_t n = 0;

	UNIT_OK(log_tilewriter_new(&w, &sink, &hasher, &left, &old, &err_));
	ck_assert_uint_eq(log_tilewriter_next(w), from - from % LOG_TILE_WIDTH);
	UNIT_OK(feed(w, to, SIZE, &err_));
	UNIT_OK(log_tilewriter_finish(w, &now, &err_));
	log_tilewriter_free(w);
	UNIT_OK(log_tile_walk(&walk, from, to, &err_));
	for (; log_tile_next(&walk, &t); n++)
		s.sum[1] += place(&t);
	ck_assert_uint_eq(s.n, n);
	ck_assert_uint_eq(s.sum[0], s.sum[1]);
}

START_TEST(test_grows)
{
	static const uint64_t at[] = { 0,   1,	 2,   255, 256,
				       257, 300, 511, 512, 1000 };
	const size_t n = sizeof(at) / sizeof(at[0]);

	for (size_t a = 0; a < n; a++)
		for (size_t b = a; b < n; b++)
			grows(at[a], at[b]);
	grows(0, SIZE);
	grows(1000, 65535);
	grows(65279, 65536);
	grows(65536, SIZE);
	grows(66000, SIZE);
}
END_TEST

/* A log that does not lead to both roots. */
static void refused(uint64_t from, uint64_t to, uint64_t wrong, unsigned bend)
{
	const struct log_reader left = { fetch, NULL };
	struct log_point old = point(from), now = point(to);
	struct log_tilewriter *w;
	struct err err;
	enum pv_code rc;

	err_init(&err);
	old.root[0] ^= bend & 1;
	now.root[0] ^= bend >> 1 & 1;
	now.size += bend >> 2 & 1;
	rc = log_tilewriter_new(&w, NULL, &hasher, &left, &old, &err);
	if (rc == PV_OK)
		rc = feed(w, to, wrong, &err);
	if (rc == PV_OK)
		rc = log_tilewriter_finish(w, &now, &err);
	unit_refused(rc, PV_INTEGRITY, "log.proof", &err);
	log_tilewriter_free(w);
}

START_TEST(test_refused)
{
	refused(300, 400, SIZE, 1);
	refused(256, 400, SIZE, 1);
	refused(300, 400, SIZE, 2);
	refused(300, 400, SIZE, 4);
	refused(0, 400, SIZE, 2);
	refused(300, 400, 256, 0); /* an old entry of the bundle */
	refused(300, 400, 299, 0);
	refused(300, 400, 300, 0);
	refused(300, 400, 399, 0);
	refused(300, 280, SIZE, 0); /* shorter than it was */
}
END_TEST

/* One hash of what stands left of it is wrong. */
static void bent(uint64_t size, uint64_t index)
{
	const struct log_reader left = { fetch, &index };
	struct log_point old = point(size);
	struct log_tilewriter *w;
	struct err err;
	enum pv_code rc;

	err_init(&err);
	rc = log_tilewriter_new(&w, NULL, &hasher, &left, &old, &err);
	ck_assert((w != NULL) == (rc == PV_OK));
	if (rc == PV_OK)
		rc = feed(w, size, SIZE, &err);
	unit_refused(rc, PV_INTEGRITY, "log.proof", &err);
	log_tilewriter_free(w);
}

START_TEST(test_left)
{
	struct log_point large = { .size = LOG_SIZE_MAX };
	struct log_tilewriter *w;
	struct err err;

	bent(66000, 0); /* of level 2 */
	bent(66000, 256);
	bent(768, 0);
	bent(768, 1);
	bent(1000, 2);
	err_init(&err);
	unit_refused(log_tilewriter_new(&w, NULL, &hasher, NULL, &large, &err),
		     PV_INPUT, "log.range", &err);
	ck_assert_ptr_null(w);
}
END_TEST

static enum pv_code full(void *ctx, const struct log_tile *t, struct span bytes,
			 struct err *err)
{
	(void)ctx;
	(void)t;
	(void)bytes;
	return err_fail(err, PV_STORAGE, "file.write", NULL, "disk full");
}

/* The sink's code is handed on, from a full tile and from the edge. */
START_TEST(test_sink)
{
	const struct log_reader left = { fetch, NULL };
	const struct log_tile_sink sink = { full, NULL };
	struct log_point none = point(0), now = point(10);
	struct log_tilewriter *w;
	struct err err;

	err_init(&err);
	UNIT_OK(log_tilewriter_new(&w, &sink, &hasher, &left, &none, &err_));
	unit_refused(feed(w, 300, SIZE, &err), PV_STORAGE, "file.write", &err);
	ck_assert_uint_eq(log_tilewriter_next(w), 255);
	log_tilewriter_free(w);
	err_init(&err);
	UNIT_OK(log_tilewriter_new(&w, &sink, &hasher, &left, &none, &err_));
	UNIT_OK(feed(w, 10, SIZE, &err_));
	unit_refused(log_tilewriter_finish(w, &now, &err), PV_STORAGE,
		     "file.write", &err);
	log_tilewriter_free(w);
	log_tilewriter_free(NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("log_tilewriter");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 120);
	tcase_add_unchecked_fixture(t, setup, teardown);
	tcase_add_test(t, test_grows);
	tcase_add_test(t, test_refused);
	tcase_add_test(t, test_left);
	tcase_add_test(t, test_sink);
	suite_add_tcase(s, t);
	return unit_run(s);
}
