/*
 * tile: paths and contents of tiles from outside. A path that parses is the one
 * path of its tile; a bundle of entries that opens is the bytes of its entries;
 * a tile of hashes gives a proof or a refusal, and no proof that is wrong
 * holds.
 */
#include <string.h>

#include "lib/log/tilereader.h"
#include "tests/fuzz/fuzz.h"

static void check_path(struct span bytes)
{
	char path[LOG_TILE_PATH_MAX];
	struct log_tile t;
	struct err err;

	err_init(&err);
	if (log_tile_parse(&t, bytes, &err) != PV_OK) {
		FUZZ_CHECK(err.code == PV_INPUT && t.width == 0);
		return;
	}
	FUZZ_CHECK(log_tile_ok(&t));
	log_tile_path(&t, path);
	FUZZ_CHECK(span_is(bytes, path));
}

static void check_entries(struct span bytes)
{
	for (unsigned width = 0; width <= LOG_TILE_WIDTH + 1; width++) {
		struct log_entries e;
		struct span entry;
		struct buf again;
		unsigned n = 0;

		if (log_entries_open(&e, bytes, width, NULL) != PV_OK) {
			FUZZ_CHECK(!log_entries_next(&e, &entry));
			continue;
		}
		buf_init(&again, LOG_ENTRIES_MAX);
		for (; log_entries_next(&e, &entry); n++)
			FUZZ_CHECK(log_entries_add(&again, entry, NULL) ==
				   PV_OK);
		FUZZ_CHECK(n == width);
		FUZZ_CHECK(span_equal(buf_span(&again), bytes));
		buf_release(&again);
	}
}

/* Every tile is the input. */
static enum pv_code take(void *ctx, const struct log_tile *t, struct buf *out,
			 struct err *err)
{
	const struct span *bytes = ctx;

	(void)t;
	(void)err;
	buf_put(out, bytes->p, bytes->len);
	return PV_OK;
}

static void check_hashes(struct span bytes)
{
	const struct log_tile_source source = { take, &bytes };
	uint64_t size = bytes.len / LOG_HASH;
	struct log_tilereader *tiles;
	struct log_hasher h;
	struct log_reader r;
	struct log_proof p;
	uint8_t root[LOG_HASH];

	FUZZ_CHECK(log_hasher_init(&h, NULL) == PV_OK);
	FUZZ_CHECK(log_tilereader_new(&tiles, &source, &h, size, NULL) ==
		   PV_OK);
	r = log_tilereader_of(tiles);
	if (size > 0 && log_root_at(&h, &r, size, root, NULL) == PV_OK &&
	    log_prove_inclusion(&h, &r, size / 2, size, &p, NULL) == PV_OK) {
		const uint8_t *leaf = bytes.p + size / 2 * LOG_HASH;

		FUZZ_CHECK(log_check_inclusion(&h, leaf, size / 2, size, &p,
					       root, NULL) == PV_OK);
		root[0] ^= 1;
		FUZZ_CHECK(log_check_inclusion(&h, leaf, size / 2, size, &p,
					       root, NULL) == PV_INTEGRITY);
	}
	log_tilereader_free(tiles);
	log_hasher_release(&h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct span bytes = { data, len };

	check_path(bytes);
	check_entries(bytes);
	check_hashes(bytes);
	return 0;
}
