/* Rows of devices and bundles as structs, and all that reads them. */
#include <string.h>

#include "lib/store/sqlite_lifecycle.h"
#include "lib/store/sqlite_ops.h"

/* A hash that may be absent. */
static bool col_hash(struct query *q, int column, uint8_t *out, bool *there)
{
	*there = sqlite3_column_type(q->st, column) != SQLITE_NULL;
	return !*there || col_bytes(q, column, out, STORE_HASH);
}

static bool subject_row(struct query *q, struct store_subject *s)
{
	struct span serial;
	bool ok = col_u32(q, 0, &s->number) &&
		  col_text(q, 1, s->device, sizeof(s->device)) &&
		  col_text(q, 2, s->request, sizeof(s->request)) &&
		  col_text(q, 3, s->template_name, sizeof(s->template_name)) &&
		  col_bytes(q, 4, s->template_sha256, STORE_HASH) &&
		  col_text(q, 5, s->order, sizeof(s->order)) &&
		  col_text(q, 6, s->role, sizeof(s->role)) &&
		  col_text(q, 7, s->station, sizeof(s->station)) &&
		  col_bytes(q, 8, s->body_sha256, STORE_HASH) &&
		  col_hash(q, 9, s->spki_sha256, &s->has_spki) &&
		  col_hash(q, 10, s->seal_sha256, &s->has_seal) &&
		  col_span(q, 11, &serial) && col_u64(q, 12, &s->created_ms) &&
		  col_u64(q, 13, &s->reserved_ms);

	if (!ok || !s->device[0] || serial.len > STORE_SERIAL_MAX ||
	    serial.len < STORE_SERIAL_MIN)
		return false;
	memcpy(s->serial, serial.p, serial.len);
	s->serial_len = serial.len;
	/* Not stored where it is the device's id. */
	if (!s->request[0] && sqlite3_column_type(q->st, 20) == SQLITE_NULL)
		memcpy(s->request, s->device, sizeof(s->request));
	return true;
}

/* Which credential of its device it is. */
static bool chain_row(struct query *q, struct store_device *d)
{
	uint32_t why;

	if (!col_u32(q, 19, &why) || why > STORE_ROTATE ||
	    !col_u32(q, 20, &d->s.replaces) || !col_u32(q, 21, &d->first) ||
	    !col_u32(q, 22, &d->current) ||
	    !col_u32(q, 23, &d->s.ca_generation))
		return false;
	d->s.why = (enum store_why)why;
	if ((why == STORE_NEW) != (d->s.replaces == 0) ||
	    (why == STORE_NEW) != (d->first == 0) ||
	    (why != STORE_NEW && d->current != 0))
		return false;
	if (why == STORE_NEW)
		d->first = d->s.number;
	return true;
}

/* Revoked, held or retired exactly where there is the row that says so. */
static bool end_row(struct query *q, struct store_device *d, uint64_t state)
{
	bool revoked, held;

	if (!col_index(q, 24, &d->revoke_index) ||
	    !col_u32(q, 25, &d->reason) || !col_index(q, 26, &d->retire_index))
		return false;
	revoked = d->revoke_index != STORE_NO_INDEX;
	held = revoked && d->reason == STORE_REASON_HOLD;
	if ((state == STORE_RETIRED) != (d->retire_index != STORE_NO_INDEX))
		return false;
	switch (state) {
	case STORE_REVOKED:
		return revoked && !held;
	case STORE_SUSPENDED:
		return held;
	case STORE_RETIRED:
		return true;
	default:
		return !revoked;
	}
}

enum pv_code sqlite_device_row(struct query *q, struct store_device *d,
			       struct err *err)
{
	bool open = sqlite3_column_type(q->st, 16) != SQLITE_NULL;
	uint64_t state;
	uint64_t intent_seq;
	bool ok;

	memset(d, 0, sizeof(*d));
	d->has_cert = sqlite3_column_type(q->st, 18) != SQLITE_NULL;
	ok = subject_row(q, &d->s) && col_u64(q, 14, &state) &&
	     col_u64(q, 15, &d->intent_index) && col_u64(q, 16, &intent_seq) &&
	     col_u64(q, 17, &d->seq) && col_u64(q, 18, &d->issue_index) &&
	     chain_row(q, d) && end_row(q, d, state);
	if (!ok || state > STORE_QUARANTINED || state == STORE_ISSUED ||
	    (open ? state != STORE_RESERVED && state != STORE_QUARANTINED
		  : state == STORE_QUARANTINED))
		return sqlite_corrupt(q->s, "a device's row", err);
	if (open)
		d->seq = intent_seq;
	if (!d->has_cert)
		d->issue_index = STORE_NO_INDEX;
	/* 0 stands for both of the first two: the intent's row tells. */
	d->state = (enum store_state)state;
	if (state == STORE_RESERVED && !open)
		d->state = STORE_ISSUED;
	return PV_OK;
}

enum pv_code sqlite_device_number(struct store *store, uint32_t number,
				  struct store_device *d, bool *found,
				  struct err *err)
{
	QUERY q = query_start(to_sqlite(store), SQL_DEVICE_GET);
	enum pv_code rc;

	query_u64(&q, number);
	rc = query_row(&q, found, err);
	return rc == PV_OK && *found ? sqlite_device_row(&q, d, err) : rc;
}

/* A device is found by its first credential. */
static bool is_it(const struct store_device *d, enum store_by by,
		  const char *id)
{
	if (by == STORE_BY_REQUEST)
		return strcmp(d->s.request, id) == 0;
	return d->s.replaces == 0 && strcmp(d->s.device, id) == 0;
}

static enum pv_code find_row(struct store *store, enum store_by by,
			     const char *id, struct store_device *d,
			     bool *found, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	struct span name = { (const uint8_t *)id, strlen(id) };
	struct found hits;
	uint64_t key;
	VIEW v;
	enum pv_code rc = sqlite_view(s, &v, err);

	*found = false;
	if (rc == PV_OK)
		rc = sqlite_key(s, KEY_NAME, name, &key, err);
	if (rc != PV_OK || sqlite_is_absent(s, key))
		return rc;
	rc = sqlite_find(s, key, &hits, err);
	if (rc == PV_OK && hits.n == 0)
		sqlite_note_absent(s, key);
	for (size_t i = 0; rc == PV_OK && i < hits.n; i++) {
		rc = sqlite_device_number(store, hits.number[i], d, found, err);
		if (rc == PV_OK && !*found)
			rc = sqlite_corrupt(s, "a device's row is missing",
					    err);
		/* Two names of one key never happen: the row was edited. */
		if (rc == PV_OK && strcmp(d->s.device, id) != 0 &&
		    strcmp(d->s.request, id) != 0)
			rc = sqlite_corrupt(
				s, "a device's row has another name", err);
		*found = rc == PV_OK && is_it(d, by, id);
		if (*found)
			break;
	}
	return rc;
}

enum pv_code sqlite_first_find(struct store *store, const char *device,
			       struct store_device *d, bool *found,
			       struct err *err)
{
	return find_row(store, STORE_BY_DEVICE, device, d, found, err);
}

/* From a device's first credential to its current one. */
static enum pv_code go_to_current(struct store *store, struct store_device *d,
				  struct err *err)
{
	struct store_device first = *d;
	bool found;
	enum pv_code rc =
		sqlite_device_number(store, first.current, d, &found, err);

	if (rc == PV_OK && (!found || d->first != first.s.number ||
			    strcmp(d->s.device, first.s.device) != 0))
		return sqlite_corrupt(to_sqlite(store),
				      "a device's current credential", err);
	return rc;
}

enum pv_code sqlite_device_find(struct store *store, enum store_by by,
				const char *id, struct store_device *d,
				bool *found, struct err *err)
{
	VIEW v;
	enum pv_code rc = sqlite_view(to_sqlite(store), &v, err);

	*found = false;
	if (rc == PV_OK)
		rc = find_row(store, by, id, d, found, err);
	if (rc == PV_OK && *found && by == STORE_BY_DEVICE && d->current != 0)
		rc = go_to_current(store, d, err);
	return rc;
}

enum pv_code sqlite_device_each(struct store *store, uint32_t from,
				const struct store_visit *v, struct err *err)
{
	QUERY q = query_own(to_sqlite(store), SQL_DEVICE_EACH);

	query_u64(&q, from);
	for (;;) {
		struct store_device d;
		struct span cert;
		bool row;
		enum pv_code rc = query_row(&q, &row, err);

		if (rc != PV_OK || !row)
			return rc;
		rc = sqlite_device_row(&q, &d, err);
		if (rc == PV_OK && !col_span(&q, DEVICE_COLS, &cert))
			rc = sqlite_corrupt(q.s, "a certificate's row", err);
		if (rc == PV_OK)
			rc = v->fn.device(v->ctx, &d, cert, err);
		if (rc != PV_OK)
			return rc;
	}
}

static enum pv_code intents(struct sqlite_store *s, uint32_t from, uint32_t to,
			    const struct store_visit *v, size_t *n,
			    struct err *err)
{
	QUERY q = query_own(s, SQL_INTENT_EACH);

	query_u64(&q, from);
	query_u64(&q, to);
	for (*n = 0;; ++*n) {
		struct store_device d;
		struct store_intent i = { .seq = 0 };
		bool row;
		enum pv_code rc = query_row(&q, &row, err);

		if (rc != PV_OK || !row)
			return rc;
		rc = sqlite_device_row(&q, &d, err);
		if (rc == PV_OK && (!col_span(&q, DEVICE_COLS, &i.tbs) ||
				    !col_span(&q, DEVICE_COLS + 1, &i.secrets)))
			rc = sqlite_corrupt(s, "an intent's row", err);
		i.s = d.s;
		i.seq = d.seq;
		i.intent_index = d.intent_index;
		if (rc == PV_OK)
			rc = v->fn.intent(v->ctx, &i, err);
		if (rc != PV_OK)
			return rc;
	}
}

enum pv_code sqlite_intent_each(struct store *store,
				const struct store_visit *v, struct err *err)
{
	size_t n;

	return intents(to_sqlite(store), 0, UINT32_MAX, v, &n, err);
}

enum pv_code sqlite_intent_get(struct store *store, uint32_t number,
			       const struct store_visit *v, struct err *err)
{
	size_t n;
	enum pv_code rc = intents(to_sqlite(store), number, number, v, &n, err);

	if (rc != PV_OK || n > 0)
		return rc;
	return err_fail(err, PV_NOT_FOUND, "store.intent", NULL,
			"there is no open intent of that number");
}

enum pv_code sqlite_bundle_row(struct query *q, struct store_bundle *b,
			       struct err *err)
{
	bool escrow = false, evidence = false;

	memset(b, 0, sizeof(*b));
	if (col_u32(q, 0, &b->number) && col_u64(q, 1, &b->seal_index) &&
	    col_u64(q, 2, &b->seq) &&
	    col_text(q, 3, b->stage, sizeof(b->stage)) &&
	    col_bytes(q, 4, b->id, STORE_UUID) &&
	    col_bytes(q, 5, b->bh, STORE_HASH) &&
	    col_bytes(q, 6, b->payload_sha256, STORE_HASH) &&
	    col_bytes(q, 7, b->template_sha256, STORE_HASH) &&
	    col_u64(q, 8, &b->offset) && col_u64(q, 9, &b->len) &&
	    col_u64(q, 10, &b->escrow_offset) &&
	    col_u64(q, 11, &b->escrow_len) &&
	    col_bytes(q, 12, b->container_sha256, STORE_HASH) &&
	    col_hash(q, 13, b->escrow_sha256, &escrow) &&
	    col_hash(q, 14, b->evidence, &evidence) &&
	    col_u64(q, 15, &b->released_ms) &&
	    escrow == (b->escrow_len > 0) && evidence == (b->released_ms > 0))
		return PV_OK;
	return sqlite_corrupt(q->s, "a bundle's row", err);
}

enum pv_code sqlite_bundle_each(struct store *store, uint32_t number,
				const struct store_visit *v, struct err *err)
{
	QUERY q = query_own(to_sqlite(store), SQL_BUNDLE_EACH);

	query_u64(&q, number);
	for (;;) {
		struct store_bundle b;
		bool row;
		enum pv_code rc = query_row(&q, &row, err);

		if (rc != PV_OK || !row)
			return rc;
		rc = sqlite_bundle_row(&q, &b, err);
		if (rc == PV_OK)
			rc = v->fn.bundle(v->ctx, &b, err);
		if (rc != PV_OK)
			return rc;
	}
}

/* The bundle with that id among those of one device. */
static enum pv_code pick_bundle(struct sqlite_store *s, uint32_t number,
				const uint8_t id[STORE_UUID],
				struct store_bundle *b, bool *found,
				struct err *err)
{
	QUERY q = query_own(s, SQL_BUNDLE_EACH);
	enum pv_code rc = PV_OK;
	bool row = true;

	query_u64(&q, number);
	for (*found = false; rc == PV_OK && row && !*found;) {
		rc = query_row(&q, &row, err);
		if (rc == PV_OK && row)
			rc = sqlite_bundle_row(&q, b, err);
		*found = rc == PV_OK && row &&
			 memcmp(b->id, id, STORE_UUID) == 0;
	}
	return rc;
}

enum pv_code sqlite_bundle_find(struct store *store,
				const uint8_t id[STORE_UUID],
				struct store_bundle *b, bool *found,
				struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	struct span value = { id, STORE_UUID };
	struct found hits;
	uint64_t key;
	VIEW v;
	enum pv_code rc = sqlite_view(s, &v, err);

	*found = false;
	if (rc == PV_OK)
		rc = sqlite_key(s, KEY_BUNDLE, value, &key, err);
	if (rc == PV_OK)
		rc = sqlite_find(s, key, &hits, err);
	for (size_t i = 0; rc == PV_OK && !*found && i < hits.n; i++)
		rc = pick_bundle(s, hits.number[i], id, b, found, err);
	return rc;
}
