/* CRLs and batches of OCSP answers: recorded, then signed. */
#include <string.h>

#include "lib/store/sqlite_lifecycle.h"
#include "lib/store/sqlite_ops.h"

static void bind_key(struct query *q, const struct store_crl *c, uint64_t ca)
{
	query_u64(q, c->kind);
	query_u64(q, ca);
	query_u64(q, c->shard);
}

static enum pv_code crl_ca(struct sqlite_store *s, const struct store_crl *c,
			   uint64_t *ca, struct err *err)
{
	uint32_t shards = 0;
	enum pv_code rc =
		sqlite_ca_id(s, c->ca, c->generation, ca, &shards, err);

	if (rc == PV_OK && (c->kind > STORE_OCSP ||
			    (c->kind == STORE_CRL && c->shard >= shards)))
		return err_fail(err, PV_INPUT, "store.crl", NULL,
				"CA %s has no shard %u", c->ca, c->shard);
	return rc;
}

/* Its number is the next one, and nothing is pending. */
static enum pv_code check_next(struct sqlite_store *s,
			       const struct store_crl *c, uint64_t ca,
			       struct err *err)
{
	QUERY q = query_start(s, SQL_CRL_TOP);
	uint64_t top = 0, issued = 0;
	bool row;
	enum pv_code rc;

	bind_key(&q, c, ca);
	rc = query_row(&q, &row, err);
	if (rc == PV_OK && row &&
	    (!col_u64(&q, 0, &top) || !col_index(&q, 1, &issued)))
		return sqlite_corrupt(s, "the row of a CRL", err);
	if (rc != PV_OK || (c->number == top + 1 && issued != STORE_NO_INDEX))
		return rc;
	return err_fail(err, PV_CONFLICT, "store.crl", "run the command again",
			"number %llu of %s shard %u does not follow %llu%s",
			(unsigned long long)c->number, c->ca, c->shard,
			(unsigned long long)top,
			issued == STORE_NO_INDEX ? ", which is pending" : "");
}

enum pv_code sqlite_crl_reserve(struct store *store, const struct store_crl *c,
				struct span entry, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	uint64_t index, ca = 0;
	enum pv_code rc = sqlite_writing(s, err);

	if (rc == PV_OK)
		rc = crl_ca(s, c, &ca, err);
	if (rc == PV_OK && (c->tbs.len == 0 || c->this_s < 0 ||
			    c->next_s <= c->this_s || c->entries > INT64_MAX))
		rc = err_fail(err, PV_INPUT, "store.crl", NULL,
			      "a CRL needs its bytes and its dates");
	if (rc == PV_OK)
		rc = check_next(s, c, ca, err);
	if (rc == PV_OK)
		rc = sqlite_log_add(s, entry, &index, err);
	if (rc != PV_OK)
		return rc;
	QUERY q = query_start(s, SQL_CRL_PUT);
	bind_key(&q, c, ca);
	query_u64(&q, c->number);
	query_u64(&q, (uint64_t)c->this_s);
	query_u64(&q, (uint64_t)c->next_s);
	query_u64(&q, c->entries);
	query_u64(&q, index);
	query_blob(&q, c->tbs.p, c->tbs.len);
	return sqlite_put_row(&q, err);
}

/* Of older ones number and dates stay; what they said is in the log. */
static enum pv_code drop_older(struct sqlite_store *s,
			       const struct store_crl *c, uint64_t ca,
			       struct err *err)
{
	QUERY q = query_start(s, SQL_CRL_OLD);

	bind_key(&q, c, ca);
	query_u64(&q, c->number);
	return query_run(&q, err);
}

static enum pv_code put_signed(struct sqlite_store *s,
			       const struct store_crl *c, uint64_t ca,
			       uint64_t index, struct err *err)
{
	QUERY q = query_start(s, SQL_CRL_ISSUE);

	query_u64(&q, index);
	query_blob(&q, c->der.p, c->der.len);
	bind_key(&q, c, ca);
	query_u64(&q, c->number);
	return query_run(&q, err);
}

static enum pv_code not_pending(const struct store_crl *c, struct err *err)
{
	return err_fail(err, PV_CONFLICT, "store.completed", NULL,
			"number %llu of %s shard %u is not pending",
			(unsigned long long)c->number, c->ca, c->shard);
}

enum pv_code sqlite_crl_complete(struct store *store, const struct store_crl *c,
				 struct span entry, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	uint64_t index = s->state.tree.size, ca = 0;
	enum pv_code rc = sqlite_writing(s, err);

	if (rc == PV_OK)
		rc = crl_ca(s, c, &ca, err);
	if (rc == PV_OK && c->der.len == 0)
		rc = err_fail(err, PV_INPUT, "store.crl", NULL,
			      "a signed CRL has bytes");
	if (rc == PV_OK)
		rc = put_signed(s, c, ca, index, err);
	if (rc == PV_OK && sqlite3_changes(s->db) != 1)
		return not_pending(c, err);
	if (rc != PV_OK)
		return rc;
	rc = sqlite_log_add(s, entry, &index, err);
	if (rc == PV_OK)
		rc = drop_older(s, c, ca, err);
	if (rc != PV_OK)
		s->doomed = true;
	return rc;
}

enum pv_code sqlite_crl_void(struct store *store, const struct store_crl *c,
			     struct span entry, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	uint64_t index = s->state.tree.size, ca = 0;
	enum pv_code rc = sqlite_writing(s, err);

	if (rc == PV_OK)
		rc = crl_ca(s, c, &ca, err);
	if (rc != PV_OK)
		return rc;
	QUERY q = query_start(s, SQL_CRL_VOID);
	query_u64(&q, index);
	bind_key(&q, c, ca);
	query_u64(&q, c->number);
	rc = query_run(&q, err);
	if (rc == PV_OK && sqlite3_changes(s->db) != 1)
		return not_pending(c, err);
	if (rc == PV_OK)
		rc = sqlite_log_add(s, entry, &index, err);
	if (rc != PV_OK)
		s->doomed = true;
	return rc;
}

static enum pv_code crl_row(struct query *q, struct store_crl *c,
			    struct err *err)
{
	uint64_t kind, this_s, next_s;

	memset(c, 0, sizeof(*c));
	if (!col_u64(q, 0, &kind) || kind > STORE_OCSP ||
	    !col_text(q, 1, c->ca, sizeof(c->ca)) ||
	    !col_u32(q, 2, &c->generation) || !col_u32(q, 3, &c->shard) ||
	    !col_u64(q, 4, &c->number) || !col_u64(q, 5, &this_s) ||
	    !col_u64(q, 6, &next_s) || !col_u64(q, 7, &c->entries) ||
	    !col_span(q, 8, &c->tbs) || !col_span(q, 9, &c->der) ||
	    !col_u64(q, 10, &c->intent_index) ||
	    !col_index(q, 11, &c->issue_index) ||
	    (c->tbs.len > 0) != (c->issue_index == STORE_NO_INDEX) ||
	    (c->tbs.len > 0 && c->der.len > 0))
		return sqlite_corrupt(q->s, "the row of a CRL", err);
	c->kind = (enum store_crl_kind)kind;
	c->this_s = (int64_t)this_s;
	c->next_s = (int64_t)next_s;
	return PV_OK;
}

static enum pv_code visit(struct query *q, const struct store_visit *v,
			  bool *any, struct err *err)
{
	for (*any = false;; *any = true) {
		struct store_crl c;
		bool row;
		enum pv_code rc = query_row(q, &row, err);

		if (rc != PV_OK || !row)
			return rc;
		rc = crl_row(q, &c, err);
		if (rc == PV_OK)
			rc = v->fn.crl(v->ctx, &c, err);
		if (rc != PV_OK)
			return rc;
	}
}

enum pv_code sqlite_crl_get(struct store *store, const struct store_crl *key,
			    enum store_crl_which which,
			    const struct store_visit *v, bool *found,
			    struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	uint64_t ca = 0;
	enum pv_code rc = crl_ca(s, key, &ca, err);

	*found = false;
	if (rc != PV_OK)
		return rc;
	QUERY q = query_own(s, which == STORE_CRL_PENDING ? SQL_CRL_PENDING
			       : which == STORE_CRL_LAST  ? SQL_CRL_LAST
							  : SQL_CRL_NEWEST);
	bind_key(&q, key, ca);
	return visit(&q, v, found, err);
}

enum pv_code sqlite_crl_each(struct store *store, enum store_crl_which which,
			     const struct store_visit *v, struct err *err)
{
	enum sql_id id = which == STORE_CRL_NEWEST    ? SQL_CRL_NEWEST_EACH
			 : which == STORE_CRL_PENDING ? SQL_CRL_PENDING_EACH
						      : SQL_CRL_EACH;
	QUERY q = query_own(to_sqlite(store), id);
	bool any;

	return visit(&q, v, &any, err);
}
