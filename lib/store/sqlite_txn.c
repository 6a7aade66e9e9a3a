#include "lib/store/sqlite_lifecycle.h"

#include <string.h>

static enum pv_code read_state(struct sqlite_store *s, struct err *err)
{
	QUERY q = query_start(s, SQL_STATE_GET);
	struct sqlite_state *st = &s->state;
	struct span tree;
	bool row;
	enum pv_code rc = query_row(&q, &row, err);

	if (rc != PV_OK)
		return rc;
	if (!row || !col_u32(&q, 0, &st->serial_next) ||
	    !col_u64(&q, 1, &st->sealed_len) || !col_u64(&q, 2, &st->last_ms) ||
	    !col_u64(&q, 3, &st->devices) ||
	    !col_u64(&q, 4, &st->recent_first) ||
	    !col_u64(&q, 5, &st->recent_last) ||
	    !col_u64(&q, 6, &st->governance) || !col_u64(&q, 7, &st->held) ||
	    !col_span(&q, 8, &tree))
		return sqlite_corrupt(s, "its state is not to be read", err);
	return log_tree_get(&st->tree, tree, err);
}

enum pv_code sqlite_state_put(struct sqlite_store *s, enum sql_id id,
			      struct err *err)
{
	QUERY q = query_start(s, id);
	const struct sqlite_state *st = &s->state;
	uint8_t tree[LOG_FRONTIER_MAX];
	size_t len = log_tree_put(&st->tree, tree);

	query_u64(&q, st->serial_next);
	query_u64(&q, st->sealed_len);
	query_u64(&q, st->last_ms);
	query_u64(&q, st->devices);
	query_u64(&q, st->recent_first);
	query_u64(&q, st->recent_last);
	query_u64(&q, st->governance);
	query_u64(&q, st->held);
	query_blob(&q, tree, len);
	return query_run(&q, err);
}

static const char *const bounds[SQLITE_BOUNDS] = {
	[BOUND_READ] = "BEGIN",
	[BOUND_WRITE] = "BEGIN IMMEDIATE",
	[BOUND_COMMIT] = "COMMIT",
	[BOUND_ROLLBACK] = "ROLLBACK",
};

static enum pv_code run_bound(struct sqlite_store *s, enum sqlite_bound b,
			      struct err *err)
{
	QUERY q = query_kept(s, &s->bound[b], bounds[b]);

	return query_run(&q, err);
}

static enum pv_code start(struct sqlite_store *s, enum sqlite_bound how,
			  enum sqlite_txn txn, struct err *err)
{
	enum pv_code rc;

	if (s->txn != TXN_NONE)
		return err_fail(err, PV_INTERNAL, "store.transaction", NULL,
				"a transaction is open already");
	if (txn == TXN_WRITE && s->poisoned)
		return err_fail(err, PV_STORAGE, "store.io",
				"check the disk, then run the command again",
				"an earlier write did not reach the disk");
	rc = run_bound(s, how, err);
	s->doomed = false;
	if (rc != PV_OK)
		return rc;
	memset(s->absent, 0, sizeof(s->absent));
	s->txn = txn;
	rc = read_state(s, err);
	/* Keys of rows that another process moved since stand no longer. */
	if (rc == PV_OK && s->keys.first != s->state.recent_first)
		keys_clear(&s->keys);
	if (rc == PV_OK)
		rc = sqlite_sealed_begin(s, txn == TXN_WRITE, err);
	s->log_first = s->state.tree.size;
	if (rc != PV_OK)
		sqlite_rollback(&s->base);
	return rc;
}

enum pv_code sqlite_begin(struct store *store, enum store_mode mode,
			  struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);

	if (mode == STORE_WRITE)
		return start(s, BOUND_WRITE, TXN_WRITE, err);
	return start(s, BOUND_READ, TXN_READ, err);
}

enum pv_code sqlite_view(struct sqlite_store *s, struct view *v,
			 struct err *err)
{
	enum pv_code rc = PV_OK;

	v->s = NULL;
	if (s->txn == TXN_NONE) {
		rc = start(s, BOUND_READ, TXN_READ, err);
		v->s = rc == PV_OK ? s : NULL;
	}
	return rc;
}

void sqlite_view_end(struct view *v)
{
	if (v->s)
		sqlite_rollback(&v->s->base);
	v->s = NULL;
}

enum pv_code sqlite_writing(struct sqlite_store *s, struct err *err)
{
	if (s->txn == TXN_WRITE && !s->doomed)
		return PV_OK;
	return err_fail(err, PV_INTERNAL, "store.transaction", NULL,
			s->txn == TXN_WRITE
				? "the transaction has failed before"
				: "no write transaction is open");
}

/* Everything that was gathered goes into rows, the state row last. */
static enum pv_code flush(struct sqlite_store *s, struct err *err)
{
	enum pv_code rc = sqlite_log_flush(s, err);

	if (rc == PV_OK)
		rc = sqlite_keys_flush(s, err);
	if (rc == PV_OK)
		rc = sqlite_tally_flush(s, err);
	if (rc == PV_OK)
		rc = sqlite_sealed_flush(s, err);
	return rc == PV_OK ? sqlite_state_put(s, SQL_STATE_SET, err) : rc;
}

static void forget(struct sqlite_store *s)
{
	s->txn = TXN_NONE;
	s->doomed = false;
	s->retiring = false;
	buf_reset(&s->log);
	tally_clear(&s->rate);
	tally_clear(&s->order);
	tally_clear(&s->rework);
}

void sqlite_rollback(struct store *store)
{
	struct sqlite_store *s = to_sqlite(store);

	/* A refused ROLLBACK (already rolled back by SQLite) is fine. */
	if (s->txn != TXN_NONE && !sqlite3_get_autocommit(s->db)) {
		QUERY q = query_kept(s, &s->bound[BOUND_ROLLBACK],
				     bounds[BOUND_ROLLBACK]);

		(void)sqlite3_step(q.st);
	}
	if (s->keys.added.len > 0)
		keys_clear(&s->keys);
	/* Templates found by digest may have been adopted in here. */
	if (s->txn == TXN_WRITE)
		memset(s->refs, 0, sizeof(s->refs));
	forget(s);
}

static enum pv_code finish(struct sqlite_store *s, struct err *err)
{
	enum pv_code rc = run_bound(s, BOUND_COMMIT, err);

	if (rc == PV_OK)
		return rc;
	if ((sqlite3_errcode(s->db) & 0xff) == SQLITE_IOERR)
		s->poisoned = true;
	keys_clear(&s->keys);
	sqlite_rollback(&s->base);
	return rc;
}

enum pv_code sqlite_commit(struct store *store, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	bool retiring = s->retiring;
	enum pv_code rc = PV_OK;

	if (s->txn == TXN_WRITE)
		rc = sqlite_writing(s, err);
	if (s->txn == TXN_WRITE && rc == PV_OK)
		rc = flush(s, err);
	if (rc != PV_OK || s->txn != TXN_WRITE) {
		sqlite_rollback(store);
		return rc;
	}
	rc = finish(s, err);
	buf_reset(&s->keys.added);
	forget(s);
	if (rc == PV_OK)
		sqlite_wal_move(s);
	/* Not undone by what fails here: the next to open the store does it. */
	if (rc == PV_OK && retiring)
		sqlite_retired_finish(s);
	return rc;
}
