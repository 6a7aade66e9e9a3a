/* Production tickets and what was issued under them. */
#include <string.h>

#include "lib/log/govern.h"
#include "lib/store/sqlite_ops.h"
#include "lib/store/sqlite_people.h"

static enum pv_code conflict(const char *name, const char *what,
			     struct err *err)
{
	return err_fail(err, PV_CONFLICT, "store.order",
			"give the order another name", "order %s %s", name,
			what);
}

static enum pv_code no_order(const char *name, struct err *err)
{
	return err_fail(err, PV_NOT_FOUND, "store.order", NULL,
			"there is no order %s", name);
}

/* ---- rows ---- */

static enum pv_code order_row(struct query *q, struct store_order *o,
			      struct err *err)
{
	struct span template;
	bool ok;

	memset(o, 0, sizeof(*o));
	ok = col_text(q, 0, o->name, sizeof(o->name)) && o->name[0] &&
	     col_u64(q, 1, &o->devices) && col_u64(q, 2, &o->reworked) &&
	     col_span(q, 3, &template) && col_index(q, 4, &o->opened_index) &&
	     col_index(q, 5, &o->closed_index) && col_span(q, 6, &o->bytes) &&
	     col_span(q, 7, &o->note);
	if (ok && o->opened_index != STORE_NO_INDEX)
		o->state = o->closed_index != STORE_NO_INDEX
				   ? STORE_ORDER_CLOSED
				   : STORE_ORDER_OPEN;
	if (!ok || (o->state == STORE_ORDER_COUNTED) == (o->bytes.len > 0) ||
	    (o->state == STORE_ORDER_CLOSED) != (o->note.len > 0) ||
	    (o->state != STORE_ORDER_COUNTED) != (template.len == STORE_HASH))
		return sqlite_corrupt(q->s, "an order's row", err);
	if (template.len == STORE_HASH)
		memcpy(o->template_sha256, template.p, STORE_HASH);
	return PV_OK;
}

enum pv_code sqlite_order_get(struct store *store, const char *name,
			      const struct store_visit *v, bool *found,
			      struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	enum pv_code rc = PV_OK;

	/* What this transaction reserved counts. */
	if (s->txn == TXN_WRITE)
		rc = sqlite_tally_flush(s, err);
	if (rc != PV_OK)
		return rc;
	QUERY q = query_own(s, name ? SQL_ORDER_FIND : SQL_ORDER_EACH);
	if (name)
		query_str(&q, name);
	if (found)
		*found = false;
	for (;;) {
		struct store_order o;
		bool row;

		rc = query_row(&q, &row, err);
		if (rc != PV_OK || !row)
			return rc;
		rc = order_row(&q, &o, err);
		if (rc == PV_OK && found)
			*found = true;
		if (rc == PV_OK)
			rc = v->fn.order(v->ctx, &o, err);
		if (rc != PV_OK)
			return rc;
	}
}

struct known {
	bool there;
	enum store_order_state state;
};

static enum pv_code take_state(void *ctx, const struct store_order *o,
			       struct err *err)
{
	(void)err;
	*(enum store_order_state *)ctx = o->state;
	return PV_OK;
}

static enum pv_code look(struct store *store, const char *name, struct known *k,
			 struct err *err)
{
	const struct store_visit v = { &k->state, { .order = take_state } };

	return sqlite_order_get(store, name, &v, &k->there, err);
}

/* ---- opening ---- */

static enum pv_code check_new(struct store *store, const struct store_order *o,
			      struct err *err)
{
	struct known k;
	enum pv_code rc;

	if (!o->name[0] || o->bytes.len == 0)
		return err_fail(err, PV_INPUT, "store.order", NULL,
				"an order needs name and bytes");
	rc = look(store, o->name, &k, err);
	if (rc == PV_OK && k.there)
		return conflict(o->name,
				k.state == STORE_ORDER_COUNTED
					? "has devices that were issued "
					  "without an approved order"
					: "is there already",
				err);
	return rc;
}

static enum pv_code put_count(struct sqlite_store *s, const char *name,
			      struct err *err)
{
	QUERY q = query_start(s, SQL_ORDER_NEW);

	query_str(&q, name);
	return sqlite_put_row(&q, err);
}

enum pv_code sqlite_order_open(struct store *store, const struct store_order *o,
			       struct span entry, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	const struct template_ref *ref;
	uint64_t index;
	enum pv_code rc = sqlite_writing(s, err);

	if (rc == PV_OK)
		rc = check_new(store, o, err);
	if (rc == PV_OK)
		rc = sqlite_template(s, o->template_sha256, &ref, err);
	if (rc == PV_OK)
		rc = sqlite_govern(s, LOG_ORDER_OPEN, o->name, entry, &index,
				   err);
	if (rc == PV_OK)
		rc = put_count(s, o->name, err);
	if (rc != PV_OK)
		return rc;
	QUERY q = query_start(s, SQL_TICKET_PUT);
	query_str(&q, o->name);
	query_u64(&q, (uint64_t)ref->id);
	query_u64(&q, index);
	query_blob(&q, o->bytes.p, o->bytes.len);
	return sqlite_put_row(&q, err);
}

/* ---- closing ---- */

enum pv_code sqlite_order_close(struct store *store, const char *name,
				struct span note, struct span entry,
				struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	struct known k;
	uint64_t index;
	enum pv_code rc = sqlite_writing(s, err);

	if (rc == PV_OK && note.len == 0)
		rc = err_fail(err, PV_INPUT, "store.order", NULL,
			      "the end of an order needs its note");
	if (rc == PV_OK)
		rc = look(store, name, &k, err);
	if (rc == PV_OK && (!k.there || k.state == STORE_ORDER_COUNTED))
		rc = no_order(name, err);
	if (rc == PV_OK && k.state == STORE_ORDER_CLOSED)
		rc = conflict(name, "is closed", err);
	if (rc == PV_OK)
		rc = sqlite_govern(s, LOG_ORDER_CLOSE, name, entry, &index,
				   err);
	if (rc != PV_OK)
		return rc;
	QUERY q = query_start(s, SQL_TICKET_CLOSE);
	query_u64(&q, index);
	query_blob(&q, note.p, note.len);
	query_str(&q, name);
	return sqlite_put_row(&q, err);
}
