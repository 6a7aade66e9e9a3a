#include "lib/store/sqlite_impl.h"

#include <stdio.h>
#include <string.h>

#define RESTORE "restore the store from a backup"
#define DISK "check the disk, then run the command again"

struct cause {
	int primary; /* SQLite's result code */
	enum pv_code code;
	const char *rule, *what, *hint;
};

static const struct cause causes[] = {
	{ SQLITE_BUSY, PV_STORAGE, "store.busy",
	  "another process holds the store",
	  "wait for the other provctl to end" },
	{ SQLITE_LOCKED, PV_STORAGE, "store.busy",
	  "another process holds the store",
	  "wait for the other provctl to end" },
	{ SQLITE_FULL, PV_STORAGE, "store.full", "the disk is full",
	  "free disk space, then run the command again" },
	{ SQLITE_READONLY, PV_STORAGE, "store.readonly",
	  "the store cannot be written", "check its mode, owner and folder" },
	{ SQLITE_PERM, PV_STORAGE, "store.readonly",
	  "the store cannot be written", "check its mode, owner and folder" },
	{ SQLITE_CORRUPT, PV_INTEGRITY, "store.corrupt", "the store is damaged",
	  RESTORE },
	{ SQLITE_NOTADB, PV_INTEGRITY, "store.corrupt", "the store is damaged",
	  RESTORE },
	{ SQLITE_CONSTRAINT, PV_INTEGRITY, "store.corrupt",
	  "the rows do not agree", RESTORE },
	{ SQLITE_MISMATCH, PV_INTEGRITY, "store.corrupt",
	  "the rows do not agree", RESTORE },
	{ SQLITE_NOMEM, PV_INTERNAL, "store.memory", "out of memory", NULL },
	{ SQLITE_ERROR, PV_INTERNAL, "store.internal",
	  "the database refused a statement", NULL },
	{ SQLITE_MISUSE, PV_INTERNAL, "store.internal",
	  "the database refused a statement", NULL },
	{ SQLITE_RANGE, PV_INTERNAL, "store.internal",
	  "the database refused a statement", NULL },
};

static const struct cause other = { 0, PV_STORAGE, "store.io",
				    "the store cannot be read or written",
				    DISK };

static const struct cause *cause_of(int rc)
{
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
		if (causes[i].primary == (rc & 0xff))
			return &causes[i];
	return &other;
}

enum pv_code sqlite_fail(struct sqlite_store *s, const char *doing,
			 struct err *err)
{
	int rc = s->db ? sqlite3_extended_errcode(s->db) : SQLITE_NOMEM;
	const struct cause *c = cause_of(rc);

	s->doomed = true;
	err_object(err, s->path);
	return err_fail(err, c->code, c->rule, c->hint, "%s: %s (SQLite %d)",
			doing, c->what, rc);
}

/* A statement's failure. A damaged page that was only read has changed
 * nothing, unless SQLite has ended the transaction by itself. */
static enum pv_code fail(struct query *q, struct err *err)
{
	bool doomed = q->s->doomed;
	bool stands = q->rc == SQLITE_OK && sqlite3_stmt_readonly(q->st) &&
		      !sqlite3_get_autocommit(q->s->db);
	enum pv_code rc = sqlite_fail(q->s, "store", err);

	if (rc == PV_INTEGRITY && stands)
		q->s->doomed = doomed;
	return rc;
}

enum pv_code sqlite_corrupt(struct sqlite_store *s, const char *what,
			    struct err *err)
{
	err_object(err, s->path);
	return err_fail(
		err, PV_INTEGRITY, "store.corrupt",
		"run provctl audit verify, restore the store from a backup",
		"the store is damaged: %s", what);
}

enum pv_code sqlite_exec(struct sqlite_store *s, const char *sql,
			 struct err *err)
{
	QUERY q = query_once(s, sql);

	return query_run(&q, err);
}

static struct query make(struct sqlite_store *s, sqlite3_stmt *st, int rc,
			 bool own)
{
	struct query q = { .s = s, .st = st, .at = 0, .rc = rc, .own = own };

	return q;
}

struct query query_kept(struct sqlite_store *s, sqlite3_stmt **st,
			const char *sql)
{
	int rc = SQLITE_OK;

	if (!*st)
		rc = sqlite3_prepare_v3(s->db, sql, -1,
					SQLITE_PREPARE_PERSISTENT, st, NULL);
	return make(s, *st, rc, false);
}

struct query query_start(struct sqlite_store *s, enum sql_id id)
{
	return query_kept(s, &s->stmt[id], sql_text(id));
}

struct query query_once(struct sqlite_store *s, const char *sql)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v3(s->db, sql, -1, 0, &st, NULL);

	return make(s, st, rc, true);
}

struct query query_own(struct sqlite_store *s, enum sql_id id)
{
	/* One in the middle of its rows is somebody else's. */
	if (s->stmt[id] && sqlite3_stmt_busy(s->stmt[id]))
		return query_once(s, sql_text(id));
	return query_start(s, id);
}

void query_end(struct query *q)
{
	if (q->own)
		sqlite3_finalize(q->st);
	else if (q->st)
		sqlite3_reset(q->st);
	q->st = NULL;
}

static void note(struct query *q, int rc)
{
	if (q->rc == SQLITE_OK)
		q->rc = rc;
}

void query_u64(struct query *q, uint64_t v)
{
	q->at++;
	if (q->rc == SQLITE_OK)
		note(q, sqlite3_bind_int64(q->st, q->at, (sqlite3_int64)v));
}

void query_str(struct query *q, const char *v)
{
	q->at++;
	if (q->rc != SQLITE_OK)
		return;
	if (v && v[0])
		note(q, sqlite3_bind_text(q->st, q->at, v, -1, SQLITE_STATIC));
	else
		note(q, sqlite3_bind_null(q->st, q->at));
}

void query_blob(struct query *q, const void *p, size_t len)
{
	q->at++;
	if (q->rc != SQLITE_OK)
		return;
	if (p && len > 0)
		note(q,
		     sqlite3_bind_blob64(q->st, q->at, p, len, SQLITE_STATIC));
	else
		note(q, sqlite3_bind_null(q->st, q->at));
}

enum pv_code query_row(struct query *q, bool *row, struct err *err)
{
	*row = false;
	if (q->rc == SQLITE_OK) {
		int rc = sqlite3_step(q->st);

		*row = rc == SQLITE_ROW;
		if (rc == SQLITE_ROW || rc == SQLITE_DONE)
			return PV_OK;
	}
	return fail(q, err);
}

enum pv_code query_run(struct query *q, struct err *err)
{
	bool row = true;
	enum pv_code rc = PV_OK;

	while (rc == PV_OK && row)
		rc = query_row(q, &row, err);
	return rc;
}

enum pv_code query_insert(struct query *q, bool *taken, struct err *err)
{
	int rc = q->rc;

	if (rc == SQLITE_OK)
		rc = sqlite3_step(q->st);
	if ((rc & 0xff) == SQLITE_CONSTRAINT)
		rc = sqlite3_extended_errcode(q->s->db);
	*taken = rc == SQLITE_CONSTRAINT_PRIMARYKEY ||
		 rc == SQLITE_CONSTRAINT_ROWID;
	if (rc == SQLITE_DONE || *taken)
		return PV_OK;
	return sqlite_fail(q->s, "store", err);
}

bool col_u64(struct query *q, int column, uint64_t *v)
{
	int type = sqlite3_column_type(q->st, column);

	*v = (uint64_t)sqlite3_column_int64(q->st, column);
	return type == SQLITE_INTEGER || type == SQLITE_NULL;
}

bool col_index(struct query *q, int column, uint64_t *v)
{
	if (sqlite3_column_type(q->st, column) != SQLITE_NULL)
		return col_u64(q, column, v);
	*v = STORE_NO_INDEX;
	return true;
}

bool col_u32(struct query *q, int column, uint32_t *v)
{
	uint64_t wide = 0;
	bool ok = col_u64(q, column, &wide) && wide <= UINT32_MAX;

	*v = (uint32_t)wide;
	return ok;
}

bool col_text(struct query *q, int column, char *out, size_t cap)
{
	const char *p = (const char *)sqlite3_column_text(q->st, column);
	size_t len = (size_t)sqlite3_column_bytes(q->st, column);

	out[0] = '\0';
	if (sqlite3_column_type(q->st, column) == SQLITE_NULL)
		return true;
	if (!p || len >= cap || memchr(p, 0, len))
		return false;
	memcpy(out, p, len);
	out[len] = '\0';
	return true;
}

bool col_bytes(struct query *q, int column, uint8_t *out, size_t len)
{
	struct span s;

	if (!col_span(q, column, &s) || s.len != len)
		return false;
	memcpy(out, s.p, len);
	return true;
}

bool col_span(struct query *q, int column, struct span *out)
{
	int type = sqlite3_column_type(q->st, column);

	out->p = sqlite3_column_blob(q->st, column);
	out->len = (size_t)sqlite3_column_bytes(q->st, column);
	return type == SQLITE_BLOB || type == SQLITE_NULL;
}
