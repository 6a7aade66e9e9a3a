#include "lib/store/sqlite_impl.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

/*
 * First 8 bytes of SHA-256(salt || kind || value). The salt is the store's
 * own, so that nobody outside can make values whose keys collide.
 */
enum pv_code sqlite_key(struct sqlite_store *s, enum key_kind kind,
			struct span value, uint64_t *key, struct err *err)
{
	uint8_t head[SQLITE_SALT_LEN + 1];
	uint8_t hash[LOG_HASH];
	struct span prefix = { head, sizeof(head) };
	struct key_memo *m = &s->memo[kind];
	enum pv_code rc;

	if (m->len > 0 && m->len == value.len &&
	    memcmp(m->value, value.p, value.len) == 0) {
		*key = m->key;
		return PV_OK;
	}
	memcpy(head, s->salt, SQLITE_SALT_LEN);
	head[SQLITE_SALT_LEN] = (uint8_t)kind;
	rc = log_hash_raw(&s->hasher, prefix, value, hash, err);
	if (rc != PV_OK)
		return rc;
	*key = 0;
	for (unsigned i = 0; i < 8; i++)
		*key = *key << 8 | hash[i];
	m->len = value.len <= sizeof(m->value) ? value.len : 0;
	m->key = *key;
	if (m->len > 0)
		memcpy(m->value, value.p, m->len);
	return PV_OK;
}

/* Adds the keys of every row past id. */
static enum pv_code load_rows(struct sqlite_store *s, uint64_t id,
			      struct err *err)
{
	QUERY q = query_start(s, SQL_RECENT_EACH);

	query_u64(&q, id);
	for (;;) {
		struct span packed;
		bool row;
		enum pv_code rc = query_row(&q, &row, err);

		if (rc != PV_OK)
			return rc;
		if (!row)
			break;
		if (!col_u64(&q, 0, &id) || !col_span(&q, 1, &packed))
			return sqlite_corrupt(s, "a row of recent keys", err);
		rc = keys_unpack(&s->keys, packed, err);
		if (rc != PV_OK)
			return rc;
	}
	if (id != s->state.recent_last)
		return sqlite_corrupt(s, "rows of recent keys are missing",
				      err);
	return PV_OK;
}

/* Brings the keys in memory up to the rows that this transaction sees. */
enum pv_code sqlite_keys_load(struct sqlite_store *s, struct err *err)
{
	struct keys *k = &s->keys;
	enum pv_code rc;

	if (k->loaded && k->last == s->state.recent_last)
		return PV_OK;
	rc = load_rows(s, k->loaded ? k->last : s->state.recent_first - 1, err);
	if (rc != PV_OK) {
		/* A part of them would look like all of them. */
		keys_clear(k);
		return rc;
	}
	k->loaded = true;
	k->first = s->state.recent_first;
	k->last = s->state.recent_last;
	return PV_OK;
}

enum pv_code sqlite_find(struct sqlite_store *s, uint64_t key,
			 struct found *out, struct err *err)
{
	QUERY q = query_start(s, SQL_LOOKUP_GET);
	enum pv_code rc = sqlite_keys_load(s, err);
	bool row = true;

	out->n = 0;
	if (rc != PV_OK)
		return rc;
	out->n = keys_find(&s->keys, key, out->number, FIND_MAX);
	query_u64(&q, key);
	while (row && out->n < FIND_MAX) {
		rc = query_row(&q, &row, err);
		if (rc != PV_OK)
			return rc;
		if (row && !col_u32(&q, 0, &out->number[out->n++]))
			return sqlite_corrupt(s, "a lookup row", err);
	}
	if (out->n < FIND_MAX)
		return PV_OK;
	return sqlite_corrupt(s, "too many rows have one key", err);
}

bool sqlite_is_absent(const struct sqlite_store *s, uint64_t key)
{
	return key != 0 && s->absent[key % SQLITE_ABSENT] == key;
}

void sqlite_note_absent(struct sqlite_store *s, uint64_t key)
{
	if (s->txn == TXN_WRITE)
		s->absent[key % SQLITE_ABSENT] = key;
}

enum pv_code sqlite_key_add(struct sqlite_store *s, uint64_t key,
			    uint32_t number, struct err *err)
{
	struct buf *added = &s->keys.added;
	enum pv_code rc = sqlite_keys_load(s, err);

	if (rc != PV_OK)
		return rc;
	if (sqlite_is_absent(s, key))
		s->absent[key % SQLITE_ABSENT] = 0;
	buf_put_be64(added, key);
	buf_put_be32(added, number);
	rc = buf_check(added, err);
	if (rc == PV_OK)
		rc = keys_add(&s->keys, key, number, err);
	if (rc != PV_OK)
		s->doomed = true;
	return rc;
}

enum pv_code sqlite_key_own(struct sqlite_store *s,
			    const uint8_t sha256[STORE_HASH], struct err *err)
{
	struct span value = { sha256, STORE_HASH };
	struct found hits = { .n = 0 };
	uint64_t key;
	enum pv_code rc = sqlite_key(s, KEY_SPKI, value, &key, err);

	if (rc == PV_OK)
		rc = sqlite_find(s, key, &hits, err);
	for (size_t i = 0; rc == PV_OK && i < hits.n; i++)
		if (hits.number[i] == SQLITE_OWN)
			return PV_OK;
	return rc == PV_OK ? sqlite_key_add(s, key, SQLITE_OWN, err) : rc;
}

enum pv_code sqlite_keys_merge(struct sqlite_store *s, struct err *err)
{
	CLEANUP(mem_cleanup) struct key_slot *all = NULL;
	enum pv_code rc = sqlite_keys_load(s, err);

	if (rc == PV_OK)
		rc = keys_sorted(&s->keys, &all, err);
	for (size_t i = 0; rc == PV_OK && i < s->keys.n; i++) {
		QUERY q = query_start(s, SQL_LOOKUP_PUT);

		query_u64(&q, all[i].key);
		query_u64(&q, all[i].number);
		rc = query_run(&q, err);
	}
	if (rc == PV_OK) {
		QUERY q = query_start(s, SQL_RECENT_DROP);

		query_u64(&q, s->state.recent_last);
		rc = query_run(&q, err);
	}
	if (rc != PV_OK)
		return rc;
	keys_clear(&s->keys);
	s->state.recent_first = s->state.recent_last + 1;
	s->keys.loaded = true;
	s->keys.first = s->state.recent_first;
	s->keys.last = s->state.recent_last;
	return PV_OK;
}

enum pv_code sqlite_keys_flush(struct sqlite_store *s, struct err *err)
{
	struct sqlite_state *st = &s->state;
	const struct buf *added = &s->keys.added;
	uint64_t rows = st->recent_last + 1 - st->recent_first;

	if (added->len == 0)
		return PV_OK;
	if (s->keys.n >= KEYS_MAX || rows >= SQLITE_RECENT_MAX)
		return sqlite_keys_merge(s, err);
	QUERY q = query_start(s, SQL_RECENT_PUT);
	query_u64(&q, st->recent_last + 1);
	query_blob(&q, added->data, added->len);
	enum pv_code rc = query_run(&q, err);
	if (rc != PV_OK)
		return rc;
	st->recent_last++;
	s->keys.last = st->recent_last;
	return PV_OK;
}
