/* What devices attest with: keys, by device, of which one is in force. */
#include "lib/store/sqlite_attest.h"

#include <string.h>

#define FORMATS 3u /* lib/evidence/evidence.h */

static bool has_hash(const uint8_t hash[STORE_HASH])
{
	static const uint8_t none[STORE_HASH];

	return memcmp(hash, none, sizeof(none)) != 0;
}

static void put_hash(struct query *q, const uint8_t hash[STORE_HASH])
{
	query_blob(q, hash, has_hash(hash) ? STORE_HASH : 0);
}

/* ---- reading ---- */

static bool col_optional(struct query *q, int column, uint8_t *out, size_t len,
			 size_t *got)
{
	struct span v;

	if (!col_span(q, column, &v) || (v.len != 0 && v.len != len))
		return false;
	if (v.len > 0)
		memcpy(out, v.p, len);
	*got = v.len;
	return true;
}

static enum pv_code attkey_row(struct query *q, struct store_attkey *k,
			       struct err *err)
{
	uint64_t state = 0;
	uint32_t mac = 0;
	size_t ek, secret;

	memset(k, 0, sizeof(*k));
	if (!col_text(q, 0, k->device, sizeof(k->device)) || !k->device[0] ||
	    !col_u64(q, 1, &k->log_index) || !col_u64(q, 2, &state) ||
	    state > ATTKEY_REPLACED || !col_u32(q, 3, &k->format) ||
	    k->format >= FORMATS || !col_u32(q, 4, &mac) || mac > 1 ||
	    !col_bytes(q, 5, k->key_sha256, STORE_HASH) ||
	    !col_span(q, 6, &k->key) || (k->key.len == 0 && !mac) ||
	    !col_optional(q, 7, k->instance, STORE_UEID, &k->instance_len) ||
	    !col_optional(q, 8, k->ek_sha256, STORE_HASH, &ek) ||
	    !col_optional(q, 9, k->secret_sha256, STORE_HASH, &secret) ||
	    (state == ATTKEY_PENDING) != (secret > 0))
		return sqlite_corrupt(q->s, "the row of an attestation key",
				      err);
	k->state = (enum store_attkey_state)state;
	k->mac = mac == 1;
	return PV_OK;
}

enum pv_code sqlite_attkey_get(struct store *store, const char *device,
			       enum store_attkey_state state,
			       struct store_attkey *k, struct buf *key,
			       bool *found, struct err *err)
{
	QUERY q = query_start(to_sqlite(store), SQL_ATTKEY_GET);
	size_t at = key->len;
	enum pv_code rc;

	query_str(&q, device);
	query_u64(&q, state);
	rc = query_row(&q, found, err);
	if (rc == PV_OK && *found)
		rc = attkey_row(&q, k, err);
	if (rc != PV_OK || !*found)
		return rc;
	buf_put(key, k->key.p, k->key.len);
	rc = buf_check(key, err);
	k->key = (struct span){ rc == PV_OK ? key->data + at : NULL,
				rc == PV_OK ? k->key.len : 0 };
	return rc;
}

enum pv_code sqlite_attkey_each(struct store *store,
				const struct store_visit *v, struct err *err)
{
	QUERY q = query_own(to_sqlite(store), SQL_ATTKEY_EACH);

	for (;;) {
		struct store_attkey k;
		bool row;
		enum pv_code rc = query_row(&q, &row, err);

		if (rc != PV_OK || !row)
			return rc;
		rc = attkey_row(&q, &k, err);
		if (rc == PV_OK)
			rc = v->fn.attkey(v->ctx, &k, err);
		if (rc != PV_OK)
			return rc;
	}
}

static enum pv_code owner_by(struct sqlite_store *s, enum sql_id id,
			     struct span value, char device[STORE_ID_MAX + 1],
			     struct err *err)
{
	QUERY q = query_start(s, id);
	bool row;
	enum pv_code rc;

	device[0] = '\0';
	query_blob(&q, value.p, value.len);
	rc = query_row(&q, &row, err);
	if (rc == PV_OK && row && !col_text(&q, 0, device, STORE_ID_MAX + 1))
		return sqlite_corrupt(s, "the row of an attestation key", err);
	return rc;
}

/* What is k's own device's so far may be another's by something else. */
static enum pv_code owner_too(struct sqlite_store *s, enum sql_id id,
			      struct span value, const struct store_attkey *k,
			      char device[STORE_ID_MAX + 1], struct err *err)
{
	char other[STORE_ID_MAX + 1];
	enum pv_code rc;

	if (value.len == 0 || (device[0] && strcmp(device, k->device) != 0))
		return PV_OK;
	rc = owner_by(s, id, value, other, err);
	if (rc == PV_OK && other[0])
		memcpy(device, other, sizeof(other));
	return rc;
}

enum pv_code sqlite_attkey_owner(struct store *store,
				 const struct store_attkey *k,
				 char device[STORE_ID_MAX + 1], struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	struct span key = { k->key_sha256, STORE_HASH };
	struct span instance = { k->instance, k->instance_len };
	struct span ek = { k->ek_sha256,
			   has_hash(k->ek_sha256) ? STORE_HASH : 0 };
	enum pv_code rc = owner_by(s, SQL_ATTKEY_OWNER, key, device, err);

	if (rc == PV_OK)
		rc = owner_too(s, SQL_ATTKEY_INSTANCE, instance, k, device,
			       err);
	return rc == PV_OK ? owner_too(s, SQL_ATTKEY_EK, ek, k, device, err)
			   : rc;
}

/* ---- writing ---- */

static enum pv_code check_row(const struct store_attkey *k, struct err *err)
{
	bool pending = k->state == ATTKEY_PENDING;

	if (k->device[0] && k->state != ATTKEY_REPLACED && k->key.len > 0 &&
	    k->format < FORMATS && has_hash(k->key_sha256) &&
	    (k->instance_len == 0 || k->instance_len == STORE_UEID) &&
	    has_hash(k->secret_sha256) == pending)
		return PV_OK;
	return err_fail(err, PV_INPUT, "store.attkey", NULL,
			"the row of the attestation key lacks a value");
}

static enum pv_code drop_pending(struct sqlite_store *s, const char *device,
				 struct err *err)
{
	QUERY q = query_start(s, SQL_ATTKEY_DROP);

	query_str(&q, device);
	query_u64(&q, ATTKEY_PENDING);
	return query_run(&q, err);
}

static enum pv_code replace_enrolled(struct sqlite_store *s, const char *device,
				     struct err *err)
{
	QUERY q = query_start(s, SQL_ATTKEY_STATE);

	query_u64(&q, ATTKEY_REPLACED);
	query_str(&q, device);
	query_u64(&q, ATTKEY_ENROLLED);
	return query_run(&q, err);
}

/* The one in force may be put again, for what came of the device since. */
static enum pv_code check_free(struct sqlite_store *s,
			       const struct store_attkey *k, struct err *err)
{
	struct span key = { k->key_sha256, STORE_HASH };
	char owner[STORE_ID_MAX + 1];
	bool gone = false;
	enum pv_code rc = owner_by(s, SQL_ATTKEY_GONE, key, owner, err);

	if (rc == PV_OK && owner[0])
		gone = true;
	if (rc == PV_OK && !gone)
		rc = sqlite_attkey_owner(&s->base, k, owner, err);
	if (rc == PV_OK &&
	    (gone || (owner[0] && strcmp(owner, k->device) != 0)))
		return err_fail(err, PV_CONFLICT, "store.attkey", NULL,
				"the attestation key is or was that of %s",
				owner);
	return rc;
}

enum pv_code sqlite_attkey_put(struct store *store,
			       const struct store_attkey *k, struct span entry,
			       struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	uint64_t index;
	enum pv_code rc = sqlite_writing(s, err);

	if (rc == PV_OK)
		rc = check_row(k, err);
	if (rc == PV_OK)
		rc = check_free(s, k, err);
	if (rc == PV_OK)
		rc = sqlite_not_governed(entry, err);
	if (rc == PV_OK)
		rc = sqlite_log_add(s, entry, &index, err);
	if (rc != PV_OK)
		return rc;
	rc = drop_pending(s, k->device, err);
	if (rc == PV_OK && k->state == ATTKEY_ENROLLED)
		rc = replace_enrolled(s, k->device, err);
	if (rc != PV_OK) {
		s->doomed = true;
		return rc;
	}
	QUERY q = query_start(s, SQL_ATTKEY_PUT);
	query_str(&q, k->device);
	query_u64(&q, index);
	query_u64(&q, k->state);
	query_u64(&q, k->format);
	query_u64(&q, k->mac);
	query_blob(&q, k->key_sha256, STORE_HASH);
	query_blob(&q, k->key.p, k->key.len);
	query_blob(&q, k->instance, k->instance_len);
	put_hash(&q, k->ek_sha256);
	put_hash(&q, k->secret_sha256);
	return sqlite_put_row(&q, err);
}
