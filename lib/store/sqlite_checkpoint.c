/* Signed checkpoints of the log, by size. */
#include "lib/store/sqlite_ops.h"

enum pv_code sqlite_checkpoint_put(struct store *store, uint64_t size,
				   struct span note, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	enum pv_code rc = sqlite_writing(s, err);

	if (rc != PV_OK)
		return rc;
	if (size == 0 || size > s->state.tree.size || note.len == 0)
		return err_fail(err, PV_INPUT, "store.checkpoint", NULL,
				"a checkpoint that is not of this log");
	QUERY q = query_start(s, SQL_CHECKPOINT_PUT);
	query_u64(&q, size);
	query_blob(&q, note.p, note.len);
	return query_run(&q, err);
}

static enum pv_code checkpoint_row(struct query *q, uint64_t *size,
				   struct span *note, struct err *err)
{
	if (col_u64(q, 0, size) && col_span(q, 1, note) && *size > 0 &&
	    note->len > 0)
		return PV_OK;
	return sqlite_corrupt(q->s, "a checkpoint's row", err);
}

enum pv_code sqlite_checkpoint_each(struct store *store, uint64_t from,
				    const struct store_visit *v,
				    struct err *err)
{
	QUERY q = query_own(to_sqlite(store), SQL_CHECKPOINT_EACH);

	query_u64(&q, from);
	for (;;) {
		uint64_t size;
		struct span note;
		bool row;
		enum pv_code rc = query_row(&q, &row, err);

		if (rc != PV_OK || !row)
			return rc;
		rc = checkpoint_row(&q, &size, &note, err);
		if (rc == PV_OK)
			rc = v->fn.checkpoint(v->ctx, size, note, err);
		if (rc != PV_OK)
			return rc;
	}
}

enum pv_code sqlite_checkpoint_last(struct store *store, uint64_t *size,
				    struct buf *note, bool *found,
				    struct err *err)
{
	QUERY q = query_start(to_sqlite(store), SQL_CHECKPOINT_LAST);
	struct span bytes;
	enum pv_code rc = query_row(&q, found, err);

	if (rc == PV_OK && *found)
		rc = checkpoint_row(&q, size, &bytes, err);
	if (rc != PV_OK || !*found)
		return rc;
	buf_put(note, bytes.p, bytes.len);
	return buf_check(note, err);
}
