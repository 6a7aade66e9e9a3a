/* Authority, keys of our own and data keys: few rows, read in whole. */
#include <string.h>

#include "lib/store/sqlite_ops.h"

static const struct span nothing = { NULL, 0 };

enum pv_code sqlite_meta(struct store *store, struct store_meta *meta,
			 struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	QUERY q = query_start(s, SQL_META_GET);
	bool row;
	enum pv_code rc = query_row(&q, &row, err);

	if (rc != PV_OK)
		return rc;
	if (!row || !col_text(&q, 0, meta->name, sizeof(meta->name)) ||
	    !col_text(&q, 1, meta->origin, sizeof(meta->origin)) ||
	    !col_u64(&q, 2, &meta->created_ms) ||
	    !col_bytes(&q, 3, s->salt, sizeof(s->salt)))
		return sqlite_corrupt(s, "whose it is is not to be read", err);
	return PV_OK;
}

struct same { /* a row to compare with: is it there? */
	const void *want;
	bool there;
};

static enum pv_code key_row(struct query *q, struct store_key *key,
			    struct err *err)
{
	uint32_t generated;

	memset(key, 0, sizeof(*key));
	if (col_text(q, 0, key->purpose, sizeof(key->purpose)) &&
	    col_text(q, 1, key->label, sizeof(key->label)) &&
	    col_u32(q, 2, &key->generation) && col_u32(q, 3, &key->kind) &&
	    col_bytes(q, 4, key->id, STORE_UUID) &&
	    col_span(q, 5, &key->spki) &&
	    col_bytes(q, 6, key->attrs_sha256, STORE_HASH) &&
	    col_u32(q, 7, &generated) && generated <= 1 &&
	    col_u64(q, 8, &key->log_index) &&
	    col_index(q, 9, &key->rotate_index) &&
	    col_index(q, 10, &key->restore_index) &&
	    col_index(q, 11, &key->destroy_index)) {
		key->generated = generated == 1;
		return PV_OK;
	}
	return sqlite_corrupt(q->s, "the row of a key", err);
}

enum pv_code sqlite_key_each(struct store *store, const struct store_visit *v,
			     struct err *err)
{
	QUERY q = query_own(to_sqlite(store), SQL_KEY_EACH);

	for (;;) {
		struct store_key key;
		bool row;
		enum pv_code rc = query_row(&q, &row, err);

		if (rc != PV_OK || !row)
			return rc;
		rc = key_row(&q, &key, err);
		if (rc == PV_OK)
			rc = v->fn.key(v->ctx, &key, err);
		if (rc != PV_OK)
			return rc;
	}
}

static enum pv_code same_key(void *ctx, const struct store_key *key,
			     struct err *err)
{
	struct same *m = ctx;
	const struct store_key *w = m->want;

	if (strcmp(key->label, w->label) != 0)
		return PV_OK;
	m->there =
		strcmp(key->purpose, w->purpose) == 0 &&
		key->generation == w->generation && key->kind == w->kind &&
		memcmp(key->id, w->id, STORE_UUID) == 0 &&
		span_equal(key->spki, w->spki) &&
		memcmp(key->attrs_sha256, w->attrs_sha256, STORE_HASH) == 0 &&
		key->generated == w->generated;
	if (m->there)
		return PV_OK;
	return err_fail(err, PV_CONFLICT, "store.label",
			"use the next generation",
			"there is another key labelled %s", w->label);
}

enum pv_code sqlite_key_put(struct store *store, const struct store_key *key,
			    struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	struct same m = { key, false };
	const struct store_visit v = { &m, { .key = same_key } };
	uint8_t hash[LOG_HASH];
	enum pv_code rc = sqlite_writing(s, err);

	if (rc != PV_OK)
		return rc;
	if (!key->purpose[0] || !key->label[0])
		return err_fail(err, PV_INPUT, "store.label", NULL,
				"a key needs purpose and label");
	rc = sqlite_key_each(store, &v, err);
	if (rc != PV_OK || m.there)
		return rc;
	rc = log_hash_raw(&s->hasher, key->spki, nothing, hash, err);
	if (rc == PV_OK && key->spki.len > 0)
		rc = sqlite_key_own(s, hash, err);
	if (rc != PV_OK)
		return rc;
	QUERY q = query_start(s, SQL_KEY_PUT);
	query_str(&q, key->purpose);
	query_str(&q, key->label);
	query_u64(&q, key->generation);
	query_u64(&q, key->kind);
	query_blob(&q, key->id, STORE_UUID);
	query_blob(&q, key->spki.p, key->spki.len);
	query_blob(&q, hash, key->spki.len > 0 ? LOG_HASH : 0);
	query_blob(&q, key->attrs_sha256, STORE_HASH);
	query_u64(&q, key->generated);
	query_u64(&q, key->log_index);
	return query_run(&q, err);
}

/* That statement sets an index of one key. */
static enum pv_code set_index(struct store *store, enum sql_id sql,
			      const char *label, uint64_t index,
			      const char *why, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	enum pv_code rc = sqlite_writing(s, err);

	if (rc != PV_OK)
		return rc;
	QUERY q = query_start(s, sql);
	query_u64(&q, index);
	query_str(&q, label);
	rc = query_run(&q, err);
	if (rc == PV_OK && sqlite3_changes(s->db) != 1)
		rc = err_fail(err, PV_CONFLICT, "store.label", NULL,
			      "no key labelled %s %s", label, why);
	return rc;
}

enum pv_code sqlite_key_rotate(struct store *store, const char *label,
			       uint64_t index, struct err *err)
{
	return set_index(store, SQL_KEY_ROTATE, label, index,
			 "waits for its use", err);
}

enum pv_code sqlite_key_restore(struct store *store, const char *label,
				uint64_t index, struct err *err)
{
	return set_index(store, SQL_KEY_RESTORE, label, index, "is there", err);
}

enum pv_code sqlite_key_destroy(struct store *store, const char *label,
				uint64_t index, struct err *err)
{
	return set_index(store, SQL_KEY_DESTROY, label, index,
			 "waits for its end", err);
}

/* Appends a column's bytes when they fit. */
static enum pv_code append(struct query *q, int column, struct buf *out,
			   struct err *err)
{
	struct span bytes;

	if (!col_span(q, column, &bytes))
		return sqlite_corrupt(q->s, "a row of bytes", err);
	buf_put(out, bytes.p, bytes.len);
	return buf_check(out, err);
}

enum pv_code sqlite_datakey_get(struct store *store,
				const uint8_t id[STORE_UUID],
				struct buf *sealed, bool *found,
				struct err *err)
{
	QUERY q = query_start(to_sqlite(store), SQL_DATAKEY_GET);
	enum pv_code rc;

	query_blob(&q, id, STORE_UUID);
	rc = query_row(&q, found, err);
	return rc == PV_OK && *found ? append(&q, 0, sealed, err) : rc;
}

enum pv_code sqlite_datakey_count(struct store *store,
				  const uint8_t by[STORE_UUID], uint64_t *n,
				  struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	QUERY q = query_start(s, SQL_DATAKEY_COUNT);
	bool row;
	enum pv_code rc;

	query_blob(&q, by, STORE_UUID);
	rc = query_row(&q, &row, err);
	if (rc == PV_OK && (!row || !col_u64(&q, 0, n)))
		return sqlite_corrupt(s, "data keys cannot be counted", err);
	return rc;
}

enum pv_code sqlite_datakey_put(struct store *store,
				const uint8_t id[STORE_UUID],
				struct span sealed, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	CLEANUP(buf_release) struct buf old;
	bool found;
	enum pv_code rc = sqlite_writing(s, err);

	buf_init(&old, SIZE_MAX / 2);
	if (rc != PV_OK)
		return rc;
	if (sealed.len == 0)
		return err_fail(err, PV_INPUT, "store.datakey", NULL,
				"a data key is empty");
	rc = sqlite_datakey_get(store, id, &old, &found, err);
	if (rc != PV_OK || (found && span_equal(buf_span(&old), sealed)))
		return rc;
	if (found)
		return err_fail(err, PV_CONFLICT, "store.datakey", NULL,
				"there is another data key of that id");
	QUERY q = query_start(s, SQL_DATAKEY_PUT);
	query_blob(&q, id, STORE_UUID);
	query_blob(&q, sealed.p, sealed.len);
	return query_run(&q, err);
}

enum pv_code sqlite_cert_get(struct store *store, uint32_t number,
			     struct buf *der, struct err *err)
{
	QUERY q = query_start(to_sqlite(store), SQL_CERT_GET);
	bool row;
	enum pv_code rc;

	query_u64(&q, number);
	rc = query_row(&q, &row, err);
	if (rc == PV_OK && !row)
		return err_fail(err, PV_NOT_FOUND, "store.cert", NULL,
				"the device has no certificate");
	return rc == PV_OK ? append(&q, 0, der, err) : rc;
}
