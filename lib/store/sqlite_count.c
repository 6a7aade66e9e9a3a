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

/* One row an order has both counts; which of them t adds to. */
static enum pv_code flush_order(struct sqlite_store *s, struct tally *t,
				struct err *err)
{
	for (size_t i = 0; i < t->n; i++) {
		QUERY q = query_start(s, SQL_ORDER_ADD);
		uint64_t n = t->line[i].n;
		enum pv_code rc;

		query_str(&q, t->line[i].name);
		query_u64(&q, t == &s->order ? n : 0);
		query_u64(&q, t == &s->order ? 0 : n);
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

	if (rc == PV_OK)
		rc = flush_order(s, &s->order, err);
	return rc == PV_OK ? flush_order(s, &s->rework, err) : rc;
}

enum pv_code sqlite_tally(struct sqlite_store *s, const char *template,
			  const struct store_subject *b, struct err *err)
{
	/* The time of its entry: when it was reserved, not when a signer
	 * prepared it, which may be an hour before. */
	uint64_t bucket = s->state.last_ms / SQLITE_BUCKET_MS;
	struct tally *order = store_is_rework(b) ? &s->rework : &s->order;
	enum pv_code rc = PV_OK;

	/* None more than there are. */
	if (b->why == STORE_ROTATE)
		return PV_OK;
	if (!tally_fits(&s->rate, template, bucket))
		rc = flush_rate(s, err);
	if (rc == PV_OK && b->order[0] && !tally_fits(order, b->order, 0))
		rc = flush_order(s, order, err);
	if (rc != PV_OK)
		return rc;
	tally_add(&s->rate, template, bucket);
	if (b->order[0])
		tally_add(order, b->order, 0);
	return PV_OK;
}

/* The database's own count of a name since a bucket. */
static enum pv_code stored_rate(struct sqlite_store *s, const char *name,
				uint64_t since, uint64_t *count,
				struct err *err)
{
	QUERY q = query_start(s, SQL_RATE_SUM);
	bool row;
	enum pv_code rc;

	*count = 0;
	query_str(&q, name);
	query_u64(&q, since);
	rc = query_row(&q, &row, err);
	if (rc == PV_OK && row && !col_u64(&q, 0, count))
		return sqlite_corrupt(s, "a row of counts", err);
	return rc;
}

static enum pv_code stored_order(struct sqlite_store *s, const char *name,
				 struct store_order_count *c, struct err *err)
{
	QUERY q = query_start(s, SQL_ORDER_GET);
	bool row;
	enum pv_code rc;

	*c = (struct store_order_count){ 0, 0 };
	query_str(&q, name);
	rc = query_row(&q, &row, err);
	if (rc == PV_OK && row &&
	    (!col_u64(&q, 0, &c->devices) || !col_u64(&q, 1, &c->reworked)))
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
		rc = stored_rate(s, ref->name, since, count, err);
		if (rc == PV_OK && s->txn == TXN_WRITE)
			tally_cache(&s->rate, ref->name, since, *count);
	}
	*count += tally_sum(&s->rate, ref->name, since);
	return rc;
}

enum pv_code sqlite_released_since(struct store *store,
				   const uint8_t template_sha256[STORE_HASH],
				   uint64_t since_ms, uint64_t *count,
				   struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	const struct template_ref *ref;
	bool row;
	enum pv_code rc = sqlite_template(s, template_sha256, &ref, err);

	if (rc != PV_OK)
		return rc;
	QUERY q = query_start(s, SQL_BUNDLE_RELEASED);
	query_u64(&q, since_ms);
	query_str(&q, ref->name);
	rc = query_row(&q, &row, err);
	if (rc == PV_OK && (!row || !col_u64(&q, 0, count)))
		return sqlite_corrupt(s, "releases cannot be counted", err);
	return rc;
}

enum pv_code sqlite_order_count(struct store *store, const char *order,
				struct store_order_count *c, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	enum pv_code rc = PV_OK;

	if (!tally_cached(&s->order, order, 0, &c->devices) ||
	    !tally_cached(&s->rework, order, 0, &c->reworked)) {
		rc = stored_order(s, order, c, err);
		if (rc == PV_OK && s->txn == TXN_WRITE) {
			tally_cache(&s->order, order, 0, c->devices);
			tally_cache(&s->rework, order, 0, c->reworked);
		}
	}
	c->devices += tally_sum(&s->order, order, 0);
	c->reworked += tally_sum(&s->rework, order, 0);
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
	if (!row || !col_u64(&q, 0, &c->reserved) || !col_u64(&q, 1, &c->later))
		return sqlite_corrupt(s, "intents cannot be counted", err);
	c->devices = s->state.devices;
	c->log_size = s->state.tree.size;
	c->sealed_len = s->sealed.len;
	c->last_event_ms = s->state.last_ms;
	c->next_serial = s->state.serial_next;
	return PV_OK;
}
