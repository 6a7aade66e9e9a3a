#include "lib/log/tilereader.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

/* All subtrees inside a full tile: 256 + 128 + ... + 1. */
#define NODES (2 * LOG_TILE_WIDTH - 1)

struct slot {
	struct log_tile at; /* width 0: empty */
	uint64_t used;
	uint8_t node[NODES][LOG_HASH]; /* level by level, see node_of() */
};

struct log_tilereader {
	struct log_tile_source source;
	struct log_hasher *h;
	uint64_t size;
	uint64_t clock; /* counts uses */
	struct buf bytes;
	struct slot slot[LOG_TILE_SLOTS];
};

/* Subtree index of a level inside the tile: those of lower levels before it. */
static uint8_t *node_of(struct slot *s, unsigned level, uint64_t index)
{
	size_t before = 2 * LOG_TILE_WIDTH - (2 * LOG_TILE_WIDTH >> level);

	return s->node[before + index];
}

enum pv_code log_tilereader_new(struct log_tilereader **out,
				const struct log_tile_source *source,
				struct log_hasher *h, uint64_t size,
				struct err *err)
{
	*out = NULL;
	if (size >= LOG_SIZE_MAX)
		return err_fail(err, PV_INPUT, "log.range", NULL,
				"no tree is that large");
	*out = mem_new(sizeof(**out), err);
	if (!*out)
		return PV_INTERNAL;
	(*out)->source = *source;
	(*out)->h = h;
	(*out)->size = size;
	buf_init(&(*out)->bytes, LOG_TILE_BYTES);
	return PV_OK;
}

void log_tilereader_free(struct log_tilereader *r)
{
	if (!r)
		return;
	buf_release(&r->bytes);
	free(r);
}

/* The bytes of the tile into r->bytes. */
static enum pv_code fetch(struct log_tilereader *r, const struct log_tile *t,
			  struct err *err)
{
	char path[LOG_TILE_PATH_MAX];
	enum pv_code rc;

	buf_reset(&r->bytes);
	rc = r->source.read(r->source.ctx, t, &r->bytes, err);
	if (rc != PV_OK)
		return rc;
	/* More than a tile has failed the buffer. */
	if (!r->bytes.failed && r->bytes.len == (size_t)t->width * LOG_HASH)
		return PV_OK;
	log_tile_path(t, path);
	return err_fail(err, PV_INTEGRITY, "log.tile",
			"get the tile anew from the authority",
			"%s is not %u hashes long", path, t->width);
}

/* The tile into s, with every complete subtree in it. */
static enum pv_code load(struct log_tilereader *r, const struct log_tile *t,
			 struct slot *s, struct err *err)
{
	enum pv_code rc;

	s->at.width = 0;
	rc = fetch(r, t, err);
	if (rc != PV_OK)
		return rc;
	memcpy(s->node, r->bytes.data, r->bytes.len);
	for (unsigned level = 1; level <= LOG_TILE_HEIGHT; level++)
		for (uint64_t i = 0; i < t->width >> level; i++) {
			rc = log_hash_node(r->h, node_of(s, level - 1, 2 * i),
					   node_of(s, level - 1, 2 * i + 1),
					   node_of(s, level, i), err);
			if (rc != PV_OK)
				return rc;
		}
	s->at = *t;
	return PV_OK;
}

/* The slot that holds t, or the one that was not used for longest. */
static struct slot *find(struct log_tilereader *r, const struct log_tile *t)
{
	struct slot *oldest = &r->slot[0];

	for (size_t i = 0; i < LOG_TILE_SLOTS; i++) {
		struct slot *s = &r->slot[i];

		if (s->at.width == t->width && s->at.level == t->level &&
		    s->at.index == t->index)
			return s;
		if (s->used < oldest->used)
			oldest = s;
	}
	oldest->at.width = 0;
	return oldest;
}

static enum pv_code hash(void *ctx, unsigned level, uint64_t index,
			 uint8_t out[static LOG_HASH], struct err *err)
{
	struct log_tilereader *r = ctx;
	unsigned in = level % LOG_TILE_HEIGHT; /* levels inside the tile */
	unsigned shift = LOG_TILE_HEIGHT - in;
	struct log_tile t;
	struct slot *s;

	if (level >= 63 || index >= r->size >> level ||
	    !log_tile_at(&t, level / LOG_TILE_HEIGHT, index >> shift, r->size))
		return err_fail(err, PV_INPUT, "log.range", NULL,
				"the tree of that size has no such subtree");
	s = find(r, &t);
	if (s->at.width == 0) {
		enum pv_code rc = load(r, &t, s, err);

		if (rc != PV_OK)
			return rc;
	}
	s->used = ++r->clock;
	memcpy(out, node_of(s, in, index & ((UINT64_C(1) << shift) - 1)),
	       LOG_HASH);
	return PV_OK;
}

struct log_reader log_tilereader_of(struct log_tilereader *r)
{
	return (struct log_reader){ hash, r };
}
