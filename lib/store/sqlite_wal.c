/*
 * The write-ahead log as a file: when its pages move to the database, and how
 * long it is. A commit that makes the file longer waits for its length and its
 * blocks, too, which takes about twice as long as one that overwrites. Its
 * length is a convenience: a disk that is nearly full is left alone.
 */
#include <sys/statvfs.h>

#include "lib/store/sqlite_ops.h"

#define FRAMES_MAX 4000 /* 16 MiB, then pages move to the database */
#define FRAME_BYTES 4120
#define SMALL_FRAMES                                                           \
	64	      /* a commit of no more is one that somebody waits for    \
		       */
#define SMALL_MANY 16 /* so many of them: more will come */
#define PIECE 16384
#define FREE_MIN (UINT64_C(64) << 20) /* bytes that others may need */

int sqlite_wal_hook(void *ctx, sqlite3 *db, const char *name, int frames)
{
	struct sqlite_store *s = ctx;
	int more = frames > s->wal_frames ? frames - s->wal_frames : frames;

	(void)db;
	(void)name;
	if (more <= SMALL_FRAMES)
		s->small_commits++;
	s->wal_frames = frames;
	return SQLITE_OK;
}

/* The transaction is durable without; a failed sync in there ends writing. */
static void move_pages(struct sqlite_store *s)
{
	int rc = sqlite3_wal_checkpoint_v2(
		s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

	if ((rc & 0xff) == SQLITE_IOERR)
		s->poisoned = true;
}

void sqlite_wal_move(struct sqlite_store *s)
{
	if (s->wal_frames >= FRAMES_MAX)
		move_pages(s);
}

/* Zeros behind the last frame are no frame: SQLite reads up to the first that
 * is none. */
static bool fill(sqlite3_file *f, sqlite3_int64 from)
{
	static const uint8_t zeros[PIECE];

	for (sqlite3_int64 at = from; at < FRAMES_MAX * FRAME_BYTES;
	     at += PIECE)
		if (f->pMethods->xWrite(f, zeros, PIECE, at) != SQLITE_OK)
			return false;
	return true;
}

/* Once it failed it is not tried again: each try fills what others need. */
static bool wants_length(const struct sqlite_store *s)
{
	struct statvfs fs;

	return !s->wal_filled && !s->wal_short && statvfs(s->path, &fs) == 0 &&
	       (uint64_t)fs.f_bavail * fs.f_frsize >=
		       FREE_MIN + FRAMES_MAX * FRAME_BYTES;
}

/* Under the write lock: nobody appends meanwhile. */
static void lengthen(struct sqlite_store *s)
{
	sqlite3_file *f = NULL;
	sqlite3_int64 size;

	s->wal_short = true;
	if (sqlite3_file_control(s->db, "main", SQLITE_FCNTL_JOURNAL_POINTER,
				 &f) != SQLITE_OK ||
	    !f || !f->pMethods || f->pMethods->xFileSize(f, &size) != SQLITE_OK)
		return;
	if (!fill(f, size))
		(void)f->pMethods->xTruncate(f, size);
	else if (f->pMethods->xSync(f, SQLITE_SYNC_NORMAL) != SQLITE_OK)
		s->poisoned = true;
	else
		s->wal_filled = true;
}

/* Will one of the next commits have to do what takes longer than itself? */
static bool is_due(const struct sqlite_store *s)
{
	uint64_t rows = s->sealed.len - s->sealed.committed;
	uint64_t keys = s->state.recent_last + 1 - s->state.recent_first;

	return s->wal_frames >= FRAMES_MAX * 3 / 4 ||
	       rows >= STORE_SEALED_ROWS_MAX * 3 / 4 ||
	       keys >= SQLITE_RECENT_MAX * 3 / 4;
}

/* All of it at once: one answer in many waits, not one for each. */
static enum pv_code tidy(struct sqlite_store *s, struct store_txn *t,
			 struct err *err)
{
	enum pv_code rc = sqlite_sealed_move(s, err);

	if (rc == PV_OK)
		rc = sqlite_keys_merge(s, err);
	if (rc == PV_OK)
		rc = store_commit(t, err);
	if (rc == PV_OK)
		move_pages(s);
	return rc;
}

enum pv_code sqlite_settle(struct store *store, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	STORE_TXN t = STORE_TXN_INIT;
	struct err ignored;
	bool longer;
	enum pv_code rc = PV_OK;

	if (s->small_commits < SMALL_MANY || s->poisoned)
		return PV_OK;
	longer = wants_length(s);
	if (!longer && !is_due(s))
		return PV_OK;
	s->small_commits = 0;
	err_init(&ignored);
	/* Another process is writing: the next commit says what is wrong. */
	if (store_begin(store, STORE_WRITE, &t, &ignored) != PV_OK)
		return PV_OK;
	if (longer)
		lengthen(s);
	if (is_due(s) && !s->poisoned)
		rc = tidy(s, &t, err);
	return rc;
}
