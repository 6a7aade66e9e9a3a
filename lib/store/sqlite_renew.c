/* What rotating needs: kept requests, and ends of certificates. */
#include <string.h>

#include "lib/store/sqlite_lifecycle.h"
#include "lib/store/sqlite_ops.h"

enum pv_code sqlite_kept_put(struct sqlite_store *s, uint32_t number,
			     struct span bytes, struct err *err)
{
	QUERY q = query_start(s, SQL_KEPT_PUT);

	query_u64(&q, number);
	query_blob(&q, bytes.p, bytes.len);
	return query_run(&q, err);
}

enum pv_code sqlite_kept_get(struct store *store, uint32_t number,
			     struct buf *bytes, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	QUERY q = query_start(s, SQL_KEPT_GET);
	struct span row_bytes;
	bool row;
	enum pv_code rc;

	query_u64(&q, number);
	rc = query_row(&q, &row, err);
	if (rc != PV_OK || !row)
		return rc;
	if (!col_span(&q, 0, &row_bytes) || row_bytes.len == 0)
		return sqlite_corrupt(s, "what is kept of a request", err);
	buf_put(bytes, row_bytes.p, row_bytes.len);
	return buf_check(bytes, err);
}

enum pv_code sqlite_ending_put(struct store *store, uint32_t number,
			       int64_t end_s, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	bool taken;
	enum pv_code rc = sqlite_writing(s, err);

	if (rc == PV_OK && end_s < 0)
		rc = err_fail(err, PV_INPUT, "store.ending", NULL,
			      "the end of a certificate is out of range");
	if (rc != PV_OK)
		return rc;
	QUERY q = query_start(s, SQL_ENDING_PUT);
	query_u64(&q, (uint64_t)end_s);
	query_u64(&q, number);
	return query_insert(&q, &taken, err);
}

enum pv_code sqlite_ending_has(struct store *store, uint32_t number,
			       int64_t end_s, bool *has, struct err *err)
{
	*has = false;
	if (end_s < 0)
		return PV_OK;
	QUERY q = query_start(to_sqlite(store), SQL_ENDING_HAS);
	query_u64(&q, (uint64_t)end_s);
	query_u64(&q, number);
	return query_row(&q, has, err);
}

enum pv_code sqlite_ending_drop(struct store *store, uint32_t number,
				int64_t end_s, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	enum pv_code rc = sqlite_writing(s, err);

	if (rc != PV_OK)
		return rc;
	QUERY q = query_start(s, SQL_ENDING_DROP);
	query_u64(&q, (uint64_t)end_s);
	query_u64(&q, number);
	return query_run(&q, err);
}

enum pv_code sqlite_ending_each(struct store *store,
				const struct store_ending *after,
				int64_t until_s, uint64_t n,
				const struct store_visit *v, struct err *err)
{
	QUERY q = query_own(to_sqlite(store), SQL_ENDING_EACH);

	if (until_s < 0)
		return PV_OK;
	query_u64(&q, (uint64_t)after->end_s);
	query_u64(&q, after->number);
	query_u64(&q, (uint64_t)until_s);
	query_u64(&q, n);
	for (;;) {
		struct store_ending e;
		uint64_t end;
		bool row;
		enum pv_code rc = query_row(&q, &row, err);

		if (rc != PV_OK || !row)
			return rc;
		if (!col_u64(&q, 0, &end) || end > INT64_MAX ||
		    !col_u32(&q, 1, &e.number))
			return sqlite_corrupt(q.s, "a row of endings", err);
		e.end_s = (int64_t)end;
		rc = v->fn.ending(v->ctx, &e, err);
		if (rc != PV_OK)
			return rc;
	}
}
