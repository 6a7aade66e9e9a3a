/*
 * sqlite_impl: what the files of the SQLite backend share. Internal.
 *
 * Every write happens between begin and commit; s->state is the state row as
 * of begin, changed in memory and written back once, by commit. Log entries
 * and lookup keys are gathered and become one row each (a few for the log), so
 * that a group of devices costs few statements.
 */
#ifndef PV_STORE_SQLITE_IMPL_H
#define PV_STORE_SQLITE_IMPL_H

#include <sqlite3.h>

#include "lib/log/tree.h"
#include "lib/store/keys.h"
#include "lib/store/sealed.h"
#include "lib/store/sql.h"
#include "lib/store/store.h"
#include "lib/store/tally.h"

#define SQLITE_SALT_LEN 16u
#define SQLITE_CHUNK_MAX 16384u /* bytes of log entries in one row */

struct sqlite_state { /* the one row of table state */
	uint32_t serial_next;
	uint64_t sealed_len; /* bytes of the sealed file that are committed */
	uint64_t last_ms;    /* newest time in the log */
	uint64_t devices;
	uint64_t recent_first; /* rows of recent: first to last; none yet */
	uint64_t recent_last;  /*  when first is last + 1 */
	uint64_t governance;   /* newest entry of what people decided, + 1 */
	uint64_t held;	       /* how many wait for people */
	struct log_tree tree;
};

enum sqlite_txn { TXN_NONE, TXN_READ, TXN_WRITE };

/* The statements that begin and end them; they are SQLite's own. */
enum sqlite_bound {
	BOUND_READ,
	BOUND_WRITE,
	BOUND_COMMIT,
	BOUND_ROLLBACK,
	SQLITE_BOUNDS
};

struct template_ref { /* a template found by digest before */
	int64_t id;   /* 0: empty */
	uint8_t sha256[STORE_HASH];
	char name[STORE_ID_MAX + 1];
};
#define SQLITE_TEMPLATE_REFS 8u

struct key_memo { /* the lookup key computed last, by kind */
	uint8_t value[STORE_ID_MAX];
	size_t len; /* 0: none */
	uint64_t key;
};
#define SQLITE_KINDS 4u
#define SQLITE_OWN 1u /* stands for us where a device's number is */

#define SQLITE_ABSENT 256u /* slots; a key's low bits choose one */

struct sqlite_store {
	struct store base; /* first */
	sqlite3 *db;
	sqlite3_stmt *stmt[SQL_COUNT]; /* prepared at first use */
	sqlite3_stmt *bound[SQLITE_BOUNDS];
	struct log_hasher hasher;
	char *path;
	uint8_t salt[SQLITE_SALT_LEN];
	enum sqlite_txn txn;
	bool doomed;	/* this transaction may not be committed */
	bool poisoned;	/* a sync failed: no more writing */
	bool erased;	/* bytes that must not stay in any file */
	bool retiring;	/* this transaction leaves sealed bytes to erase */
	int wal_frames; /* in the write-ahead log at the last commit */
	unsigned small_commits;
	bool wal_filled; /* its file has its length: commits overwrite */
	bool wal_short;	 /* that was tried */
	struct sqlite_state state;
	struct sealed sealed;
	struct keys keys;   /* of rows in table recent, and of this txn */
	struct buf log;	    /* entries not yet in a row, each behind be16 */
	uint64_t log_first; /* index of the first of them */
	struct tally rate, order, rework;
	uint64_t absent[SQLITE_ABSENT]; /* keys this transaction found free */
	struct key_memo memo[SQLITE_KINDS];
	struct template_ref refs[SQLITE_TEMPLATE_REFS];
	unsigned refs_next;
};

/* ---- sqlite_query.c: statements ---- */

struct query {
	struct sqlite_store *s;
	sqlite3_stmt *st;
	int at;	  /* last parameter bound */
	int rc;	  /* first SQLite failure, or SQLITE_OK */
	bool own; /* finalized, not reset, at the end */
};
#define QUERY CLEANUP(query_end) struct query

/* The kept statement; query_own(): one of its own while that is in use, for
 * iterations, which may nest. A statement is started by one of the two only. */
struct query query_start(struct sqlite_store *s, enum sql_id id);
struct query query_kept(struct sqlite_store *s, sqlite3_stmt **st,
			const char *sql);
struct query query_own(struct sqlite_store *s, enum sql_id id);
struct query query_once(struct sqlite_store *s, const char *sql);
void query_end(struct query *q);
/* Parameters, in order. Borrowed until query_end(). "" and NULL are NULL. */
void query_u64(struct query *q, uint64_t v);
void query_str(struct query *q, const char *v);
void query_blob(struct query *q, const void *p, size_t len);
PV_MUST enum pv_code query_row(struct query *q, bool *row, struct err *err);
PV_MUST enum pv_code query_run(struct query *q, struct err *err);
/* An insert whose primary key may be *taken: then nothing has changed. */
PV_MUST enum pv_code query_insert(struct query *q, bool *taken,
				  struct err *err);

/* Columns; false (the caller fails by sqlite_corrupt()) when of another type
 * or length. A NULL is 0, "" or an empty span. */
PV_MUST bool col_u64(struct query *q, int column, uint64_t *v);
PV_MUST bool col_u32(struct query *q, int column, uint32_t *v);
PV_MUST bool col_text(struct query *q, int column, char *out, size_t cap);
PV_MUST bool col_bytes(struct query *q, int column, uint8_t *out, size_t len);
PV_MUST bool col_span(struct query *q, int column, struct span *out);
/* As col_u64(), but a NULL is STORE_NO_INDEX. */
PV_MUST bool col_index(struct query *q, int column, uint64_t *v);

/* What the last SQLite call's failure means; dooms a write transaction. */
enum pv_code sqlite_fail(struct sqlite_store *s, const char *doing,
			 struct err *err);
/* PV_INTEGRITY, "store.corrupt": a row that was read. Does not doom: whoever
 * has written a part of something does. */
enum pv_code sqlite_corrupt(struct sqlite_store *s, const char *what,
			    struct err *err);
PV_MUST enum pv_code sqlite_exec(struct sqlite_store *s, const char *sql,
				 struct err *err);

/* ---- sqlite_open.c ---- */

#define SQLITE_PATH_MAX 4096u

/* A handle with a database connection and nothing read yet. */
PV_MUST enum pv_code sqlite_connect(const char *path, struct sqlite_store **out,
				    struct err *err);
PV_MUST enum pv_code sqlite_configure(struct sqlite_store *s, struct err *err);
PV_MUST enum pv_code sqlite_exec_all(struct sqlite_store *s,
				     const char *const *sql, size_t n,
				     struct err *err);
/* Splits a path; dir gets the folder ("." for none). PV_INPUT. */
PV_MUST enum pv_code sqlite_split_path(const char *path,
				       char dir[SQLITE_PATH_MAX],
				       const char **name, struct err *err);
void sqlite_destroy(struct sqlite_store *s);
CLEANUP_PTR(struct sqlite_store, sqlite_destroy);

/* ---- sqlite_schema.c ---- */

PV_MUST enum pv_code sqlite_schema_make(struct sqlite_store *s,
					struct err *err);
/* PV_INTEGRITY, "store.schema", when the tables are not exactly ours. */
PV_MUST enum pv_code sqlite_schema_check(struct sqlite_store *s,
					 struct err *err);

/* ---- sqlite_wal.c ---- */

int sqlite_wal_hook(void *ctx, sqlite3 *db, const char *name, int frames);
/* After a commit: pages of a long write-ahead log move to the database. */
void sqlite_wal_move(struct sqlite_store *s);

/* ---- sqlite_txn.c ---- */

struct view { /* a read transaction where none is open */
	struct sqlite_store *s;
};
#define VIEW CLEANUP(sqlite_view_end) struct view

PV_MUST enum pv_code sqlite_view(struct sqlite_store *s, struct view *v,
				 struct err *err);
void sqlite_view_end(struct view *v);
/* PV_INTERNAL unless a write transaction is open and not doomed. */
PV_MUST enum pv_code sqlite_writing(struct sqlite_store *s, struct err *err);
PV_MUST enum pv_code sqlite_begin(struct store *store, enum store_mode mode,
				  struct err *err);
PV_MUST enum pv_code sqlite_commit(struct store *store, struct err *err);
void sqlite_rollback(struct store *store);
PV_MUST enum pv_code sqlite_state_put(struct sqlite_store *s, enum sql_id id,
				      struct err *err);

/* ---- sqlite_sealed.c: sealed bytes, in the file and in rows ---- */

PV_MUST enum pv_code sqlite_sealed_begin(struct sqlite_store *s, bool cut,
					 struct err *err);
/* At commit: this transaction's bytes are in a row, or synced in the file. */
PV_MUST enum pv_code sqlite_sealed_flush(struct sqlite_store *s,
					 struct err *err);
/* What is in rows to the file: by the commit of the transaction. */
PV_MUST enum pv_code sqlite_sealed_move(struct sqlite_store *s,
					struct err *err);
/* PV_INTEGRITY unless the rows go on where the file's bytes end. */
PV_MUST enum pv_code sqlite_sealed_check(struct sqlite_store *s,
					 struct err *err);

/* ---- sqlite_find.c: random keys to numbers ---- */

#define FIND_MAX 8u /* rows whose keys collide; 2 never happens */

struct found {
	uint32_t number[FIND_MAX];
	size_t n;
};

enum key_kind { KEY_NAME = 1, KEY_SPKI, KEY_BUNDLE };

PV_MUST enum pv_code sqlite_key(struct sqlite_store *s, enum key_kind kind,
				struct span value, uint64_t *key,
				struct err *err);

struct owner_row { /* what a device's row says of its keys */
	char device[STORE_ID_MAX + 1];
	char request[STORE_ID_MAX + 1]; /* "": the device's id, or none */
	uint8_t spki[STORE_HASH];
	uint8_t seal[STORE_HASH];
	bool renewal; /* not the device's first */
};
PV_MUST enum pv_code sqlite_owner(struct sqlite_store *s, uint32_t number,
				  struct owner_row *o, struct err *err);
/* Candidates: the caller compares what their rows say. Needs a transaction. */
PV_MUST enum pv_code sqlite_find(struct sqlite_store *s, uint64_t key,
				 struct found *out, struct err *err);
/* Whether this transaction has looked and found nobody; and that it has. The
 * decision asks first, then the reservation asks again. */
PV_MUST bool sqlite_is_absent(const struct sqlite_store *s, uint64_t key);
void sqlite_note_absent(struct sqlite_store *s, uint64_t key);
PV_MUST enum pv_code sqlite_key_add(struct sqlite_store *s, uint64_t key,
				    uint32_t number, struct err *err);
/* A public key of our own; fine when it is there already. */
PV_MUST enum pv_code sqlite_key_own(struct sqlite_store *s,
				    const uint8_t sha256[STORE_HASH],
				    struct err *err);
/* At commit: this transaction's keys become a row, or all go to lookup. */
PV_MUST enum pv_code sqlite_keys_flush(struct sqlite_store *s, struct err *err);
PV_MUST enum pv_code sqlite_keys_load(struct sqlite_store *s, struct err *err);
/* All keys in memory to table lookup, in its order. */
PV_MUST enum pv_code sqlite_keys_merge(struct sqlite_store *s, struct err *err);
#define SQLITE_RECENT_MAX                                                      \
	512u /* rows: a short-lived process reads them all                     \
	      */

#define SQLITE_BUCKET_MS 10000 /* rates are kept by 10 s */
#define SQLITE_RATE_KEPT 17280 /* buckets: two days */

/* PV_INTEGRITY when rate or ord are not what the devices give. */
PV_MUST enum pv_code sqlite_recount(struct sqlite_store *s, struct err *err);

/* ---- sqlite_row.c, sqlite_log.c, sqlite_count.c, sqlite_name.c ---- */

#define DEVICE_COLS 27 /* of a device: what a statement adds comes after */
PV_MUST enum pv_code sqlite_device_row(struct query *q, struct store_device *d,
				       struct err *err);
PV_MUST enum pv_code sqlite_bundle_row(struct query *q, struct store_bundle *b,
				       struct err *err);
/* Starts like an entry and is short enough for one. */
PV_MUST bool sqlite_is_entry(struct span entry);
/* sqlite_log_step(): a clock.accept, however far ahead. */
PV_MUST enum pv_code sqlite_log_step(struct sqlite_store *s, struct span entry,
				     uint64_t *index, struct err *err);
PV_MUST enum pv_code sqlite_log_add(struct sqlite_store *s, struct span entry,
				    uint64_t *index, struct err *err);
PV_MUST enum pv_code sqlite_log_flush(struct sqlite_store *s, struct err *err);
/* Counts a reservation, once its entry is in the log. */
PV_MUST enum pv_code sqlite_tally(struct sqlite_store *s, const char *template,
				  const struct store_subject *b,
				  struct err *err);
PV_MUST enum pv_code sqlite_tally_flush(struct sqlite_store *s,
					struct err *err);
/* PV_NOT_FOUND, "store.template". *ref lives until the next call. */
PV_MUST enum pv_code sqlite_template(struct sqlite_store *s,
				     const uint8_t sha256[STORE_HASH],
				     const struct template_ref **ref,
				     struct err *err);

/* ---- sqlite_govern.c ---- */

/*
 * Appends what people decided and lists it, and the next of its kind goes on
 * from there. PV_INPUT, "log.entry" or "store.governance", and PV_DENIED leave
 * the transaction as it was. The caller's row comes after, and dooms it when
 * it cannot be written.
 */
PV_MUST enum pv_code sqlite_govern(struct sqlite_store *s, const char *kind,
				   const char *name, struct span entry,
				   uint64_t *index, struct err *err);
/* PV_INPUT for an entry that only sqlite_govern() may append. */
PV_MUST enum pv_code sqlite_not_governed(struct span entry, struct err *err);
/* The number in the first column of id's one row, for name (may be NULL). */
PV_MUST enum pv_code sqlite_top(struct sqlite_store *s, enum sql_id id,
				const char *name, uint64_t *n, struct err *err);
/* Zeros take the place of what is deleted from now on, in freed pages too; the
 * copy in the write-ahead log goes when the handle is closed. */
PV_MUST enum pv_code sqlite_erase_in_files(struct sqlite_store *s,
					   struct err *err);
/* Runs q, the row of an entry that is appended: what fails dooms. */
PV_MUST enum pv_code sqlite_put_row(struct query *q, struct err *err);

static inline struct sqlite_store *to_sqlite(struct store *s)
{
	return (struct sqlite_store *)s;
}

#endif
