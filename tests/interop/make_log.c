/*
 * make_log: a log as it is published, for verify_log.go:
 *
 *     make_log DIR
 *
 * writes DIR/tile/..., DIR/checkpoint, DIR/entry.tlog-proof (of entry INDEX)
 * and DIR/log.vkey. The log grows once, so that partial tiles of its first
 * size are there too. Entry i is the text "log/i". The checkpoint has lines
 * that Go's reader does not know: ECDSA, and a witness's. For tests only.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log/tile.h"
#include "lib/log/tlogproof.h"
#include "tests/unit/log_fix.h"
#include "tests/unit/notepair.h"

#define ORIGIN "log.example/factory"
#define SIZE 66000u
#define INDEX 12345u
#define LEVELS 17u

static const char *dir; /* where to */

struct large { /* every complete subtree */
	uint8_t (*hash[LEVELS])[LOG_HASH];
};

static enum pv_code keep(void *ctx, unsigned level, uint64_t index,
			 const uint8_t hash[static LOG_HASH], struct err *err)
{
	struct large *l = ctx;

	(void)err;
	memcpy(l->hash[level][index], hash, LOG_HASH);
	return PV_OK;
}

static enum pv_code fetch(void *ctx, unsigned level, uint64_t index,
			  uint8_t out[static LOG_HASH], struct err *err)
{
	struct large *l = ctx;

	(void)err;
	memcpy(out, l->hash[level][index], LOG_HASH);
	return PV_OK;
}

static void grow(struct large *l, struct log_tree *tree, struct log_hasher *h,
		 uint64_t to)
{
	const struct log_tree_sink sink = { keep, l };

	while (tree->size < to) {
		char text[GROVE_ENTRY_MAX];
		uint8_t leaf[LOG_HASH];

		UNIT_OK(log_hash_leaf(h, grove_entry("log", tree->size, text),
				      leaf, &err_));
		UNIT_OK(log_tree_append(tree, h, leaf, &sink, &err_));
	}
}

static void put_file(const char *path, const struct buf *b)
{
	log_fix_file(dir, path, buf_span(b));
}

static void put_tiles(struct large *l, uint64_t from, uint64_t to)
{
	const struct log_reader r = { fetch, l };
	struct log_tile_walk w;
	struct log_tile t;
	struct buf b;

	buf_init(&b, LOG_ENTRIES_MAX);
	UNIT_OK(log_tile_walk(&w, from, to, &err_));
	while (log_tile_next(&w, &t)) {
		char path[LOG_TILE_PATH_MAX];
		char text[GROVE_ENTRY_MAX];
		uint64_t first = t.index * LOG_TILE_WIDTH;

		buf_reset(&b);
		if (!t.entries)
			UNIT_OK(log_tile_put(&t, &r, &b, &err_));
		for (unsigned i = 0; t.entries && i < t.width; i++)
			UNIT_OK(log_entries_add(
				&b, grove_entry("log", first + i, text),
				&err_));
		log_tile_path(&t, path);
		put_file(path, &b);
	}
	buf_release(&b);
}

/* The checkpoint of the whole log, signed by three keys. */
static void put_checkpoint(const struct log_point *at, struct buf *note)
{
	struct cosigner witness;
	struct pair ed, ec;
	struct buf body, key;

	pair_new(&ed, NOTE_ED25519, ORIGIN);
	pair_new(&ec, NOTE_ECDSA, ORIGIN);
	cosigner_new(&witness, "witness.example");
	buf_init(&body, LOG_BODY_MAX);
	buf_init(&key, NOTE_SIZE_MAX);
	UNIT_OK(log_checkpoint_put(ORIGIN, at, &body, &err_));
	start(note, buf_cstr(&body));
	UNIT_OK(add(note, buf_cstr(&body), &ec, &err_));
	UNIT_OK(add(note, buf_cstr(&body), &ed, &err_));
	cosigner_line(&witness, note, buf_span(&body), 1700000000);
	note_key_put(&ed.key, &key);
	put_file("checkpoint", note);
	put_file("log.vkey", &key);
	buf_release(&body);
	buf_release(&key);
	cosigner_free(&witness);
	EVP_PKEY_free(ed.pkey);
	EVP_PKEY_free(ec.pkey);
}

static void put_proof(struct large *l, struct log_hasher *h,
		      const struct buf *note)
{
	const struct log_reader r = { fetch, l };
	struct span none = { NULL, 0 };
	struct log_proof p;
	struct buf b;

	buf_init(&b, LOG_TLOGPROOF_MAX);
	UNIT_OK(log_prove_inclusion(h, &r, INDEX, SIZE, &p, &err_));
	UNIT_OK(log_tlogproof_put(&b, none, INDEX, &p, buf_span(note), &err_));
	put_file("entry.tlog-proof", &b);
	buf_release(&b);
}

/* As a test, for what checks itself on the way is of the unit tests. */
START_TEST(test_make_log)
{
	struct log_tree tree = { .size = 0 };
	struct log_point at = { .size = SIZE };
	struct log_hasher h = LOG_HASHER_INIT;
	struct large l;
	struct buf note;

	for (unsigned i = 0; i < LEVELS; i++) {
		l.hash[i] = calloc((SIZE >> i) + 1, LOG_HASH);
		ck_assert_ptr_nonnull(l.hash[i]);
	}
	UNIT_OK(log_hasher_init(&h, &err_));
	grow(&l, &tree, &h, 300);
	put_tiles(&l, 0, 300);
	grow(&l, &tree, &h, SIZE);
	put_tiles(&l, 300, SIZE);
	UNIT_OK(log_tree_root(&tree, &h, at.root, &err_));
	put_checkpoint(&at, &note);
	put_proof(&l, &h, &note);
	buf_release(&note);
	for (unsigned i = 0; i < LEVELS; i++)
		free(l.hash[i]);
	log_hasher_release(&h);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *s = suite_create("make_log");
	TCase *t = tcase_create("all");

	if (argc != 2) {
		fprintf(stderr, "usage: make_log DIR\n");
		return 2;
	}
	dir = argv[1];
	tcase_set_timeout(t, 120);
	tcase_add_test(t, test_make_log);
	suite_add_tcase(s, t);
	return unit_run(s);
}
