/* tamper: the log in the store, behind the store's back. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/backends.h"
#include "lib/flow/audit.h"
#include "lib/log/entry.h"
#include "lib/log/tree.h"
#include "tests/cli/tamper.h"
#include "tests/unit/unit.h"

struct row {
	uint64_t first, end;
};

struct db {
	const struct log *log;
	sqlite3 *db;
	struct log_hasher h;
	struct row *row;
	size_t rows_n;
	struct buf bytes;
};

static void sql(struct db *d, const char *text)
{
	ck_assert_msg(sqlite3_exec(d->db, text, NULL, NULL, NULL) == SQLITE_OK,
		      "%s: %s", text, sqlite3_errmsg(d->db));
}

/* text has one parameter. */
static void sql_u64(struct db *d, const char *text, uint64_t v)
{
	sqlite3_stmt *st = NULL;

	ck_assert_int_eq(sqlite3_prepare_v2(d->db, text, -1, &st, NULL),
			 SQLITE_OK);
	sqlite3_bind_int64(st, 1, (sqlite3_int64)v);
	ck_assert_int_eq(sqlite3_step(st), SQLITE_DONE);
	sqlite3_finalize(st);
}

static void put_blob(struct db *d, const char *text, const void *p, size_t len)
{
	sqlite3_stmt *st = NULL;

	ck_assert_int_eq(sqlite3_prepare_v2(d->db, text, -1, &st, NULL),
			 SQLITE_OK);
	sqlite3_bind_blob(st, 1, p, (int)len, SQLITE_TRANSIENT);
	ck_assert_int_eq(sqlite3_step(st), SQLITE_DONE);
	ck_assert_int_eq(sqlite3_changes(d->db), 1);
	sqlite3_finalize(st);
}

static const struct row *row_of(const struct db *d, uint64_t i)
{
	size_t k = 0;

	while (d->row[k].end <= i)
		k++;
	return &d->row[k];
}

/* The row up to end, with entry a as by says (NULL: not there), b as other. */
static void put_row(struct db *d, const struct row *r, uint64_t end, uint64_t a,
		    const struct span *by, uint64_t b, const struct span *other)
{
	char text[100];

	buf_reset(&d->bytes);
	for (uint64_t i = r->first; i < end; i++) {
		const struct span *e = i == a	? by
				       : i == b ? other
						: &d->log->entry[i];

		if (!e)
			continue;
		buf_put_be16(&d->bytes, (uint16_t)e->len);
		buf_put(&d->bytes, e->p, e->len);
	}
	snprintf(text, sizeof(text),
		 d->bytes.len ? "UPDATE log SET entries = ? WHERE first = %llu"
			      : "DELETE FROM log WHERE first = %llu",
		 (unsigned long long)r->first);
	if (d->bytes.len)
		put_blob(d, text, d->bytes.data, d->bytes.len);
	else
		sql(d, text);
}

/* By one who knows how: the tree, too, is that of a log of i entries. */
static void cut(struct db *d, uint64_t i)
{
	uint8_t kept[LOG_FRONTIER_MAX], leaf[LOG_HASH];
	struct log_tree tree = { .size = 0 };
	uint64_t time_ms = 0;

	for (uint64_t k = 0; k < i; k++) {
		UNIT_OK(log_hash_leaf(&d->h, d->log->entry[k], leaf, &err_));
		UNIT_OK(log_tree_append(&tree, &d->h, leaf, NULL, &err_));
		ck_assert(log_entry_time(d->log->entry[k], &time_ms));
	}
	put_row(d, row_of(d, i), i, UINT64_MAX, NULL, UINT64_MAX, NULL);
	sql_u64(d, "DELETE FROM log WHERE first >= ?", i);
	sql_u64(d, "DELETE FROM tile WHERE (place + 1) << level > ?", i);
	sql_u64(d, "DELETE FROM checkpoint WHERE size > ?", i);
	sql_u64(d, "UPDATE state SET last_ms = ?", time_ms);
	put_blob(d, "UPDATE state SET tree = ?", kept,
		 log_tree_put(&tree, kept));
}

static void change(void *ctx, enum way way, uint64_t i)
{
	struct db *d = ctx;
	const struct span *e = d->log->entry;
	const struct row *r = row_of(d, i);
	const struct row *next = row_of(d, i + 1);
	uint8_t *edited = tamper_edited(d->log, i);
	struct span changed = { edited, e[i].len };

	sql(d, "BEGIN IMMEDIATE");
	if (way == CUT)
		cut(d, i);
	else if (way == MOVE)
		put_row(d, r, r->end, i, &e[i + 1], i + 1, &e[i]);
	else
		put_row(d, r, r->end, i, way == EDIT ? &changed : NULL,
			UINT64_MAX, NULL);
	if (way == MOVE && next != r)
		put_row(d, next, next->end, UINT64_MAX, NULL, i + 1, &e[i]);
	sql(d, "COMMIT");
	free(edited);
}

static void undo(void *ctx, enum way way, uint64_t i)
{
	struct db *d = ctx;

	sql(d, "BEGIN IMMEDIATE");
	sql_u64(d,
		"INSERT OR REPLACE INTO log SELECT * FROM was.log WHERE "
		"first >= ?",
		row_of(d, i)->first);
	if (way == CUT) {
		sql(d, "INSERT OR REPLACE INTO tile SELECT * FROM was.tile");
		sql(d, "INSERT OR REPLACE INTO checkpoint SELECT * FROM "
		       "was.checkpoint");
		sql(d, "INSERT OR REPLACE INTO state SELECT * FROM was.state");
	}
	sql(d, "COMMIT");
}

static enum pv_code verify(void *ctx, struct err *err)
{
	struct db *d = ctx;
	const struct audit_opts none = { .ctx = NULL };
	struct audit_counts counts;
	struct store *store = NULL;
	enum pv_code rc;

	rc = app_backends.store_open(d->log->a, false, &store, err);
	if (rc == PV_OK)
		rc = audit_verify(d->log->a, store, &none, &counts, err);
	store_close(store);
	return rc;
}

/* "log entry N", "log entries N to M", or the entry's own object. */
static bool named(void *ctx, enum way way, uint64_t i, const struct err *err)
{
	struct db *d = ctx;
	unsigned long long from = 0, to = 0;
	struct log_entry e;

	if (sscanf(err->object, "log entries %llu to %llu", &from, &to) == 2)
		return from <= i + (way == MOVE) && i <= to;
	if (sscanf(err->object, "log entry %llu", &from) == 1 ||
	    sscanf(err->message, "log entry %llu", &from) == 1)
		if (from == i || (way == MOVE && from == i + 1))
			return true;
	UNIT_OK(log_entry_decode(d->log->entry[i], &e, &err_));
	return span_is(e.object, err->object);
}

static void load_rows(struct db *d)
{
	sqlite3_stmt *st = NULL;

	d->row = calloc(d->log->n, sizeof(*d->row));
	ck_assert_int_eq(sqlite3_prepare_v2(d->db,
					    "SELECT first FROM log ORDER BY 1",
					    -1, &st, NULL),
			 SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW) {
		uint64_t first = (uint64_t)sqlite3_column_int64(st, 0);

		if (d->rows_n > 0)
			d->row[d->rows_n - 1].end = first;
		d->row[d->rows_n++] = (struct row){ first, d->log->n };
	}
	sqlite3_finalize(st);
}

void tamper_store_open(struct target *t, const struct log *log)
{
	struct db *d = calloc(1, sizeof(*d));
	char text[1200];

	d->log = log;
	buf_init(&d->bytes, 1u << 26);
	UNIT_OK(log_hasher_init(&d->h, &err_));
	snprintf(text, sizeof(text), "%s/store.db", log->a->home);
	ck_assert_int_eq(sqlite3_open(text, &d->db), SQLITE_OK);
	sql(d, "PRAGMA synchronous = OFF");
	snprintf(text, sizeof(text), "VACUUM INTO '%s/was.db'", log->a->home);
	sql(d, text);
	snprintf(text, sizeof(text), "ATTACH '%s/was.db' AS was", log->a->home);
	sql(d, text);
	load_rows(d);
	*t = (struct target){ "store", change, undo, verify, named, d };
}

void tamper_store_close(struct target *t)
{
	struct db *d = t->ctx;

	sqlite3_close(d->db);
	log_hasher_release(&d->h);
	buf_release(&d->bytes);
	free(d->row);
	free(d);
}
