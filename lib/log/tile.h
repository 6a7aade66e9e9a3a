/*
 * tile: the log's tree as files (c2sp.org/tlog-tiles): which tile is where,
 * what is in it, which ones a longer log needs. A tile of level L holds up to
 * 256 roots of complete subtrees of 256^L leaves; an entry bundle holds the
 * entries themselves. Proofs from tiles: tilereader.h.
 *
 * Does not check: that hashes are those of any tree. Who reads tiles verifies
 * a proof made from them against the root of a checkpoint.
 */
#ifndef PV_LOG_TILE_H
#define PV_LOG_TILE_H

#include "lib/log/entry.h"
#include "lib/log/proof.h"

#define LOG_TILE_HEIGHT 8u
#define LOG_TILE_WIDTH 256u /* of a full tile */
#define LOG_TILE_BYTES (LOG_TILE_WIDTH * LOG_HASH)
#define LOG_TILE_LEVELS 8u /* a tree below 2^63 has no level 8 */
/* "tile/entries/", six groups of an index below 2^55, ".p/255" and NUL. */
#define LOG_TILE_PATH_MAX (13u + 5u * 5u + 3u + 6u + 1u)
/* A whole bundle: be16 length and entry, 256 times. */
#define LOG_ENTRIES_MAX (LOG_TILE_WIDTH * (2u + LOG_ENTRY_MAX))

struct log_tile {	/* plain data */
	bool entries;	/* a bundle of entries; level is then 0 */
	unsigned level; /* 0 to LOG_TILE_LEVELS - 1 */
	uint64_t index; /* of the tile in its level */
	unsigned width; /* 1 to LOG_TILE_WIDTH; less: a partial tile */
};

/* True when a tree of fewer than 2^63 leaves can have it. */
PV_MUST bool log_tile_ok(const struct log_tile *t);
/* "tile/0/x001/x234/067.p/8"; out is ended by NUL. t must be log_tile_ok(). */
void log_tile_path(const struct log_tile *t,
		   char out[static LOG_TILE_PATH_MAX]);
/* The opposite; PV_INPUT, rule "log.tile", on any other text. */
PV_MUST enum pv_code log_tile_parse(struct log_tile *t, struct span path,
				    struct err *err);
/*
 * The tile of that place in a tree of size leaves, as wide as it is there.
 * False when the tree has none.
 */
PV_MUST bool log_tile_at(struct log_tile *t, unsigned level, uint64_t index,
			 uint64_t size);

/*
 * Each tile that a tree of to leaves has and one of from leaves had not, or
 * not so wide: entry bundles first, then levels from the leaves up. Costs
 * nothing but its own steps.
 */
struct log_tile_walk {
	uint64_t from;
	uint64_t to;
	struct log_tile next; /* where it stands; width unused */
};
/* PV_INPUT, rule "log.range", unless from <= to and to < 2^63. */
PV_MUST enum pv_code log_tile_walk(struct log_tile_walk *w, uint64_t from,
				   uint64_t to, struct err *err);
/* False at the end. */
PV_MUST bool log_tile_next(struct log_tile_walk *w, struct log_tile *t);

/*
 * Appends the hashes of a tile (not of entries), read from the tree itself.
 * What r says, or PV_INTERNAL.
 */
PV_MUST enum pv_code log_tile_put(const struct log_tile *t,
				  const struct log_reader *r, struct buf *out,
				  struct err *err);

/*
 * Appends one entry to a bundle. PV_INPUT, rule "log.size", when it is empty
 * or longer than LOG_ENTRY_MAX: no entry is.
 */
PV_MUST enum pv_code log_entries_add(struct buf *out, struct span entry,
				     struct err *err);
struct log_entries { /* borrows the bundle */
	struct span rest;
	unsigned left;
};
/*
 * Starts on a bundle that must hold exactly width entries and nothing behind
 * them, else PV_INTEGRITY, rule "log.tile", and there is nothing to read.
 */
PV_MUST enum pv_code log_entries_open(struct log_entries *e, struct span bytes,
				      unsigned width, struct err *err);
/* False at the end. */
PV_MUST bool log_entries_next(struct log_entries *e, struct span *entry);

#endif
