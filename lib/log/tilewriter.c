#include "lib/log/tilewriter.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

struct log_tilewriter {
	const struct log_tile_sink *sink; /* NULL: roots only */
	struct log_hasher *h;
	struct log_point old;
	struct log_tree tree;
	struct buf entries; /* of the bundle in the making */
	/* Of each level the tile in the making: as wide as the tree says. */
	uint8_t row[LOG_TILE_LEVELS][LOG_TILE_WIDTH][LOG_HASH];
};

static enum pv_code wrong(const char *which, uint64_t size, struct err *err)
{
	return err_fail(err, PV_INTEGRITY, "log.proof",
			"run provctl audit verify",
			"the log's first %llu entries do not lead to the %s "
			"root",
			(unsigned long long)size, which);
}

static enum pv_code check_root(struct log_tilewriter *w,
			       const struct log_point *at, const char *which,
			       struct err *err)
{
	uint8_t root[LOG_HASH];
	enum pv_code rc = log_tree_root(&w->tree, w->h, root, err);

	if (rc == PV_OK &&
	    (w->tree.size != at->size || memcmp(root, at->root, LOG_HASH) != 0))
		return wrong(which, at->size, err);
	return rc;
}

static enum pv_code check_old(struct log_tilewriter *w, struct err *err)
{
	if (w->old.size == 0 || w->tree.size != w->old.size)
		return PV_OK;
	return check_root(w, &w->old, "old", err);
}

/* ---- what is left of the first new bundle ---- */

static enum pv_code load_row(struct log_tilewriter *w,
			     const struct log_reader *left, unsigned level,
			     struct err *err)
{
	uint64_t nodes = w->tree.size >> (LOG_TILE_HEIGHT * level);
	uint64_t first = nodes - nodes % LOG_TILE_WIDTH;
	enum pv_code rc = PV_OK;

	for (uint64_t i = first; rc == PV_OK && i < nodes; i++)
		rc = left->hash(left->ctx, LOG_TILE_HEIGHT * level, i,
				w->row[level][i - first], err);
	return rc;
}

/* The frontier's subtree of that level, from the hashes of its row. */
static enum pv_code fold(struct log_tilewriter *w, unsigned level,
			 struct err *err)
{
	const unsigned above = level % LOG_TILE_HEIGHT;
	const unsigned n = 1u << above;
	struct log_tree part = { .size = 0 };
	size_t first = (size_t)((((w->tree.size >> level) - 1) << above) %
				LOG_TILE_WIDTH);
	enum pv_code rc = PV_OK;

	for (unsigned i = 0; rc == PV_OK && i < n; i++)
		rc = log_tree_append(&part, w->h,
				     w->row[level / LOG_TILE_HEIGHT][first + i],
				     NULL, err);
	if (rc == PV_OK)
		memcpy(w->tree.node[level], part.node[above], LOG_HASH);
	return rc;
}

static enum pv_code start(struct log_tilewriter *w,
			  const struct log_reader *left, struct err *err)
{
	enum pv_code rc = PV_OK;

	w->tree.size = w->old.size - w->old.size % LOG_TILE_WIDTH;
	for (unsigned k = 0; rc == PV_OK && k < LOG_TILE_LEVELS; k++)
		rc = load_row(w, left, k, err);
	for (unsigned k = 0; rc == PV_OK && k < LOG_LEVELS; k++)
		if (w->tree.size >> k & 1)
			rc = fold(w, k, err);
	return rc == PV_OK ? check_old(w, err) : rc;
}

enum pv_code log_tilewriter_new(struct log_tilewriter **out,
				const struct log_tile_sink *sink,
				struct log_hasher *h,
				const struct log_reader *left,
				const struct log_point *old, struct err *err)
{
	struct log_tilewriter *w;
	enum pv_code rc;

	*out = NULL;
	if (old->size >= LOG_SIZE_MAX)
		return err_fail(err, PV_INPUT, "log.range", NULL,
				"no log is that long");
	w = mem_new(sizeof(*w), err);
	if (!w)
		return PV_INTERNAL;
	w->sink = sink;
	w->h = h;
	w->old = *old;
	buf_init(&w->entries, LOG_ENTRIES_MAX);
	rc = start(w, left, err);
	if (rc == PV_OK)
		*out = w;
	else
		log_tilewriter_free(w);
	return rc;
}

void log_tilewriter_free(struct log_tilewriter *w)
{
	if (!w)
		return;
	buf_release(&w->entries);
	free(w);
}

uint64_t log_tilewriter_next(const struct log_tilewriter *w)
{
	return w->tree.size;
}

/* ---- giving out ---- */

static enum pv_code put(struct log_tilewriter *w, const struct log_tile *t,
			struct err *err)
{
	struct span bytes = { w->row[t->level][0], t->width * LOG_HASH };

	if (!w->sink)
		return PV_OK;
	return w->sink->put(w->sink->ctx, t,
			    t->entries ? buf_span(&w->entries) : bytes, err);
}

static enum pv_code subtree_done(void *ctx, unsigned level, uint64_t index,
				 const uint8_t hash[static LOG_HASH],
				 struct err *err)
{
	struct log_tilewriter *w = ctx;
	struct log_tile t = { .level = level / LOG_TILE_HEIGHT,
			      .index = index / LOG_TILE_WIDTH,
			      .width = LOG_TILE_WIDTH };

	if (level % LOG_TILE_HEIGHT != 0 || t.level >= LOG_TILE_LEVELS)
		return PV_OK;
	memcpy(w->row[t.level][index % LOG_TILE_WIDTH], hash, LOG_HASH);
	return (index + 1) % LOG_TILE_WIDTH == 0 ? put(w, &t, err) : PV_OK;
}

enum pv_code log_tilewriter_add(struct log_tilewriter *w, struct span entry,
				struct err *err)
{
	const struct log_tree_sink sink = { subtree_done, w };
	struct log_tile t = { .entries = true, .width = LOG_TILE_WIDTH };
	uint8_t leaf[LOG_HASH];
	enum pv_code rc = log_entries_add(&w->entries, entry, err);

	if (rc == PV_OK)
		rc = log_hash_leaf(w->h, entry, leaf, err);
	if (rc == PV_OK)
		rc = log_tree_append(&w->tree, w->h, leaf, &sink, err);
	if (rc == PV_OK)
		rc = check_old(w, err);
	if (rc != PV_OK || w->tree.size % LOG_TILE_WIDTH != 0)
		return rc;
	t.index = w->tree.size / LOG_TILE_WIDTH - 1;
	rc = put(w, &t, err);
	buf_reset(&w->entries);
	return rc;
}

/* The right edge of a level; nothing when the old tree had it as wide. */
static enum pv_code put_edge(struct log_tilewriter *w, unsigned level,
			     bool entries, struct err *err)
{
	unsigned shift = LOG_TILE_HEIGHT * level;
	uint64_t nodes = w->tree.size >> shift;
	struct log_tile t;

	if (nodes == w->old.size >> shift ||
	    !log_tile_at(&t, level, nodes / LOG_TILE_WIDTH, w->tree.size))
		return PV_OK;
	t.entries = entries;
	return put(w, &t, err);
}

enum pv_code log_tilewriter_finish(struct log_tilewriter *w,
				   const struct log_point *now, struct err *err)
{
	enum pv_code rc = check_root(w, now, "new", err);

	if (rc == PV_OK && now->size < w->old.size)
		return wrong("old", w->old.size, err);
	if (rc == PV_OK)
		rc = put_edge(w, 0, true, err);
	for (unsigned k = 0; rc == PV_OK && k < LOG_TILE_LEVELS; k++)
		rc = put_edge(w, k, false, err);
	return rc;
}
