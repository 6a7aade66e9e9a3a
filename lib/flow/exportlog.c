#include "lib/flow/exportlog.h"

#include <fcntl.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/flow/cosigned.h"
#include "lib/flow/tilefolder.h"
#include "lib/store/store_log.h"
#include "lib/flow/outlock.h"
#include "lib/flow/logged.h"

#define PIECE 4096u /* entries that the store is asked for at once */
#define FILE_MODE 0644
#define FOLDER_MODE 0755

CLEANUP_PTR(struct tilefolder, tilefolder_free);
CLEANUP_PTR(struct log_tilewriter, log_tilewriter_free);

struct run {
	struct exportlog *x;
	struct store *store;
	struct log_hasher hasher;
	struct checkpoint_base base;
	struct log_point now; /* of the checkpoint to give out: */
	struct buf note;
	int dir;
	struct log_point old; /* of the folder's checkpoint, and that: */
	struct buf there;
	uint64_t done, total; /* for progress */
};

static void run_release(struct run *r)
{
	log_hasher_release(&r->hasher);
	buf_release(&r->note);
	buf_release(&r->there);
	fd_cleanup(&r->dir);
}

/* ---- the folder ---- */

static enum pv_code open_folder(struct run *r, const char *folder,
				struct err *err)
{
	enum pv_code rc = dir_make(AT_FDCWD, folder, FOLDER_MODE, err);

	if (rc == PV_OK)
		rc = dir_open(AT_FDCWD, folder, &r->dir, err);
	/* Two would take each other's files for conflicts. */
	if (rc == PV_OK)
		rc = outlock_take(r->dir, OUTLOCK_WRITE, folder, err);
	if (rc == PV_OK)
		file_group_sweep(r->dir);
	return rc;
}

static enum pv_code another(const char *what, struct err *err)
{
	return err_fail(err, PV_CONFLICT, "export.log",
			"use another folder; nothing was written",
			"the checkpoint there is %s", what);
}

/* Signed by a key of ours under our origin? */
static enum pv_code is_ours(const struct run *r, const struct log_checkpoint *c,
			    struct err *err)
{
	struct err why;
	enum pv_code rc;

	err_init(&why);
	if (!span_is(c->origin, r->base.origin))
		return another("another log's", err);
	rc = log_checkpoint_verify(c, r->base.keys, r->base.keys_n, &why);
	if (rc == PV_INTEGRITY && strcmp(why.rule, "log.checkpoint") == 0)
		return another("of none of this log's keys", err);
	if (rc != PV_OK)
		*err = why;
	return rc;
}

/* Both are signed by this log's keys. */
static enum pv_code two_faces(const struct run *r, const struct log_point *old,
			      const char *what, struct err *err)
{
	return err_fail(err, PV_INTEGRITY, "export.log",
			"the store was set back, or somebody else has the "
			"log's key: keep folder and home as they are, stop "
			"issuing, and tell the officers and the witnesses; "
			"nothing was written",
			"the checkpoint there is of %llu entries, and %s: the "
			"store's last one has %llu",
			(unsigned long long)old->size, what,
			(unsigned long long)r->base.last.size);
}

/* Does our log begin with that one? */
static enum pv_code begins(struct run *r, const struct log_point *old,
			   struct err *err)
{
	const struct log_reader reader = logged_reader(r->store);
	uint8_t root[LOG_HASH];
	enum pv_code rc;

	if (old->size > r->base.last.size)
		return two_faces(r, old, "the published log is longer", err);
	rc = log_root_at(&r->hasher, &reader, old->size, root, err);
	if (rc == PV_OK && memcmp(root, old->root, LOG_HASH) != 0)
		return two_faces(r, old, "this log does not go on from it",
				 err);
	return rc;
}

/* What the folder has; nothing when no export into it was finished. */
static enum pv_code read_old(struct run *r, struct err *err)
{
	CLEANUP(log_checkpoint_release)
	struct log_checkpoint c = { .at = { 0 } };
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = file_read(r->dir, CHECKPOINT_FILE, FILEIO_NOFOLLOW, &r->there,
		       &why);
	if (rc == PV_NOT_FOUND)
		return PV_OK;
	if (rc == PV_OK)
		rc = log_checkpoint_parse(&c, buf_span(&r->there), &why);
	if (rc != PV_OK) {
		*err = why;
		return rc;
	}
	rc = is_ours(r, &c, err);
	if (rc == PV_OK)
		rc = begins(r, &c.at, err);
	if (rc == PV_OK)
		r->old = c.at;
	return rc;
}

/* ---- which checkpoint ---- */

/*
 * Where witnesses have seen all but exports, the folder keeps what they
 * cosigned: the last checkpoint, signed for those exports, has none of their
 * lines. A folder never goes back behind what it showed.
 */
static enum pv_code choose(const struct authority *a, struct run *r,
			   struct err *err)
{
	CLEANUP(buf_release) struct buf seen;
	struct log_point at;
	struct cosigned c;
	struct err why;
	enum pv_code rc;

	r->now = r->base.last;
	if (a->witnesses_required == 0)
		return PV_OK;
	buf_init(&seen, CHECKPOINT_MAX);
	err_init(&why);
	rc = cosigned_load(a, r->store, &r->base, &c, err);
	if (rc != PV_OK || c.last_n > 0)
		return rc;
	rc = cosigned_gate(a, r->store, &r->base, NULL, &why);
	if (rc == PV_OK)
		rc = cosigned_note(a, r->store, &r->base, &seen, &at, &why);
	if (rc == PV_WAITING || (rc == PV_OK && at.size < r->old.size))
		return PV_OK;
	if (rc != PV_OK) {
		*err = why;
		return rc;
	}
	r->now = at;
	buf_reset(&r->note);
	buf_put(&r->note, seen.data, seen.len);
	return buf_check(&r->note, err);
}

/* ---- its tiles ---- */

static enum pv_code take_entry(void *ctx, uint64_t index, struct span entry,
			       struct err *err)
{
	(void)index;
	return log_tilewriter_add(ctx, entry, err);
}

/* All new entries through a writer; without sink they are only checked. */
static enum pv_code pass(struct run *r, const struct log_tile_sink *sink,
			 struct err *err)
{
	CLEANUP(cleanup_log_tilewriter_free) struct log_tilewriter *w = NULL;
	const struct log_reader left = logged_reader(r->store);
	const struct log_point *now = &r->now;
	struct store_visit v = { .fn.entry = take_entry };
	uint64_t from;
	enum pv_code rc =
		log_tilewriter_new(&w, sink, &r->hasher, &left, &r->old, err);

	if (rc != PV_OK)
		return rc;
	v.ctx = w;
	while (rc == PV_OK && (from = log_tilewriter_next(w)) < now->size) {
		uint64_t n =
			now->size - from < PIECE ? now->size - from : PIECE;

		rc = store_log_each(r->store, from, n, &v, err);
		if (rc == PV_OK && log_tilewriter_next(w) != from + n)
			rc = err_fail(err, PV_INTEGRITY, "log.entry",
				      "run provctl audit verify",
				      "the log has become shorter");
		r->done += n;
		if (r->x->progress)
			r->x->progress(r->x->ctx, r->done, r->total);
	}
	return rc == PV_OK ? log_tilewriter_finish(w, now, err) : rc;
}

static enum pv_code write_tiles(struct run *r, struct err *err)
{
	CLEANUP(cleanup_tilefolder_free) struct tilefolder *f = NULL;
	struct log_tile_sink sink;
	enum pv_code rc;

	r->total = 2 *
		   (r->now.size - (r->old.size - r->old.size % LOG_TILE_WIDTH));
	rc = pass(r, NULL, err);
	if (rc == PV_OK)
		rc = tilefolder_new(r->dir, &f, err);
	if (rc != PV_OK)
		return rc;
	sink = tilefolder_sink(f);
	rc = pass(r, &sink, err);
	if (rc == PV_OK)
		rc = tilefolder_commit(f, err);
	r->x->files = tilefolder_count(f);
	return rc;
}

static enum pv_code update(const struct authority *a, struct run *r,
			   struct err *err)
{
	enum pv_code rc = read_old(r, err);

	if (rc == PV_OK)
		rc = choose(a, r, err);
	if (rc != PV_OK || span_equal(buf_span(&r->there), buf_span(&r->note)))
		return rc;
	if (r->now.size > r->old.size)
		rc = write_tiles(r, err);
	if (rc == PV_OK)
		rc = file_write(r->dir, CHECKPOINT_FILE, FILE_MODE,
				r->note.data, r->note.len, err);
	r->x->files++;
	return rc;
}

/* No folder is made for a log that has no checkpoint to give out. */
static enum pv_code is_signed(const struct authority *a, struct store *store,
			      struct err *err)
{
	CLEANUP(buf_release) struct buf note;
	struct checkpoint_base base;

	buf_init(&note, CHECKPOINT_MAX);
	return checkpoint_last(a, store, &base, &note, err);
}

enum pv_code export_log(const struct authority *a, struct store *store,
			const char *folder, struct exportlog *x,
			struct err *err)
{
	CLEANUP(run_release)
	struct run r = {
		.x = x, .store = store, .hasher = LOG_HASHER_INIT, .dir = -1
	};
	enum pv_code rc;

	x->entries = x->added = x->files = 0;
	buf_init(&r.note, CHECKPOINT_MAX);
	buf_init(&r.there, CHECKPOINT_MAX);
	rc = log_hasher_init(&r.hasher, err);
	if (rc == PV_OK)
		rc = is_signed(a, store, err);
	if (rc != PV_OK)
		return rc;
	rc = open_folder(&r, folder, err);
	/* Under the folder's lock: the run before wrote no longer a log. */
	if (rc == PV_OK)
		rc = checkpoint_last(a, store, &r.base, &r.note, err);
	if (rc == PV_OK)
		rc = update(a, &r, err);
	if (rc != PV_OK) {
		err_object(err, folder);
		return rc;
	}
	x->entries = r.now.size;
	x->added = r.now.size - r.old.size;
	return PV_OK;
}
