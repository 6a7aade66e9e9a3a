/* Credentials that are revoked or held, and CAs that are revoked. */
#include <string.h>

#include "lib/store/sqlite_lifecycle.h"
#include "lib/store/sqlite_ops.h"

static enum pv_code bad(const char *what, struct err *err)
{
	return err_fail(err, PV_INPUT, "store.revocation", NULL,
			"the revocation %s", what);
}

static bool time_ok(int64_t t)
{
	return t == STORE_NO_TIME || t >= 0;
}

static bool values_ok(const struct store_revocation *r)
{
	return r->reason <= STORE_REASON_MAX && r->reason != 7 &&
	       r->reason != STORE_REASON_REMOVE && r->revoked_ms <= INT64_MAX &&
	       time_ok(r->invalidity_s) && time_ok(r->not_after_s);
}

/* Against the row of its credential; *ca gets the id of the issuer. */
static enum pv_code check_values(struct sqlite_store *s,
				 const struct store_revocation *r,
				 const struct store_device *d, uint64_t *ca,
				 struct err *err)
{
	uint32_t shards = 0;
	enum pv_code rc;

	if (!values_ok(r))
		return bad("has a value out of range", err);
	if (r->serial_len != d->s.serial_len ||
	    memcmp(r->serial, d->s.serial, r->serial_len) != 0)
		return bad("has another serial than its device", err);
	if (r->ca[0] && !d->has_cert)
		return bad("names an issuer without a certificate", err);
	*ca = 0;
	if (!r->ca[0])
		return r->shard == 0 ? PV_OK : bad("has a shard", err);
	rc = sqlite_ca_id(s, r->ca, r->generation, ca, &shards, err);
	if (rc == PV_OK && r->shard >= shards)
		return bad("is of a shard that its CA has not", err);
	return rc;
}

static enum pv_code conflict(const char *rule, const struct store_device *d,
			     const char *what, struct err *err)
{
	return err_fail(err, PV_CONFLICT, rule, NULL, "device %s %s",
			d->s.device, what);
}

/* May its state change so? *before gets what is in force. */
static enum pv_code check_state(struct sqlite_store *s,
				const struct store_revocation *r,
				const struct store_device *d, struct err *err)
{
	struct store_revocation before;
	bool found;
	enum pv_code rc;

	switch (d->state) {
	case STORE_ISSUED:
		return PV_OK;
	case STORE_REVOKED:
		return conflict("store.revoked", d, "is revoked", err);
	case STORE_RETIRED:
		return conflict("store.retired", d, "is retired", err);
	case STORE_RESERVED:
	case STORE_QUARANTINED:
		return conflict("store.open", d, "has no result", err);
	case STORE_SUSPENDED:
		break;
	}
	if (r->reason == STORE_REASON_HOLD)
		return conflict("store.revoked", d, "is held", err);
	rc = sqlite_revocation_get(&s->base, r->number, &before, &found, err);
	if (rc == PV_OK && (!found || before.revoked_ms != r->revoked_ms))
		return bad("has another date than its hold", err);
	return rc;
}

static enum pv_code set_state(struct sqlite_store *s, uint32_t number,
			      enum store_state state, struct err *err)
{
	QUERY q = query_start(s, SQL_DEVICE_STATE);

	/* 0 stands for issued: sqlite_device_row(). */
	query_u64(&q, state == STORE_ISSUED ? 0 : state);
	query_u64(&q, number);
	return query_run(&q, err);
}

static enum pv_code drop_row(struct sqlite_store *s, uint32_t number,
			     struct err *err)
{
	QUERY q = query_start(s, SQL_REVOCATION_DROP);

	query_u64(&q, number);
	return query_run(&q, err);
}

static void query_time(struct query *q, int64_t t)
{
	if (t == STORE_NO_TIME)
		query_blob(q, NULL, 0);
	else
		query_u64(q, (uint64_t)t);
}

static enum pv_code put_row(struct sqlite_store *s,
			    const struct store_revocation *r, uint64_t ca,
			    uint64_t index, struct err *err)
{
	QUERY q = query_start(s, SQL_REVOCATION_PUT);

	query_u64(&q, ca);
	query_u64(&q, r->shard);
	query_u64(&q, r->number);
	query_u64(&q, index);
	query_u64(&q, r->reason);
	query_u64(&q, r->revoked_ms);
	query_time(&q, r->invalidity_s);
	query_time(&q, r->not_after_s);
	query_blob(&q, r->serial, r->serial_len);
	return query_run(&q, err);
}

static enum pv_code get_device(struct sqlite_store *s, uint32_t number,
			       struct store_device *d, struct err *err)
{
	bool found;
	enum pv_code rc =
		sqlite_device_number(&s->base, number, d, &found, err);

	if (rc == PV_OK && !found)
		return err_fail(err, PV_NOT_FOUND, "store.device", NULL,
				"there is no credential of number %u", number);
	return rc;
}

enum pv_code sqlite_revoke(struct store *store,
			   const struct store_revocation *r, struct span entry,
			   struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	struct store_device d;
	uint64_t index, ca = 0;
	bool hold = r->reason == STORE_REASON_HOLD;
	enum pv_code rc = sqlite_writing(s, err);

	if (rc == PV_OK)
		rc = get_device(s, r->number, &d, err);
	if (rc == PV_OK)
		rc = check_state(s, r, &d, err);
	if (rc == PV_OK)
		rc = check_values(s, r, &d, &ca, err);
	if (rc == PV_OK)
		rc = sqlite_log_add(s, entry, &index, err);
	if (rc != PV_OK)
		return rc;
	rc = set_state(s, r->number, hold ? STORE_SUSPENDED : STORE_REVOKED,
		       err);
	if (rc == PV_OK && d.state == STORE_SUSPENDED)
		rc = drop_row(s, r->number, err);
	if (rc == PV_OK)
		rc = put_row(s, r, ca, index, err);
	if (rc != PV_OK)
		s->doomed = true;
	return rc;
}

/* ---- CAs ---- */

static uint32_t first_bytes(const struct store_revocation *r)
{
	return (uint32_t)r->serial[0] << 24 | (uint32_t)r->serial[1] << 16 |
	       (uint32_t)r->serial[2] << 8 | r->serial[3];
}

/* Nobody has that number, as a device or revoked. */
static enum pv_code check_number(struct sqlite_store *s, uint32_t number,
				 struct err *err)
{
	struct store_revocation before;
	struct store_device d;
	bool found = false;
	enum pv_code rc =
		sqlite_device_number(&s->base, number, &d, &found, err);

	if (rc == PV_OK && found)
		return conflict("store.number", &d, "has that number", err);
	if (rc == PV_OK)
		rc = sqlite_revocation_get(&s->base, number, &before, &found,
					   err);
	if (rc == PV_OK && found)
		rc = err_fail(err, PV_CONFLICT, "store.revoked", NULL,
			      "the CA's certificate is revoked");
	return rc;
}

enum pv_code sqlite_revoke_ca(struct store *store,
			      const struct store_revocation *r,
			      struct span entry, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	uint32_t shards = 0;
	uint64_t index, ca = 0;
	enum pv_code rc = sqlite_writing(s, err);

	if (rc == PV_OK &&
	    (!values_ok(r) || r->reason == STORE_REASON_HOLD ||
	     r->serial_len < STORE_SERIAL_MIN ||
	     r->serial_len > STORE_SERIAL_MAX || first_bytes(r) != r->number))
		rc = bad("has a value out of range", err);
	if (rc == PV_OK)
		rc = check_number(s, r->number, err);
	if (rc == PV_OK)
		rc = sqlite_ca_id(s, r->ca, r->generation, &ca, &shards, err);
	if (rc == PV_OK && r->shard >= shards)
		rc = bad("is of a shard that its CA has not", err);
	if (rc == PV_OK)
		rc = sqlite_log_add(s, entry, &index, err);
	if (rc != PV_OK)
		return rc;
	rc = put_row(s, r, ca, index, err);
	if (rc != PV_OK)
		s->doomed = true;
	return rc;
}

enum pv_code sqlite_unhold(struct store *store, uint32_t number,
			   struct span entry, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	struct store_device d;
	enum pv_code rc = sqlite_writing(s, err);

	if (rc == PV_OK)
		rc = get_device(s, number, &d, err);
	if (rc == PV_OK && d.state != STORE_SUSPENDED)
		rc = conflict("store.hold", &d, "is not held", err);
	if (rc == PV_OK)
		rc = sqlite_log_add(s, entry, NULL, err);
	if (rc != PV_OK)
		return rc;
	rc = set_state(s, number, STORE_ISSUED, err);
	if (rc == PV_OK)
		rc = drop_row(s, number, err);
	if (rc != PV_OK)
		s->doomed = true;
	return rc;
}

static bool col_time(struct query *q, int column, int64_t *t)
{
	uint64_t v;
	bool null = sqlite3_column_type(q->st, column) == SQLITE_NULL;
	bool ok = col_u64(q, column, &v);

	*t = null ? STORE_NO_TIME : (int64_t)v;
	return ok && (null || *t >= 0);
}

static enum pv_code revocation_row(struct query *q, struct store_revocation *r,
				   struct err *err)
{
	struct span serial;
	uint64_t ca;
	bool ok;

	memset(r, 0, sizeof(*r));
	ok = col_u32(q, 0, &r->number) &&
	     col_text(q, 1, r->ca, sizeof(r->ca)) &&
	     col_u32(q, 2, &r->generation) && col_u32(q, 3, &r->shard) &&
	     col_u32(q, 4, &r->reason) && col_u64(q, 5, &r->revoked_ms) &&
	     col_time(q, 6, &r->invalidity_s) &&
	     col_time(q, 7, &r->not_after_s) && col_span(q, 8, &serial) &&
	     col_u64(q, 9, &r->log_index) && col_u64(q, 10, &ca);
	if (!ok || (ca != 0) != (r->ca[0] != '\0') ||
	    r->reason > STORE_REASON_MAX || serial.len < STORE_SERIAL_MIN ||
	    serial.len > STORE_SERIAL_MAX)
		return sqlite_corrupt(q->s, "the row of a revocation", err);
	memcpy(r->serial, serial.p, serial.len);
	r->serial_len = serial.len;
	return PV_OK;
}

enum pv_code sqlite_revocation_get(struct store *store, uint32_t number,
				   struct store_revocation *r, bool *found,
				   struct err *err)
{
	QUERY q = query_start(to_sqlite(store), SQL_REVOCATION_GET);
	enum pv_code rc;

	query_u64(&q, number);
	rc = query_row(&q, found, err);
	return rc == PV_OK && *found ? revocation_row(&q, r, err) : rc;
}

enum pv_code sqlite_revocation_each(struct store *store, const char *ca,
				    uint32_t generation, uint32_t shard,
				    uint32_t from, const struct store_visit *v,
				    struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	uint32_t shards;
	uint64_t id = 0;
	enum pv_code rc = PV_OK;

	if (ca[0])
		rc = sqlite_ca_id(s, ca, generation, &id, &shards, err);
	if (rc != PV_OK)
		return rc;
	QUERY q = query_own(s, SQL_REVOCATION_EACH);
	query_u64(&q, id);
	query_u64(&q, shard);
	query_u64(&q, from);
	for (;;) {
		struct store_revocation r;
		bool row;

		rc = query_row(&q, &row, err);
		if (rc != PV_OK || !row)
			return rc;
		rc = revocation_row(&q, &r, err);
		if (rc == PV_OK)
			rc = v->fn.revocation(v->ctx, &r, err);
		if (rc != PV_OK)
			return rc;
	}
}
