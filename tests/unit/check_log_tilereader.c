#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/json.h"
#include "lib/log/tilereader.h"
#include "tests/unit/log_fix.h"
#include "tests/unit/unit.h"

#define SIZE 600u

static struct log_hasher hasher;
static struct grove grove, other;

static void setup(void)
{
	UNIT_OK(log_hasher_init(&hasher, &err_));
}

static void teardown(void)
{
	log_hasher_release(&hasher);
}

/* Tiles of a grove, made when they are asked for, and bent on request. */
struct shelf {
	struct grove_view view;
	size_t asked;
	void (*bend)(struct shelf *s, const struct log_tile *t,
		     struct buf *out);
	struct log_tile at; /* what is bent */
	size_t bit;
};

static enum pv_code take(void *ctx, const struct log_tile *t, struct buf *out,
			 struct err *err)
{
	struct shelf *s = ctx;
	const struct log_reader r = grove_reader(&s->view);
	struct log_tile want;
	enum pv_code rc;

	s->asked++;
	/* Nothing but what a tree of that size has is asked for. */
	ck_assert(log_tile_at(&want, t->level, t->index, s->view.size));
	ck_assert_uint_eq(t->width, want.width);
	ck_assert(!t->entries);
	rc = log_tile_put(t, &r, out, err);
	if (rc == PV_OK && s->bend && s->at.level == t->level &&
	    s->at.index == t->index)
		s->bend(s, t, out);
	return rc;
}

static struct log_tilereader *reader_of(struct shelf *s)
{
	const struct log_tile_source source = { take, s };
	struct log_tilereader *r;

	UNIT_OK(log_tilereader_new(&r, &source, &hasher, s->view.size, &err_));
	return r;
}

/* ---- vectors: the eight entries of RFC 6962's reference tree ---- */

static void reference(struct grove *g)
{
	static const char *const hex[] = {
		"",
		"00",
		"10",
		"2021",
		"3031",
		"40414243",
		"5051525354555657",
		"606162636465666768696a6b6c6d6e6f",
	};
	uint8_t bytes[16];

	grove_start(g, &hasher);
	for (size_t i = 0; i < 8; i++) {
		struct span s = { bytes, strlen(hex[i]) / 2 };

		ck_assert(hex_decode(hex[i], bytes, s.len));
		grove_add(g, &hasher, s);
	}
}

static void ck_hash(json_t *o, const char *key, const uint8_t *hash)
{
	char text[BASE64_LEN(LOG_HASH) + 1];

	base64_encode(hash, LOG_HASH, text);
	ck_assert_str_eq(json_string_value(json_object_get(o, key)), text);
}

static void ck_path(json_t *o, const struct log_proof *p)
{
	json_t *list = json_object_get(o, "proof");

	ck_assert_uint_eq(json_array_size(list), p->n);
	for (size_t i = 0; i < p->n; i++) {
		char text[BASE64_LEN(LOG_HASH) + 1];

		base64_encode(p->hash[i], LOG_HASH, text);
		ck_assert_str_eq(json_string_value(json_array_get(list, i)),
				 text);
	}
}

/* The proof of a vector, from tiles: the same bytes. */
static void ck_vector(json_t *o, bool inclusion)
{
	uint64_t from = (uint64_t)json_real_value(
		json_object_get(o, inclusion ? "leafIdx" : "size1"));
	uint64_t size = (uint64_t)json_real_value(
		json_object_get(o, inclusion ? "treeSize" : "size2"));
	struct shelf s = { .view = { &grove, size } };
	struct log_tilereader *tiles = reader_of(&s);
	const struct log_reader r = log_tilereader_of(tiles);
	struct log_proof p;

	ck_hash(o, inclusion ? "root" : "root2", grove.root[size]);
	ck_hash(o, inclusion ? "leafHash" : "root1",
		inclusion ? grove.hash[0][from] : grove.root[from]);
	if (inclusion)
		UNIT_OK(log_prove_inclusion(&hasher, &r, from, size, &p,
					    &err_));
	else
		UNIT_OK(log_prove_consistency(&hasher, &r, from, size, &p,
					      &err_));
	ck_path(o, &p);
	log_tilereader_free(tiles);
}

static void vectors(const char *file, bool inclusion)
{
	json_error_t error;
	const char *name;
	struct buf text;
	json_t *root;
	json_t *o;
	size_t n = 0;

	reference(&grove);
	unit_read(file, &text);
	root = json_loadb((const char *)text.data, text.len,
			  JSON_DECODE_INT_AS_REAL, &error);
	ck_assert_msg(root != NULL, "%s: %s", file, error.text);
	json_object_foreach(root, name, o)
	{
		if (!strstr(name, "/happy-path.json"))
			continue;
		ck_vector(o, inclusion);
		unit_case(file, name, UNIT_PASS, NULL);
		n++;
	}
	ck_assert_uint_eq(n, 5);
	json_decref(root);
	buf_release(&text);
}

START_TEST(test_vectors)
{
	vectors("vectors/merkle/inclusion.json", true);
	vectors("vectors/merkle/consistency.json", false);
}
END_TEST

/* ---- every proof there is ---- */

START_TEST(test_inclusion)
{
	grove_fill(&grove, &hasher, SIZE, "log");
	for (uint64_t size = 0; size <= SIZE; size++) {
		struct shelf s = { .view = { &grove, size } };
		struct log_tilereader *tiles = reader_of(&s);
		const struct log_reader r = log_tilereader_of(tiles);
		uint8_t root[LOG_HASH];
		struct log_proof p;

		UNIT_OK(log_root_at(&hasher, &r, size, root, &err_));
		ck_assert_mem_eq(root, grove.root[size], LOG_HASH);
		for (uint64_t i = 0; i < size; i++) {
			UNIT_OK(log_prove_inclusion(&hasher, &r, i, size, &p,
						    &err_));
			UNIT_OK(log_check_inclusion(&hasher, grove.hash[0][i],
						    i, size, &p, root, &err_));
		}
		ck_assert_uint_le(s.asked, 4); /* each tile once */
		log_tilereader_free(tiles);
	}
}
END_TEST

START_TEST(test_consistency)
{
	grove_fill(&grove, &hasher, SIZE, "log");
	for (uint64_t size = 1; size <= SIZE; size++) {
		struct shelf s = { .view = { &grove, size } };
		struct log_tilereader *tiles = reader_of(&s);
		const struct log_reader r = log_tilereader_of(tiles);
		struct log_point now = grove_point(&grove, size);
		struct log_proof p;

		for (uint64_t i = 1; i <= size; i++) {
			struct log_point old = grove_point(&grove, i);

			UNIT_OK(log_prove_consistency(&hasher, &r, i, size, &p,
						      &err_));
			UNIT_OK(log_check_consistency(&hasher, &old, &now, &p,
						      &err_));
		}
		log_tilereader_free(tiles);
	}
}
END_TEST

/* ---- tiles that are not the log's ---- */

static void flip(struct shelf *s, const struct log_tile *t, struct buf *out)
{
	(void)t;
	out->data[s->bit / 8] ^= (uint8_t)(1u << s->bit % 8);
}

/* The proof of an entry beside the changed hash is made, and does not hold. */
static void not_proven(struct shelf *s, uint64_t index)
{
	struct log_tilereader *tiles = reader_of(s);
	const struct log_reader r = log_tilereader_of(tiles);
	uint64_t size = s->view.size;
	const struct grove *g = s->view.g;
	struct log_proof p;
	struct err err;

	UNIT_OK(log_prove_inclusion(&hasher, &r, index, size, &p, &err_));
	err_init(&err);
	unit_refused(log_check_inclusion(&hasher, g->hash[0][index], index,
					 size, &p, g->root[size], &err),
		     PV_INTEGRITY, "log.proof", &err);
	log_tilereader_free(tiles);
}

START_TEST(test_every_bit)
{
	struct shelf s = { .view = { &grove, 70 }, .bend = flip };

	grove_fill(&grove, &hasher, SIZE, "log");
	for (s.bit = 0; s.bit < (size_t)70 * LOG_HASH * 8; s.bit++)
		not_proven(&s, s.bit / 8 / LOG_HASH ^ 1);
	/* A full tile and the one above it. */
	s.view.size = SIZE;
	for (s.bit = 3; s.bit < LOG_TILE_BYTES * 8; s.bit += 251)
		not_proven(&s, s.bit / 8 / LOG_HASH ^ 1);
	s.at.level = 1;
	for (s.bit = 0; s.bit < (size_t)2 * LOG_HASH * 8; s.bit++)
		not_proven(&s, s.bit / 8 / LOG_HASH ? 0 : 256);
}
END_TEST

/* The first and the last hash change places. */
static void swap(struct shelf *s, const struct log_tile *t, struct buf *out)
{
	uint8_t first[LOG_HASH];

	(void)s;
	memcpy(first, out->data, LOG_HASH);
	memcpy(out->data, out->data + out->len - LOG_HASH, LOG_HASH);
	memcpy(out->data + out->len - LOG_HASH, first, LOG_HASH);
	ck_assert_uint_gt(t->width, 1);
}

/* The second full tile stands where the first should. */
static void misplace(struct shelf *s, const struct log_tile *t, struct buf *out)
{
	memcpy(out->data, s->view.g->hash[0][(t->index ^ 1) * 256], out->len);
}

static void replace(struct shelf *s, const struct log_tile *t, struct buf *out)
{
	(void)s;
	memcpy(out->data, other.hash[8 * t->level][t->index * 256], out->len);
}

START_TEST(test_wrong_tiles)
{
	struct shelf s = { .view = { &grove, SIZE } };

	grove_fill(&grove, &hasher, SIZE, "log");
	grove_fill(&other, &hasher, SIZE, "log of others");
	s.bend = swap;
	not_proven(&s, 7);
	s.bend = misplace;
	not_proven(&s, 7);
	s.bend = replace;
	not_proven(&s, 7);
	s.at.level = 1;
	not_proven(&s, 599);
}
END_TEST

static void cut(struct shelf *s, const struct log_tile *t, struct buf *out)
{
	(void)t;
	out->len -= s->bit;
}

static void lengthen(struct shelf *s, const struct log_tile *t, struct buf *out)
{
	uint8_t more[LOG_HASH] = { 0 };

	(void)t;
	buf_put(out, more, s->bit);
}

static void not_read(struct shelf *s)
{
	struct log_tilereader *tiles = reader_of(s);
	const struct log_reader r = log_tilereader_of(tiles);
	struct log_proof p;
	struct err err;

	err_init(&err);
	unit_refused(
		log_prove_inclusion(&hasher, &r, 0, s->view.size, &p, &err),
		PV_INTEGRITY, "log.tile", &err);
	/* Nothing of it was kept: the next try is one. */
	s->bend = NULL;
	UNIT_OK(log_prove_inclusion(&hasher, &r, 0, s->view.size, &p, &err_));
	log_tilereader_free(tiles);
}

START_TEST(test_wrong_lengths)
{
	static const size_t by[] = { 1, 31, 32 };
	static const uint64_t sizes[] = { 70, SIZE };
	struct shelf s = { .view = { &grove, 70 } };

	grove_fill(&grove, &hasher, SIZE, "log");
	for (size_t i = 0; i < 6; i++) {
		s.view.size = sizes[i / 3];
		s.bit = by[i % 3];
		s.bend = cut;
		not_read(&s);
		s.bend = lengthen;
		not_read(&s);
	}
	s.bit = (size_t)256 * LOG_HASH; /* nothing at all */
	s.bend = cut;
	not_read(&s);
}
END_TEST

static enum pv_code gone(void *ctx, const struct log_tile *t, struct buf *out,
			 struct err *err)
{
	(void)ctx;
	(void)t;
	(void)out;
	return err_fail(err, PV_NOT_FOUND, "test", NULL, "no such file");
}

START_TEST(test_refusals)
{
	struct log_tile_source source = { gone, NULL };
	struct log_tilereader *tiles;
	struct log_reader r;
	uint8_t hash[LOG_HASH];
	struct err err;

	err_init(&err);
	unit_refused(log_tilereader_new(&tiles, &source, &hasher, LOG_SIZE_MAX,
					&err),
		     PV_INPUT, "log.range", &err);
	ck_assert_ptr_null(tiles);
	log_tilereader_free(tiles);
	UNIT_OK(log_tilereader_new(&tiles, &source, &hasher, 300, &err_));
	r = log_tilereader_of(tiles);
	err_init(&err);
	unit_refused(r.hash(r.ctx, 0, 299, hash, &err), PV_NOT_FOUND, "test",
		     &err);
	err_init(&err);
	unit_refused(r.hash(r.ctx, 0, 300, hash, &err), PV_INPUT, "log.range",
		     &err);
	err_init(&err);
	unit_refused(r.hash(r.ctx, 8, 1, hash, &err), PV_INPUT, "log.range",
		     &err);
	err_init(&err);
	unit_refused(r.hash(r.ctx, 64, 0, hash, &err), PV_INPUT, "log.range",
		     &err);
	log_tilereader_free(tiles);
}
END_TEST

/* ---- a log too large to be held ---- */

/* All leaves are one: the subtrees of a level are, too. */
static uint8_t level_hash[LOG_LEVELS][LOG_HASH];

static enum pv_code alike(void *ctx, const struct log_tile *t, struct buf *out,
			  struct err *err)
{
	size_t *asked = ctx;

	(void)err;
	++*asked;
	for (unsigned i = 0; i < t->width; i++)
		buf_put(out, level_hash[8 * t->level], LOG_HASH);
	return PV_OK;
}

START_TEST(test_large)
{
	static const uint64_t sizes[] = {
		(UINT64_C(1) << 40) + 12345,
		LOG_SIZE_MAX - 1,
	};
	size_t asked = 0;
	struct log_tile_source source = { alike, &asked };
	struct log_tilereader *tiles;
	struct log_proof p;
	uint8_t root[LOG_HASH];

	for (unsigned i = 1; i < LOG_LEVELS; i++)
		UNIT_OK(log_hash_node(&hasher, level_hash[i - 1],
				      level_hash[i - 1], level_hash[i], &err_));
	for (size_t i = 0; i < 2; i++) {
		struct log_reader r;
		uint64_t index = sizes[i] / 3;

		UNIT_OK(log_tilereader_new(&tiles, &source, &hasher, sizes[i],
					   &err_));
		r = log_tilereader_of(tiles);
		UNIT_OK(log_root_at(&hasher, &r, sizes[i], root, &err_));
		asked = 0;
		UNIT_OK(log_prove_inclusion(&hasher, &r, index, sizes[i], &p,
					    &err_));
		UNIT_OK(log_check_inclusion(&hasher, level_hash[0], index,
					    sizes[i], &p, root, &err_));
		ck_assert_uint_le(asked, 2 * LOG_TILE_LEVELS);
		log_tilereader_free(tiles);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("log_tilereader");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, test_vectors);
	tcase_add_test(t, test_inclusion);
	tcase_add_test(t, test_consistency);
	tcase_add_test(t, test_every_bit);
	tcase_add_test(t, test_wrong_tiles);
	tcase_add_test(t, test_wrong_lengths);
	tcase_add_test(t, test_refusals);
	tcase_add_test(t, test_large);
	suite_add_tcase(s, t);
	return unit_run(s);
}
