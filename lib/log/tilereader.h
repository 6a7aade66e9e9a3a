/*
 * tilereader: the log_reader of proof.h over tiles, so that proofs are made
 * from published files alone (c2sp.org/tlog-tiles). It keeps the few tiles
 * that were used last; its memory does not grow with the log.
 *
 * Does not check: that a hash is of the tree. Whoever uses it verifies the
 * proof it made, or the root (log_root_at()), against a checkpoint: a hash that
 * was changed leads to another root.
 */
#ifndef PV_LOG_TILEREADER_H
#define PV_LOG_TILEREADER_H

#include "lib/log/tile.h"

#define LOG_TILE_SLOTS 16u /* an inclusion proof needs at most two a level */

/* Where tiles come from: a folder, a server, a test. */
struct log_tile_source {
	/*
	 * Appends the bytes of a tile of hashes, of exactly its width, to out,
	 * which holds no more than one. Its code is handed on.
	 */
	enum pv_code (*read)(void *ctx, const struct log_tile *t,
			     struct buf *out, struct err *err);
	void *ctx;
};

struct log_tilereader;

/*
 * A reader of the tree of size leaves; only tiles that this size has are asked
 * for. h and what source points at stay the caller's and must outlive it.
 * PV_INPUT, rule "log.range", for a size of 2^63 or more; PV_INTERNAL without
 * memory; *out is then NULL.
 */
PV_MUST enum pv_code log_tilereader_new(struct log_tilereader **out,
					const struct log_tile_source *source,
					struct log_hasher *h, uint64_t size,
					struct err *err);
/* Takes NULL. */
void log_tilereader_free(struct log_tilereader *r);
/*
 * For the functions of proof.h. Its hash() returns what the source did, or
 * PV_INTEGRITY, rule "log.tile", for a tile of a wrong length; PV_INPUT, rule
 * "log.range", for a subtree outside of the tree.
 */
struct log_reader log_tilereader_of(struct log_tilereader *r);

#endif
