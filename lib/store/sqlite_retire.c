/* The ends of a device: receipts, retirement, and what it erases. */
#include <string.h>

#include "lib/store/sqlite_lifecycle.h"
#include "lib/store/sqlite_ops.h"
#include "lib/store/sqlite_people.h"

/* ---- receipts ---- */

static enum pv_code has_row(struct sqlite_store *s, enum sql_id id,
			    const struct store_receipt *r, bool *row,
			    struct err *err)
{
	QUERY q = query_start(s, id);

	query_u64(&q, r->number);
	query_u64(&q, r->seq);
	if (id == SQL_RECEIPT_GET)
		query_u64(&q, r->result);
	return query_row(&q, row, err);
}

static enum pv_code check_receipt(struct sqlite_store *s,
				  const struct store_receipt *r,
				  struct err *err)
{
	bool row;
	enum pv_code rc;

	if (r->seq == 0 || r->seq > INT64_MAX || r->result > INT64_MAX)
		return err_fail(err, PV_INPUT, "store.receipt", NULL,
				"the receipt has a value out of range");
	rc = has_row(s, SQL_RECEIPT_OF, r, &row, err);
	if (rc == PV_OK && !row)
		return err_fail(err, PV_NOT_FOUND, "store.receipt", NULL,
				"there is no bundle of that receipt");
	if (rc == PV_OK)
		rc = has_row(s, SQL_RECEIPT_GET, r, &row, err);
	if (rc == PV_OK && row)
		return err_fail(err, PV_CONFLICT, "store.receipt", NULL,
				"its receipt was taken before");
	return rc;
}

enum pv_code sqlite_receipt_put(struct store *store,
				const struct store_receipt *r,
				struct span entry, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	uint64_t index;
	enum pv_code rc = sqlite_writing(s, err);

	if (rc == PV_OK)
		rc = check_receipt(s, r, err);
	if (rc == PV_OK)
		rc = sqlite_log_add(s, entry, &index, err);
	if (rc != PV_OK)
		return rc;
	QUERY q = query_start(s, SQL_RECEIPT_PUT);
	query_u64(&q, r->number);
	query_u64(&q, r->seq);
	query_u64(&q, index);
	query_u64(&q, r->result);
	return sqlite_put_row(&q, err);
}

enum pv_code sqlite_receipt_each(struct store *store, uint32_t number,
				 const struct store_visit *v, struct err *err)
{
	QUERY q = query_own(to_sqlite(store), SQL_RECEIPT_EACH);

	query_u64(&q, number);
	for (;;) {
		struct store_receipt r;
		bool row;
		enum pv_code rc = query_row(&q, &row, err);

		if (rc != PV_OK || !row)
			return rc;
		if (!col_u32(&q, 0, &r.number) || !col_u64(&q, 1, &r.seq) ||
		    !col_u64(&q, 2, &r.log_index) || !col_u64(&q, 3, &r.result))
			return sqlite_corrupt(q.s, "the row of a receipt", err);
		rc = v->fn.receipt(v->ctx, &r, err);
		if (rc != PV_OK)
			return rc;
	}
}

/* ---- retirement ---- */

static enum pv_code check_first(struct sqlite_store *s, uint32_t first,
				struct err *err)
{
	struct store_device d;
	bool found;
	enum pv_code rc =
		sqlite_device_number(&s->base, first, &d, &found, err);

	if (rc != PV_OK)
		return rc;
	if (!found || d.first != first)
		return err_fail(err, PV_NOT_FOUND, "store.device", NULL,
				"number %u is no device's first", first);
	if (d.state == STORE_RETIRED)
		return err_fail(err, PV_CONFLICT, "store.retired", NULL,
				"device %s is retired", d.s.device);
	return PV_OK;
}

static enum pv_code set_retired(struct sqlite_store *s, uint32_t first,
				uint64_t index, struct err *err)
{
	QUERY state = query_start(s, SQL_RETIRE_STATE);
	QUERY intents = query_start(s, SQL_RETIRE_INTENTS);
	QUERY kept = query_start(s, SQL_KEPT_RETIRE);
	QUERY attkeys = query_start(s, SQL_ATTKEY_RETIRE);
	QUERY row = query_start(s, SQL_RETIRED_PUT);
	enum pv_code rc;

	query_u64(&state, STORE_RETIRED);
	query_u64(&state, first);
	query_u64(&intents, first);
	query_u64(&kept, first);
	query_u64(&attkeys, first);
	query_u64(&row, first);
	query_u64(&row, index);
	rc = query_run(&state, err);
	if (rc == PV_OK)
		rc = query_run(&intents, err);
	if (rc == PV_OK)
		rc = query_run(&kept, err);
	if (rc == PV_OK)
		rc = query_run(&attkeys, err);
	return rc == PV_OK ? query_run(&row, err) : rc;
}

/* Bytes that are in rows yet go to the file, to be erased there. */
enum pv_code sqlite_retire(struct store *store, uint32_t first,
			   struct span entry, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	uint64_t index;
	enum pv_code rc = sqlite_writing(s, err);

	if (rc == PV_OK)
		rc = check_first(s, first, err);
	if (rc == PV_OK)
		rc = sqlite_erase_in_files(s, err);
	if (rc == PV_OK)
		rc = sqlite_log_add(s, entry, &index, err);
	if (rc != PV_OK)
		return rc;
	rc = sqlite_sealed_move(s, err);
	if (rc == PV_OK)
		rc = set_retired(s, first, index, err);
	s->retiring = true;
	if (rc != PV_OK)
		s->doomed = true;
	return rc;
}

enum pv_code sqlite_retired_count(struct store *store, uint64_t *retired,
				  uint64_t *pending, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	QUERY q = query_start(s, SQL_RETIRED_COUNT);
	bool row;
	enum pv_code rc = query_row(&q, &row, err);

	if (rc == PV_OK &&
	    (!row || !col_u64(&q, 0, retired) || !col_u64(&q, 1, pending)))
		return sqlite_corrupt(s, "retired devices cannot be counted",
				      err);
	return rc;
}

static enum pv_code any_pending(struct sqlite_store *s, bool *any,
				struct err *err)
{
	QUERY q = query_start(s, SQL_RETIRED_ANY);

	return query_row(&q, any, err);
}

/* All of it to zeros, then to holes. */
static enum pv_code erase_pieces(struct sqlite_store *s, struct err *err)
{
	QUERY q = query_start(s, SQL_RETIRED_PIECES);

	for (;;) {
		uint64_t at[2], len[2];
		bool row;
		enum pv_code rc = query_row(&q, &row, err);

		if (rc != PV_OK || !row)
			return rc;
		if (!col_u64(&q, 0, &at[0]) || !col_u64(&q, 1, &len[0]) ||
		    !col_u64(&q, 2, &at[1]) || !col_u64(&q, 3, &len[1]))
			return sqlite_corrupt(s, "a bundle's row", err);
		for (int i = 0; rc == PV_OK && i < 2; i++)
			rc = sealed_erase(&s->sealed, at[i], len[i], err);
		if (rc != PV_OK)
			return rc;
	}
}

static enum pv_code punch_pieces(struct sqlite_store *s, struct err *err)
{
	QUERY q = query_start(s, SQL_RETIRED_PIECES);

	for (;;) {
		uint64_t at[2] = { 0, 0 }, len[2] = { 0, 0 };
		bool row;
		enum pv_code rc = query_row(&q, &row, err);

		if (rc != PV_OK || !row)
			return rc;
		if (!col_u64(&q, 0, &at[0]) || !col_u64(&q, 1, &len[0]) ||
		    !col_u64(&q, 2, &at[1]) || !col_u64(&q, 3, &len[1]))
			return sqlite_corrupt(s, "a bundle's row", err);
		for (int i = 0; i < 2; i++)
			sealed_punch(&s->sealed, at[i], len[i]);
	}
}

static enum pv_code done(struct sqlite_store *s, struct err *err)
{
	QUERY q = query_start(s, SQL_RETIRED_DONE);

	return query_run(&q, err);
}

static enum pv_code erase(struct sqlite_store *s, struct err *err)
{
	STORE_TXN t = STORE_TXN_INIT;
	bool any = false;
	enum pv_code rc = any_pending(s, &any, err);

	if (rc == PV_OK && any)
		rc = store_begin(&s->base, STORE_WRITE, &t, err);
	if (rc != PV_OK || !any)
		return rc;
	rc = erase_pieces(s, err);
	if (rc == PV_OK)
		rc = sealed_sync(&s->sealed, err);
	if (rc == PV_STORAGE)
		s->poisoned = true;
	if (rc == PV_OK)
		rc = punch_pieces(s, err);
	if (rc == PV_OK)
		rc = done(s, err);
	return rc == PV_OK ? store_commit(&t, err) : rc;
}

void sqlite_retired_finish(struct sqlite_store *s)
{
	struct err ignored;

	err_init(&ignored);
	if (erase(s, &ignored) != PV_OK)
		return;
}
