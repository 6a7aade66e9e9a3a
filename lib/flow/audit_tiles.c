#include "lib/flow/audit_tiles.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/flow/audit_entries.h"
#include "lib/flow/audit_extra.h"
#include "lib/log/tilefiles.h"

#define HINT "get the file anew from the authority"
/* Any of them may stand in an exported log. */

struct level {
	struct log_tile at;
	struct buf bytes;
};

struct reading {
	int dir_fd;
	const struct audit_tiles_opts *opts;
	struct audit_tiles_counts *counts;
	struct audit_entries entries;
	struct level level[LOG_TILE_LEVELS];
	struct buf bundle;
};

static void release(struct reading *r)
{
	audit_entries_release(&r->entries);
	for (size_t i = 0; i < LOG_TILE_LEVELS; i++)
		buf_release(&r->level[i].bytes);
	buf_release(&r->bundle);
}

PV_PRINTF(3, 4)
static enum pv_code wrong(struct err *err, const char *path, const char *fmt,
			  ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err_object(err, path);
	return err_fail(err, PV_INTEGRITY, "log.tile", HINT, "%s", text);
}

/* Reads the tile that starts at index of its level. */
static enum pv_code load(struct reading *r, unsigned level, uint64_t index,
			 struct err *err)
{
	struct level *l = &r->level[level];
	char path[LOG_TILE_PATH_MAX];
	enum pv_code rc;

	if (!log_tile_at(&l->at, level, index, r->counts->at.size))
		return err_fail(err, PV_INTERNAL, "log.tile", NULL,
				"the tree has no such tile");
	rc = log_tilefile_read(r->dir_fd, &l->at, &l->bytes, err);
	if (rc != PV_OK)
		return rc;
	log_tile_path(&l->at, path);
	if (l->bytes.len != (size_t)l->at.width * LOG_HASH)
		return wrong(err, path, "%s is not %u hashes long", path,
			     l->at.width);
	r->counts->tiles++;
	return PV_OK;
}

/* ---- which of the two is wrong: an entry, or the tile of its hash ---- */

static enum pv_code read_for_proof(void *ctx, const struct log_tile *t,
				   struct buf *out, struct err *err)
{
	const struct reading *r = ctx;

	return log_tilefile_read(r->dir_fd, t, out, err);
}

/* Whether the tiles prove, to the checkpoint, the hash that they have there. */
static bool is_proven(struct reading *r, uint64_t index,
		      const uint8_t hash[static LOG_HASH])
{
	const struct log_tile_source source = { read_for_proof, r };
	const struct log_point *at = &r->counts->at;
	struct log_tilereader *tiles = NULL;
	struct log_reader reader;
	struct log_proof proof;
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = log_tilereader_new(&tiles, &source, &r->entries.hasher, at->size,
				&why);
	if (rc == PV_OK) {
		reader = log_tilereader_of(tiles);
		rc = log_prove_inclusion(&r->entries.hasher, &reader, index,
					 at->size, &proof, &why);
	}
	if (rc == PV_OK)
		rc = log_check_inclusion(&r->entries.hasher, hash, index,
					 at->size, &proof, at->root, &why);
	log_tilereader_free(tiles);
	return rc == PV_OK;
}

static enum pv_code differ(struct reading *r, unsigned level, uint64_t index,
			   const uint8_t *there, struct err *err)
{
	struct log_tile t = r->level[level].at;
	char path[LOG_TILE_PATH_MAX];
	uint64_t first = index << (level * LOG_TILE_HEIGHT);

	t.entries = level == 0 && is_proven(r, index, there);
	log_tile_path(&t, path);
	if (t.entries)
		return wrong(err, path,
			     "entry %llu is not the one that was signed",
			     (unsigned long long)index);
	if (level == 0)
		return wrong(err, path, "%s has not the hash of entry %llu",
			     path, (unsigned long long)index);
	return wrong(err, path, "%s has not what entries %llu to %llu give",
		     path, (unsigned long long)first,
		     (unsigned long long)r->entries.tree.size);
}

/* Each hash that a tile has, as the tree comes to it. */
static enum pv_code check_hash(void *ctx, unsigned height, uint64_t index,
			       const uint8_t hash[static LOG_HASH],
			       struct err *err)
{
	struct reading *r = ctx;
	unsigned level = height / LOG_TILE_HEIGHT;
	const uint8_t *there;
	enum pv_code rc = PV_OK;

	if (height % LOG_TILE_HEIGHT != 0)
		return PV_OK;
	if (index % LOG_TILE_WIDTH == 0)
		rc = load(r, level, index / LOG_TILE_WIDTH, err);
	if (rc != PV_OK)
		return rc;
	there = r->level[level].bytes.data + index % LOG_TILE_WIDTH * LOG_HASH;
	if (memcmp(there, hash, LOG_HASH) != 0)
		return differ(r, level, index, there, err);
	return PV_OK;
}

/* ---- entries ---- */

static enum pv_code take_entry(struct reading *r, const char *path,
			       struct span entry, struct err *err)
{
	uint64_t index = r->entries.tree.size;
	enum pv_code rc = audit_entries_take(&r->entries, entry, err);
	char about[80];

	if (rc == PV_OK && r->opts->entry)
		rc = r->opts->entry(r->opts->entry_ctx, entry, err);
	if (rc == PV_OK || rc == PV_STORAGE ||
	    strcmp(err->rule, "log.tile") == 0)
		return rc; /* a tile is named already */
	snprintf(about, sizeof(about), "%.79s", err->object);
	err_prefix(err, "entry %llu%s%.64s", (unsigned long long)index,
		   about[0] ? ", " : "", about);
	snprintf(err->object, sizeof(err->object), "%s", path);
	return rc;
}

static enum pv_code take_bundle(struct reading *r, const struct log_tile *t,
				struct err *err)
{
	char path[LOG_TILE_PATH_MAX];
	struct log_entries entries;
	struct span entry;
	enum pv_code rc = log_tilefile_read(r->dir_fd, t, &r->bundle, err);

	if (rc != PV_OK)
		return rc;
	log_tile_path(t, path);
	rc = log_entries_open(&entries, buf_span(&r->bundle), t->width, err);
	if (rc != PV_OK)
		err_object(err, path);
	while (rc == PV_OK && log_entries_next(&entries, &entry))
		rc = take_entry(r, path, entry, err);
	if (rc == PV_OK && r->opts->progress)
		r->opts->progress(r->opts->ctx, r->entries.tree.size,
				  r->counts->at.size);
	return rc;
}

static enum pv_code take_bundles(struct reading *r, struct err *err)
{
	struct log_tile t;
	enum pv_code rc = PV_OK;

	for (uint64_t i = 0;
	     rc == PV_OK && log_tile_at(&t, 0, i, r->counts->at.size); i++) {
		t.entries = true;
		rc = take_bundle(r, &t, err);
	}
	return rc;
}

/* ---- checkpoint ---- */

static enum pv_code read_checkpoint(struct reading *r, struct err *err)
{
	const struct log_trust *trust = &r->opts->trust;
	struct audit_tiles_counts *n = r->counts;
	CLEANUP(log_checkpoint_release)
	struct log_checkpoint c = { .at.size = 0 };
	enum pv_code rc;

	buf_reset(&r->bundle);
	rc = file_read(r->dir_fd, AUDIT_CHECKPOINT, FILEIO_NOFOLLOW, &r->bundle,
		       err);
	if (rc == PV_OK)
		rc = log_checkpoint_parse(&c, buf_span(&r->bundle), err);
	if (rc == PV_OK)
		rc = log_trusted(&c, trust, err);
	if (rc == PV_OK)
		rc = log_cosign_count(&c, trust->witnesses, trust->witnesses_n,
				      &n->cosigned, err);
	if (rc != PV_OK) {
		err_object(err, AUDIT_CHECKPOINT);
		return rc;
	}
	n->at = c.at;
	snprintf(n->origin, sizeof(n->origin), "%.*s", (int)c.origin.len,
		 (const char *)c.origin.p);
	return PV_OK;
}

static enum pv_code check_root(struct reading *r, struct err *err)
{
	struct audit_entries *e = &r->entries;
	uint8_t root[LOG_HASH];
	enum pv_code rc = log_tree_root(&e->tree, &e->hasher, root, err);

	if (rc != PV_OK || memcmp(root, r->counts->at.root, LOG_HASH) == 0)
		return rc;
	return wrong(err, AUDIT_CHECKPOINT,
		     "the entries and tiles are not those that were signed");
}

enum pv_code audit_tiles(int dir_fd, const struct audit_tiles_opts *opts,
			 struct audit_tiles_counts *counts, struct err *err)
{
	CLEANUP(release)
	struct reading r = { .dir_fd = dir_fd, .opts = opts, .counts = counts };
	enum pv_code rc;

	memset(counts, 0, sizeof(*counts));
	buf_init(&r.bundle, LOG_ENTRIES_MAX);
	for (size_t i = 0; i < LOG_TILE_LEVELS; i++)
		buf_init(&r.level[i].bytes, LOG_TILE_BYTES);
	rc = audit_entries_init(&r.entries, STORE_SERIALS, err);
	r.entries.sink = (struct log_tree_sink){ check_hash, &r };
	if (rc == PV_OK)
		rc = read_checkpoint(&r, err);
	if (rc == PV_OK)
		rc = take_bundles(&r, err);
	if (rc == PV_OK)
		rc = check_root(&r, err);
	if (rc == PV_OK)
		rc = audit_entries_end(&r.entries, err);
	if (rc == PV_OK)
		rc = audit_extra(dir_fd, counts->at.size, err);
	counts->intents = r.entries.intents;
	counts->certificates = r.entries.issues;
	counts->bundles = r.entries.seals;
	counts->keys = r.entries.keys_n;
	counts->templates = r.entries.templates_n;
	return rc;
}
