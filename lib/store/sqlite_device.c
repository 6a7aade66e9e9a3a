/* Reserving and completing a device: the two durable steps of its issue. */
#include <string.h>

#include "lib/log/entry.h"
#include "lib/store/sqlite_lifecycle.h"
#include "lib/store/sqlite_ops.h"

enum pv_code sqlite_serial_lend(struct store *store, uint32_t n,
				uint32_t *first, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	enum pv_code rc = sqlite_writing(s, err);

	if (rc != PV_OK)
		return rc;
	if (n == 0 || n > STORE_LEND_MAX)
		return err_fail(err, PV_INPUT, "store.serial", NULL,
				"1 to %u numbers are lent at once",
				STORE_LEND_MAX);
	if (n > STORE_SERIAL_LAST - s->state.serial_next + 1)
		return err_fail(err, PV_STORAGE, "store.exhausted",
				"start a new authority",
				"the serial numbers of this store are used up");
	*first = s->state.serial_next;
	s->state.serial_next += n;
	return PV_OK;
}

enum pv_code sqlite_owner(struct sqlite_store *s, uint32_t number,
			  struct owner_row *o, struct err *err)
{
	QUERY q = query_start(s, SQL_DEVICE_KEYS);
	struct span spki;
	struct span seal;
	bool row;
	enum pv_code rc;

	memset(o, 0, sizeof(*o));
	query_u64(&q, number);
	rc = query_row(&q, &row, err);
	if (rc != PV_OK)
		return rc;
	if (!row || !col_text(&q, 0, o->device, sizeof(o->device)) ||
	    !col_text(&q, 1, o->request, sizeof(o->request)) ||
	    !col_span(&q, 2, &spki) || !col_span(&q, 3, &seal) ||
	    (spki.len != 0 && spki.len != STORE_HASH) ||
	    (seal.len != 0 && seal.len != STORE_HASH))
		return sqlite_corrupt(s, "a device's row", err);
	o->renewal = sqlite3_column_type(q.st, 4) != SQLITE_NULL;
	if (spki.len > 0)
		memcpy(o->spki, spki.p, STORE_HASH);
	if (seal.len > 0)
		memcpy(o->seal, seal.p, STORE_HASH);
	return PV_OK;
}

/* Our own keys and CAs. */
static enum pv_code own_spki(struct sqlite_store *s,
			     const uint8_t sha256[STORE_HASH],
			     struct store_owner *owner, struct err *err)
{
	QUERY q = query_start(s, SQL_OWN_SPKI);
	bool row;
	enum pv_code rc;

	query_blob(&q, sha256, STORE_HASH);
	rc = query_row(&q, &row, err);
	if (rc != PV_OK || !row)
		return rc;
	owner->kind = STORE_OWNER_AUTHORITY;
	if (!col_text(&q, 0, owner->name, sizeof(owner->name)))
		return sqlite_corrupt(s, "the row of a key", err);
	return PV_OK;
}

/* As sqlite_spki_owner(); *key is that of the lookup. */
static enum pv_code find_owner(struct sqlite_store *s,
			       const uint8_t sha256[STORE_HASH], uint64_t *key,
			       struct store_owner *owner, struct err *err)
{
	struct span value = { sha256, STORE_HASH };
	struct owner_row o;
	struct found hits = { .n = 0 };
	enum pv_code rc = sqlite_key(s, KEY_SPKI, value, key, err);

	memset(owner, 0, sizeof(*owner));
	if (rc != PV_OK || sqlite_is_absent(s, *key))
		return rc;
	rc = sqlite_find(s, *key, &hits, err);
	for (size_t i = 0; rc == PV_OK && i < hits.n; i++) {
		if (hits.number[i] == SQLITE_OWN) {
			rc = own_spki(s, sha256, owner, err);
			if (rc == PV_OK && owner->kind == STORE_OWNER_NONE)
				rc = sqlite_corrupt(
					s, "a key of ours is another", err);
			return rc;
		}
		rc = sqlite_owner(s, hits.number[i], &o, err);
		/* Two hashes of one key never happen: the row was edited. */
		if (rc == PV_OK && memcmp(o.spki, sha256, STORE_HASH) != 0 &&
		    memcmp(o.seal, sha256, STORE_HASH) != 0)
			rc = sqlite_corrupt(s, "a device's row has another key",
					    err);
		if (rc != PV_OK)
			return rc;
		owner->kind = STORE_OWNER_DEVICE;
		owner->number = hits.number[i];
		memcpy(owner->name, o.device, sizeof(o.device));
		return PV_OK;
	}
	if (rc == PV_OK)
		sqlite_note_absent(s, *key);
	return rc;
}

enum pv_code sqlite_spki_owner(struct store *store,
			       const uint8_t sha256[STORE_HASH],
			       struct store_owner *owner, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	uint64_t key;
	VIEW v;
	enum pv_code rc = sqlite_view(s, &v, err);

	return rc == PV_OK ? find_owner(s, sha256, &key, owner, err) : rc;
}

static enum pv_code check_values(const struct store_intent *i, uint64_t *now_ms,
				 struct err *err)
{
	const struct store_subject *b = &i->s;

	if (b->device[0] && (b->request[0] || b->replaces) && b->role[0] &&
	    (b->why == STORE_NEW) == (b->replaces == 0) &&
	    b->why <= STORE_ROTATE && i->seq > 0 && i->seq <= INT64_MAX &&
	    b->created_ms <= INT64_MAX && b->serial_len >= STORE_SERIAL_MIN &&
	    b->serial_len <= STORE_SERIAL_MAX &&
	    log_entry_time(i->entry, now_ms))
		return PV_OK;
	return err_fail(err, PV_INPUT, "store.intent", NULL,
			"the intent lacks a value or has one out of range");
}

static enum pv_code check_number(const struct sqlite_store *s,
				 const struct store_subject *b, struct err *err)
{
	const uint8_t *p = b->serial;
	uint32_t head = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
			(uint32_t)p[2] << 8 | p[3];

	if (b->number == head && b->number >= STORE_SERIAL_FIRST &&
	    b->number < s->state.serial_next)
		return PV_OK;
	return err_fail(
		err, PV_CONFLICT, "store.serial", "run the command again",
		"number %u was not lent, or its serial has another", b->number);
}

static enum pv_code check_hits(struct sqlite_store *s,
			       const struct store_subject *b,
			       const struct found *hits, struct err *err)
{
	for (size_t i = 0; i < hits->n; i++) {
		struct owner_row o;
		enum pv_code rc = sqlite_owner(s, hits->number[i], &o, err);

		if (rc != PV_OK)
			return rc;
		if (b->replaces == 0 && strcmp(o.device, b->device) == 0)
			return err_fail(err, PV_CONFLICT, "store.device", NULL,
					"device %s is there already",
					b->device);
		if (strcmp(o.request[0] || o.renewal ? o.request : o.device,
			   b->request) == 0)
			return err_fail(err, PV_CONFLICT, "store.request", NULL,
					"request id %s was used for %s",
					b->request, o.device);
	}
	return PV_OK;
}

/* Keys of the lookup that a device's row brings. */
struct new_keys {
	uint64_t key[4];
	size_t n;
};

static enum pv_code check_name(struct sqlite_store *s,
			       const struct store_subject *b, const char *name,
			       struct new_keys *nk, struct err *err)
{
	struct span value = { (const uint8_t *)name, strlen(name) };
	struct found hits;
	uint64_t *key = &nk->key[nk->n++];
	enum pv_code rc = sqlite_key(s, KEY_NAME, value, key, err);

	if (rc != PV_OK || sqlite_is_absent(s, *key))
		return rc;
	rc = sqlite_find(s, *key, &hits, err);
	return rc == PV_OK ? check_hits(s, b, &hits, err) : rc;
}

/* A device keeps its own keys. */
static enum pv_code check_spki(struct sqlite_store *s,
			       const struct store_subject *b,
			       const uint8_t *sha256, struct new_keys *nk,
			       struct err *err)
{
	struct store_owner owner;
	enum pv_code rc = find_owner(s, sha256, &nk->key[nk->n], &owner, err);

	if (rc == PV_OK && b->replaces != 0 &&
	    owner.kind == STORE_OWNER_DEVICE &&
	    strcmp(owner.name, b->device) == 0)
		return PV_OK;
	nk->n++;
	if (rc == PV_OK && owner.kind != STORE_OWNER_NONE)
		return err_fail(err, PV_CONFLICT, "store.key",
				"make a new key on the device",
				"the public key belongs to %s already",
				owner.name);
	return rc;
}

static enum pv_code check_unique(struct sqlite_store *s,
				 const struct store_subject *b,
				 struct new_keys *nk, struct err *err)
{
	enum pv_code rc = PV_OK;

	if (b->replaces == 0)
		rc = check_name(s, b, b->device, nk, err);
	if (rc == PV_OK && b->request[0] && strcmp(b->request, b->device) != 0)
		rc = check_name(s, b, b->request, nk, err);
	if (rc == PV_OK && b->has_spki)
		rc = check_spki(s, b, b->spki_sha256, nk, err);
	if (rc == PV_OK && b->has_seal &&
	    !(b->has_spki &&
	      memcmp(b->spki_sha256, b->seal_sha256, STORE_HASH) == 0))
		rc = check_spki(s, b, b->seal_sha256, nk, err);
	return rc;
}

/* 0 is NULL: nothing that most rows would have to hold. */
static void query_some(struct query *q, uint64_t v)
{
	if (v)
		query_u64(q, v);
	else
		query_blob(q, NULL, 0);
}

static enum pv_code put_device(struct sqlite_store *s,
			       const struct store_subject *b, int64_t template,
			       uint64_t now_ms, uint32_t first, struct err *err)
{
	QUERY q = query_start(s, SQL_DEVICE_PUT);
	bool same = strcmp(b->device, b->request) == 0;
	bool taken;
	enum pv_code rc;

	query_u64(&q, b->number);
	query_str(&q, b->device);
	query_str(&q, same ? NULL : b->request);
	query_u64(&q, (uint64_t) template);
	query_str(&q, b->order);
	query_str(&q, b->role);
	query_str(&q, b->station);
	query_blob(&q, b->body_sha256, STORE_HASH);
	query_blob(&q, b->has_spki ? b->spki_sha256 : NULL, STORE_HASH);
	query_blob(&q, b->has_seal ? b->seal_sha256 : NULL, STORE_HASH);
	query_blob(&q, b->serial, b->serial_len);
	query_u64(&q, b->created_ms);
	query_u64(&q, now_ms);
	query_u64(&q, s->state.tree.size);
	query_some(&q, b->why);
	query_some(&q, b->replaces);
	query_some(&q, first);
	query_some(&q, b->ca_generation > 1 ? b->ca_generation : 0);
	rc = query_insert(&q, &taken, err);
	if (rc == PV_OK && taken)
		return err_fail(err, PV_CONFLICT, "store.serial",
				"run the command again",
				"number %u is used already", b->number);
	return rc;
}

static enum pv_code put_intent(struct sqlite_store *s,
			       const struct store_intent *i, struct err *err)
{
	QUERY q = query_start(s, SQL_INTENT_PUT);

	query_u64(&q, i->s.number);
	query_u64(&q, i->seq);
	query_blob(&q, i->tbs.p, i->tbs.len);
	query_blob(&q, i->secrets.p, i->secrets.len);
	return query_run(&q, err);
}

enum pv_code sqlite_reserve(struct store *store, const struct store_intent *i,
			    uint64_t *index, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	const struct template_ref *ref;
	struct new_keys nk = { .n = 0 };
	uint64_t now_ms, at; /* of its entry */
	uint32_t renews = 0; /* first credential of its device; 0: it is */
	enum pv_code rc = sqlite_writing(s, err);

	if (rc == PV_OK)
		rc = check_values(i, &now_ms, err);
	if (rc == PV_OK)
		rc = check_number(s, &i->s, err);
	if (rc == PV_OK)
		rc = sqlite_template(s, i->s.template_sha256, &ref, err);
	if (rc == PV_OK && i->s.replaces != 0)
		rc = sqlite_renewal_check(s, &i->s, &renews, err);
	if (rc == PV_OK)
		rc = check_unique(s, &i->s, &nk, err);
	if (rc == PV_OK)
		rc = put_device(s, &i->s, ref->id, now_ms, renews, err);
	if (rc != PV_OK)
		return rc;
	rc = put_intent(s, i, err);
	if (rc == PV_OK && i->kept.len > 0)
		rc = sqlite_kept_put(s, i->s.number, i->kept, err);
	if (rc == PV_OK)
		rc = sqlite_log_add(s, i->entry, &at, err);
	if (rc == PV_OK && renews != 0)
		rc = sqlite_renewal_put(s, &i->s, renews, at, err);
	for (size_t k = 0; rc == PV_OK && k < nk.n; k++)
		rc = sqlite_key_add(s, nk.key[k], i->s.number, err);
	if (rc == PV_OK)
		rc = sqlite_tally(s, ref->name, &i->s, err);
	if (rc == PV_OK && index)
		*index = at;
	s->state.devices++;
	if (rc != PV_OK)
		s->doomed = true;
	return rc;
}
