/*
 * tilewriter: the tiles that a grown log needs (c2sp.org/tlog-tiles), made in
 * one pass over its new entries. What it gives out was all part of the roots
 * that it was held against: that of the old tree, before the first tile, and
 * that of the new one.
 *
 * Full tiles are given out on the way, before the new root is known to be
 * right: a first pass without a sink finds out.
 */
#ifndef PV_LOG_TILEWRITER_H
#define PV_LOG_TILEWRITER_H

#include "lib/log/tile.h"

/* Where tiles go: a folder, a test. */
struct log_tile_sink {
	/* bytes are borrowed until it returns. Its code is handed on. */
	enum pv_code (*put)(void *ctx, const struct log_tile *t,
			    struct span bytes, struct err *err);
	void *ctx;
};

struct log_tilewriter;

/*
 * A writer of the tiles that a tree has not which was of size old->size and
 * root old->root (size 0: none was written). What is left of the first bundle
 * to be written is asked of left, once. sink may be NULL: only the roots are
 * checked. sink and h are borrowed. PV_INTEGRITY, rule "log.proof", when left
 * does not lead to old; PV_INPUT, "log.range"; what left says; *out is then
 * NULL.
 */
PV_MUST enum pv_code log_tilewriter_new(struct log_tilewriter **out,
					const struct log_tile_sink *sink,
					struct log_hasher *h,
					const struct log_reader *left,
					const struct log_point *old,
					struct err *err);
/* Takes NULL. */
void log_tilewriter_free(struct log_tilewriter *w);
/* Index of the entry that is to be added next; the first is old's bundle's. */
uint64_t log_tilewriter_next(const struct log_tilewriter *w);
/*
 * PV_INTEGRITY, rule "log.proof", when the entries do not lead to old; PV_INPUT
 * of log_entries_add(); what the sink said. The writer is then done with.
 */
PV_MUST enum pv_code log_tilewriter_add(struct log_tilewriter *w,
					struct span entry, struct err *err);
/*
 * After the last entry: the tree is that of now, and the tiles that are not
 * full are given out. PV_INTEGRITY, rule "log.proof"; what the sink said.
 */
PV_MUST enum pv_code log_tilewriter_finish(struct log_tilewriter *w,
					   const struct log_point *now,
					   struct err *err);

#endif
