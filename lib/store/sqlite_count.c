/* Counts that limits and status ask for. */
#include <string.h>

#include "lib/store/sqlite_ops.h"

static enum pv_code flush_rate(struct sqlite_store *s, struct err *err)
{
	struct tally *t = &s->rate;

	for (size_t i = 0; i < t->n; i++) {
		const struct tally_line *l = &t->line[i];
		QUERY add = query_start(s, SQL_RATE_ADD);
		QUERY drop = query_start(s, SQL_RATE_DROP);
		enum pv_code rc;

		query_str(&add, l->name);
		query_u64(&add, l->bucket);
		query_u64(&add, l->n);
		rc = query_run(&add, err);
		query_str(&drop, l->name);
		query_u64(&drop, l->bucket > SQLITE_RATE_KEPT
					 ? l->bucket - SQLITE_RATE_KEPT
					 : 0);
		if (rc == PV_OK)
			rc = query_run(&drop, err);
		if (rc != PV_OK)
			return rc;
	}
	tally_clear(t);
	return PV_OK;
}

static enum pv_code flush_order(struct sqlite_store *s, struct err *err)
{
	struct tally *t = &s->order;

	for (size_t i = 0; i < t->n; i++) {
		QUERY q = query_start(s, SQL_ORDER_ADD);
		enum pv_code rc;

		query_str(&q, t->line[i].name);
		query_u64(&q, t->line[i].n);
		rc = query_run(&q, err);
		if (rc != PV_OK)
			return rc;
	}
	tally_clear(t);
	return PV_OK;
}

enum pv_code sqlite_tally_flush(struct sqlite_store *s, struct err *err)
{
	enum pv_code rc = flush_rate(s, err);

	return rc == PV_OK ? flush_order(s, err) : rc;
}

enum pv_code sqlite_tally(struct sqlite_store *s, const char *template,
			  const struct store_subject *b, struct err *err)
{
	/* The time of its entry: when it was reserved, not when a signer
	 * prepared it, which may be an hour before. */
	uint64_t bucket = s->state.last_ms / SQLITE_BUCKET_MS;
	enum pv_code rc = PV_OK;

	if (!tally_fits(&s->rate, template, bucket))
		rc = flush_rate(s, err);
	if (rc == PV_OK && b->order[0] && !tally_fits(&s->order, b->order, 0))
		rc = flush_order(s, err);
	if (rc != PV_OK)
		return rc;
	tally_add(&s->rate, template, bucket);
	if (b->order[0])
		tally_add(&s->order, b->order, 0);
	return PV_OK;
}

/* The database's own count, by a statement of name (and bucket) to a number. */
static enum pv_code stored(struct sqlite_store *s, enum sql_id id,
			   const char *name, const uint64_t *since,
			   uint64_t *count, struct err *err)
{
	QUERY q = query_start(s, id);
	bool row;
	enum pv_code rc;

	*count = 0;
	query_str(&q, name);
	if (since)
		query_u64(&q, *since);
	rc = query_row(&q, &row, err);
	if (rc == PV_OK && row && !col_u64(&q, 0, count))
		return sqlite_corrupt(s, "a row of counts", err);
	return rc;
}

enum pv_code sqlite_rate_since(struct store *store,
			       const uint8_t template_sha256[STORE_HASH],
			       uint64_t since_ms, uint64_t *count,
			       struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	const struct template_ref *ref;
	uint64_t since = since_ms / SQLITE_BUCKET_MS;
	enum pv_code rc = sqlite_template(s, template_sha256, &ref, err);

	if (rc != PV_OK)
		return rc;
	if (!tally_cached(&s->rate, ref->name, since, count)) {
		rc = stored(s, SQL_RATE_SUM, ref->name, &since, count, err);
		if (rc == PV_OK && s->txn == TXN_WRITE)
			tally_cache(&s->rate, ref->name, since, *count);
	}
	*count += tally_sum(&s->rate, ref->name, since);
	return rc;
}

enum pv_code sqlite_order_count(struct store *store, const char *order,
				uint64_t *count, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	enum pv_code rc = PV_OK;

	if (!tally_cached(&s->order, order, 0, count)) {
		rc = stored(s, SQL_ORDER_GET, order, NULL, count, err);
		if (rc == PV_OK && s->txn == TXN_WRITE)
			tally_cache(&s->order, order, 0, *count);
	}
	*count += tally_sum(&s->order, order, 0);
	return rc;
}

enum pv_code sqlite_counts(struct store *store, struct store_counts *c,
			   struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	VIEW v;
	bool row;
	enum pv_code rc = sqlite_view(s, &v, err);

	memset(c, 0, sizeof(*c));
	if (rc != PV_OK)
		return rc;
	QUERY q = query_start(s, SQL_INTENT_COUNT);
	rc = query_row(&q, &row, err);
	if (rc != PV_OK)
		return rc;
	if (!row || !col_u64(&q, 0, &c->reserved))
		return sqlite_corrupt(s, "intents cannot be counted", err);
	c->devices = s->state.devices;
	c->log_size = s->state.tree.size;
	c->sealed_len = s->sealed.len;
	c->last_event_ms = s->state.last_ms;
	c->next_serial = s->state.serial_next;
	return PV_OK;
}
