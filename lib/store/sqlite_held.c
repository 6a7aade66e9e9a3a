/* What waits for people: suspect requests, evidence and receipts. */
#include <string.h>

#include "lib/log/govern.h"
#include "lib/store/sqlite_ops.h"
#include "lib/store/sqlite_people.h"

enum pv_code sqlite_held_next(struct store *store, uint64_t *id,
			      struct err *err)
{
	uint64_t top = 0;
	enum pv_code rc =
		sqlite_top(to_sqlite(store), SQL_HELD_TOP, NULL, &top, err);

	*id = top + 1;
	return rc;
}

static enum pv_code put_row(struct sqlite_store *s, const struct store_held *h,
			    uint64_t id, uint64_t index, struct err *err)
{
	QUERY q = query_start(s, SQL_HELD_PUT);

	query_u64(&q, id);
	query_str(&q, h->request);
	query_str(&q, h->device);
	query_str(&q, h->rule);
	query_str(&q, h->source);
	query_blob(&q, h->bytes.p, h->bytes.len);
	query_u64(&q, index);
	return sqlite_put_row(&q, err);
}

enum pv_code sqlite_held_put(struct store *store, const struct store_held *h,
			     struct span entry, uint64_t *id, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	uint64_t index;
	enum pv_code rc = sqlite_writing(s, err);

	if (rc == PV_OK && (!h->request[0] || !h->rule[0] || !h->source[0] ||
			    h->bytes.len == 0))
		rc = err_fail(err, PV_INPUT, "store.held", NULL,
			      "what is held lacks a value");
	if (rc == PV_OK)
		rc = sqlite_held_next(store, id, err);
	if (rc == PV_OK)
		rc = sqlite_not_governed(entry, err);
	if (rc == PV_OK)
		rc = sqlite_log_add(s, entry, &index, err);
	if (rc == PV_OK)
		rc = put_row(s, h, *id, index, err);
	if (rc == PV_OK)
		s->state.held++;
	return rc;
}

/* ---- reading ---- */

static enum pv_code held_row(struct query *q, struct store_held *h,
			     struct err *err)
{
	uint64_t state = 0;

	memset(h, 0, sizeof(*h));
	if (!col_u64(q, 0, &h->id) ||
	    !col_text(q, 1, h->request, sizeof(h->request)) ||
	    !col_text(q, 2, h->device, sizeof(h->device)) ||
	    !col_text(q, 3, h->rule, sizeof(h->rule)) ||
	    !col_text(q, 4, h->source, sizeof(h->source)) ||
	    !col_span(q, 5, &h->bytes) || !col_u64(q, 6, &state) ||
	    state > STORE_REJECTED || !col_u64(q, 7, &h->put_index) ||
	    !col_index(q, 8, &h->decided_index) ||
	    (state == STORE_HELD) != (h->decided_index == STORE_NO_INDEX))
		return sqlite_corrupt(q->s, "the row of what is held", err);
	h->state = (enum store_held_state)state;
	return PV_OK;
}

static enum pv_code visit(struct query *q, const struct store_visit *v,
			  bool *found, struct err *err)
{
	for (;;) {
		struct store_held h;
		bool row;
		enum pv_code rc = query_row(q, &row, err);

		if (rc != PV_OK || !row)
			return rc;
		rc = held_row(q, &h, err);
		if (rc == PV_OK && found)
			*found = true;
		if (rc == PV_OK)
			rc = v->fn.held(v->ctx, &h, err);
		if (rc != PV_OK)
			return rc;
	}
}

enum pv_code sqlite_held_get(struct store *store, uint64_t id,
			     const struct store_visit *v, bool *found,
			     struct err *err)
{
	QUERY q =
		query_own(to_sqlite(store), id ? SQL_HELD_GET : SQL_HELD_EACH);

	if (id)
		query_u64(&q, id);
	if (found)
		*found = false;
	return visit(&q, v, found, err);
}

enum pv_code sqlite_held_of(struct store *store, const char *device,
			    const struct store_visit *v, struct err *err)
{
	QUERY q = query_own(to_sqlite(store), SQL_HELD_OF);

	query_str(&q, device);
	return visit(&q, v, NULL, err);
}

enum pv_code sqlite_held_any(struct store *store, const char *device,
			     bool *held, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	VIEW v;
	enum pv_code rc = sqlite_view(s, &v, err);

	*held = false;
	if (rc != PV_OK || s->state.held == 0)
		return rc;
	QUERY q = query_start(s, SQL_HELD_ANY);
	query_str(&q, device);
	return query_row(&q, held, err);
}

enum pv_code sqlite_held_count(struct store *store, struct span head,
			       uint64_t *n, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	VIEW v;
	bool row;
	enum pv_code rc = sqlite_view(s, &v, err);

	*n = s->state.held;
	if (rc != PV_OK || head.len == 0 || *n == 0)
		return rc;
	QUERY q = query_start(s, SQL_HELD_COUNT);
	query_u64(&q, head.len);
	query_blob(&q, head.p, head.len);
	rc = query_row(&q, &row, err);
	if (rc == PV_OK && (!row || !col_u64(&q, 0, n)))
		return sqlite_corrupt(s, "what is held cannot be counted", err);
	return rc;
}

/* ---- deciding ---- */

struct decided {
	char request[STORE_ID_MAX + 1];
	enum store_held_state state;
};

static enum pv_code take_state(void *ctx, const struct store_held *h,
			       struct err *err)
{
	struct decided *d = ctx;

	(void)err;
	memcpy(d->request, h->request, sizeof(d->request));
	d->state = h->state;
	return PV_OK;
}

static enum pv_code find_held(struct store *store, uint64_t id,
			      struct decided *d, struct err *err)
{
	const struct store_visit v = { d, { .held = take_state } };
	bool found = false;
	enum pv_code rc = PV_OK;

	if (id > 0 && id <= INT64_MAX)
		rc = sqlite_held_get(store, id, &v, &found, err);
	if (rc == PV_OK && !found)
		return err_fail(err, PV_NOT_FOUND, "store.held", NULL,
				"nothing is held under number %llu",
				(unsigned long long)id);
	if (rc == PV_OK && d->state != STORE_HELD)
		return err_fail(
			err, PV_CONFLICT, "store.held", NULL,
			"number %llu was %s before", (unsigned long long)id,
			d->state == STORE_RELEASED ? "released" : "rejected");
	return rc;
}

enum pv_code sqlite_held_decide(struct store *store, uint64_t id,
				enum store_held_state state, struct span entry,
				struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	struct decided d;
	uint64_t index;
	enum pv_code rc = sqlite_writing(s, err);

	if (rc == PV_OK && state == STORE_HELD)
		rc = err_fail(err, PV_INPUT, "store.held", NULL,
			      "that is no decision");
	if (rc == PV_OK)
		rc = find_held(store, id, &d, err);
	if (rc == PV_OK)
		rc = sqlite_govern(s,
				   state == STORE_RELEASED
					   ? LOG_QUARANTINE_RELEASE
					   : LOG_QUARANTINE_REJECT,
				   d.request, entry, &index, err);
	if (rc != PV_OK)
		return rc;
	QUERY q = query_start(s, SQL_HELD_DECIDE);
	query_u64(&q, state);
	query_u64(&q, index);
	query_u64(&q, id);
	s->state.held--;
	return sqlite_put_row(&q, err);
}
