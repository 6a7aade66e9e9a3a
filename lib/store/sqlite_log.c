#include "lib/store/sqlite_ops.h"

#include <stdio.h>
#include <string.h>

#include "lib/log/entry.h"
#include "lib/store/store_log.h"

/* Tile roots are kept for levels 8, 16, ... (tlog-tiles: tiles of 256). */
#define TILE_LEVEL 8u

static enum pv_code put_tile(void *ctx, unsigned level, uint64_t index,
			     const uint8_t hash[static LOG_HASH],
			     struct err *err)
{
	struct sqlite_store *s = ctx;

	if (level == 0 || level % TILE_LEVEL != 0)
		return PV_OK;
	QUERY q = query_start(s, SQL_TILE_PUT);
	query_u64(&q, level);
	query_u64(&q, index);
	query_blob(&q, hash, LOG_HASH);
	return query_run(&q, err);
}

bool sqlite_is_entry(struct span entry)
{
	uint64_t time_ms;

	return log_entry_time(entry, &time_ms);
}

enum pv_code sqlite_log_flush(struct sqlite_store *s, struct err *err)
{
	QUERY q = query_start(s, SQL_LOG_PUT);
	enum pv_code rc;

	if (s->log.len == 0)
		return PV_OK;
	query_u64(&q, s->log_first);
	query_blob(&q, s->log.data, s->log.len);
	rc = query_run(&q, err);
	if (rc != PV_OK)
		return rc;
	buf_reset(&s->log);
	s->log_first = s->state.tree.size;
	return PV_OK;
}

static enum pv_code add(struct sqlite_store *s, struct span entry,
			bool any_step, uint64_t *index, struct err *err)
{
	const struct log_tree_sink sink = { put_tile, s };
	uint8_t leaf[LOG_HASH];
	uint64_t time_ms;
	enum pv_code rc = PV_OK;

	if (!log_entry_time(entry, &time_ms))
		return err_fail(err, PV_INPUT, "log.entry", NULL,
				"these bytes are not an entry of the log");
	rc = any_step ? store_time_not_back(s->state.last_ms, time_ms, err)
		      : store_time_follows(&s->base, s->state.last_ms, time_ms,
					   err);
	if (rc != PV_OK)
		return rc;
	if (s->log.len + 2 + entry.len > SQLITE_CHUNK_MAX)
		rc = sqlite_log_flush(s, err);
	if (rc == PV_OK)
		rc = log_hash_leaf(&s->hasher, entry, leaf, err);
	if (rc == PV_OK)
		rc = log_tree_append(&s->state.tree, &s->hasher, leaf, &sink,
				     err);
	if (rc == PV_OK) {
		buf_put_be16(&s->log, (uint16_t)entry.len);
		buf_put(&s->log, entry.p, entry.len);
		rc = buf_check(&s->log, err);
	}
	if (rc != PV_OK) {
		s->doomed = true;
		return rc;
	}
	s->state.last_ms = time_ms;
	if (index)
		*index = s->state.tree.size - 1;
	return PV_OK;
}

enum pv_code sqlite_log_add(struct sqlite_store *s, struct span entry,
			    uint64_t *index, struct err *err)
{
	return add(s, entry, false, index, err);
}

enum pv_code sqlite_log_step(struct sqlite_store *s, struct span entry,
			     uint64_t *index, struct err *err)
{
	return add(s, entry, true, index, err);
}

enum pv_code sqlite_log_append(struct store *store, struct span entry,
			       uint64_t *index, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	enum pv_code rc = sqlite_writing(s, err);

	if (rc == PV_OK)
		rc = sqlite_not_governed(entry, err);
	return rc == PV_OK ? sqlite_log_add(s, entry, index, err) : rc;
}

enum pv_code sqlite_log_root(struct store *store, uint64_t *size,
			     uint8_t root[STORE_HASH], struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	VIEW v;
	enum pv_code rc = sqlite_view(s, &v, err);

	if (rc != PV_OK)
		return rc;
	*size = s->state.tree.size;
	return log_tree_root(&s->state.tree, &s->hasher, root, err);
}

enum pv_code sqlite_log_size(struct store *store, uint64_t *size,
			     struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	VIEW v;
	enum pv_code rc = sqlite_view(s, &v, err);

	if (rc == PV_OK)
		*size = s->state.tree.size;
	return rc;
}

/* Cuts the next entry off a row's bytes; false when the row is damaged. */
static bool next_entry(struct span *chunk, struct span *entry)
{
	if (chunk->len < 2)
		return false;
	entry->len = (size_t)(chunk->p[0] << 8 | chunk->p[1]);
	entry->p = chunk->p + 2;
	if (entry->len == 0 || entry->len > chunk->len - 2)
		return false;
	chunk->p += 2 + entry->len;
	chunk->len -= 2 + entry->len;
	return true;
}

struct range {	       /* which entries a walk passes on */
	uint64_t next; /* index of the next entry to be seen */
	uint64_t from, end;
	uint64_t row; /* first entry of the last row: the gap is in it or behind
		       */
};

/* Entries are not where they should be: somewhere in row to end - 1. */
static enum pv_code gap(struct sqlite_store *s, uint64_t row, uint64_t end,
			const char *what, struct err *err)
{
	char object[64];

	if (end > row + 1)
		snprintf(object, sizeof(object), "log entries %llu to %llu",
			 (unsigned long long)row,
			 (unsigned long long)(end - 1));
	else
		snprintf(object, sizeof(object), "log entry %llu",
			 (unsigned long long)row);
	err_object(err, object);
	return sqlite_corrupt(s, what, err);
}

/* One row: its entries must follow the ones before without a gap. */
static enum pv_code walk_row(struct query *q, struct range *r,
			     const struct store_visit *v, struct err *err)
{
	struct span chunk;
	struct span entry;
	uint64_t first = 0;

	if (!col_u64(q, 0, &first) || !col_span(q, 1, &chunk) ||
	    (r->next != UINT64_MAX && first != r->next) || first > r->end)
		return gap(q->s, r->row, first < r->end ? first : r->end,
			   "log entries are missing", err);
	r->row = first;
	for (r->next = first; chunk.len > 0 && r->next < r->end; r->next++) {
		enum pv_code rc = PV_OK;

		if (!next_entry(&chunk, &entry))
			return gap(q->s, r->row, r->next + 1,
				   "a row of log entries", err);
		if (r->next >= r->from)
			rc = v->fn.entry(v->ctx, r->next, entry, err);
		if (rc != PV_OK)
			return rc;
	}
	if (chunk.len > 0 && r->next == q->s->state.tree.size)
		return gap(q->s, r->row, r->next, "entries past the log's end",
			   err);
	return PV_OK;
}

static enum pv_code walk(struct sqlite_store *s, enum sql_id id, uint64_t from,
			 uint64_t end, const struct store_visit *v,
			 struct err *err)
{
	struct range r = {
		.next = UINT64_MAX, .from = from, .end = end, .row = from
	};
	enum pv_code rc = PV_OK;
	bool row = true;

	if (s->txn == TXN_WRITE)
		rc = sqlite_log_flush(s, err);
	if (rc != PV_OK || from >= end)
		return rc;
	QUERY q = query_own(s, id);
	query_u64(&q, from);
	while (row && (r.next == UINT64_MAX || r.next < end)) {
		rc = query_row(&q, &row, err);
		if (rc == PV_OK && row)
			rc = walk_row(&q, &r, v, err);
		if (rc != PV_OK)
			return rc;
	}
	if (r.next != end)
		return gap(s, r.row, end, "log entries are missing", err);
	return PV_OK;
}

enum pv_code sqlite_log_each(struct store *store, uint64_t from, uint64_t n,
			     const struct store_visit *visit, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	VIEW v;
	enum pv_code rc = sqlite_view(s, &v, err);
	uint64_t size = s->state.tree.size;

	if (rc != PV_OK || from >= size)
		return rc;
	if (n > size - from)
		n = size - from;
	return walk(s, n == 1 ? SQL_LOG_CHUNK : SQL_LOG_EACH, from, from + n,
		    visit, err);
}

struct fold { /* a complete subtree in the making */
	struct log_hasher *h;
	struct log_tree tree;
};

static enum pv_code fold_entry(void *ctx, uint64_t index, struct span entry,
			       struct err *err)
{
	struct fold *f = ctx;
	uint8_t leaf[LOG_HASH];
	enum pv_code rc = log_hash_leaf(f->h, entry, leaf, err);

	(void)index;
	return rc == PV_OK ? log_tree_append(&f->tree, f->h, leaf, NULL, err)
			   : rc;
}

static enum pv_code fold_tiles(struct sqlite_store *s, struct fold *f,
			       unsigned level, uint64_t first, uint64_t n,
			       struct err *err)
{
	QUERY q = query_own(s, SQL_TILE_EACH);

	query_u64(&q, level);
	query_u64(&q, first);
	for (uint64_t i = 0; i < n; i++) {
		uint8_t hash[LOG_HASH];
		uint64_t place;
		bool row;
		enum pv_code rc = query_row(&q, &row, err);

		if (rc == PV_OK &&
		    (!row || !col_u64(&q, 0, &place) || place != first + i ||
		     !col_bytes(&q, 1, hash, LOG_HASH)))
			return sqlite_corrupt(s, "a tile of the log", err);
		if (rc == PV_OK)
			rc = log_tree_append(&f->tree, f->h, hash, NULL, err);
		if (rc != PV_OK)
			return rc;
	}
	return PV_OK;
}

enum pv_code sqlite_log_hash(struct store *store, unsigned level,
			     uint64_t index, uint8_t hash[STORE_HASH],
			     struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	struct fold f = { .h = &s->hasher };
	const struct store_visit fold = { &f, { .entry = fold_entry } };
	unsigned above = level % TILE_LEVEL;
	uint64_t n = UINT64_C(1) << above;
	VIEW v;
	enum pv_code rc = sqlite_view(s, &v, err);

	if (rc != PV_OK)
		return rc;
	if (level >= 63 || index >= s->state.tree.size >> level)
		return err_fail(err, PV_NOT_FOUND, "log.range", NULL,
				"the log has no such subtree");
	if (level < TILE_LEVEL)
		rc = walk(s, n == 1 ? SQL_LOG_CHUNK : SQL_LOG_EACH,
			  index << level, (index + 1) << level, &fold, err);
	else
		rc = fold_tiles(s, &f, level - above, index << above, n, err);
	if (rc == PV_OK)
		memcpy(hash, f.tree.node[above], LOG_HASH);
	return rc;
}
