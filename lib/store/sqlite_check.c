/* The backend against itself: what only a damaged or edited file breaks. */
#include <string.h>

#include "lib/store/sqlite_lifecycle.h"
#include "lib/store/sqlite_ops.h"

static enum pv_code pages(struct sqlite_store *s, struct err *err)
{
	QUERY q = query_once(s, "PRAGMA integrity_check(1)");
	QUERY f = query_once(s, "PRAGMA foreign_key_check");
	char text[256];
	bool row;
	enum pv_code rc = query_row(&q, &row, err);

	if (rc != PV_OK)
		return rc;
	if (!row || !col_text(&q, 0, text, sizeof(text)) ||
	    strcmp(text, "ok") != 0)
		return sqlite_corrupt(s, "its pages or indices do not agree",
				      err);
	rc = query_row(&f, &row, err);
	if (rc == PV_OK && row)
		return sqlite_corrupt(s, "a row names one that is not there",
				      err);
	return rc;
}

struct regrow { /* the tree, grown anew from the entries */
	struct sqlite_store *s;
	struct log_tree tree;
	uint64_t tiles;
};

static enum pv_code tile_there(void *ctx, unsigned level, uint64_t index,
			       const uint8_t hash[static LOG_HASH],
			       struct err *err)
{
	struct regrow *g = ctx;
	uint8_t kept[LOG_HASH];
	uint64_t place;
	bool row;
	enum pv_code rc;

	if (level == 0 || level % 8 != 0)
		return PV_OK;
	g->tiles++;
	QUERY q = query_own(g->s, SQL_TILE_EACH);
	query_u64(&q, level);
	query_u64(&q, index);
	rc = query_row(&q, &row, err);
	if (rc == PV_OK && (!row || !col_u64(&q, 0, &place) || place != index ||
			    !col_bytes(&q, 1, kept, LOG_HASH) ||
			    memcmp(kept, hash, LOG_HASH) != 0))
		return sqlite_corrupt(g->s, "a tile is not that of its entries",
				      err);
	return rc;
}

static enum pv_code regrow_entry(void *ctx, uint64_t index, struct span entry,
				 struct err *err)
{
	struct regrow *g = ctx;
	const struct log_tree_sink sink = { tile_there, g };
	uint8_t leaf[LOG_HASH];
	enum pv_code rc = log_hash_leaf(&g->s->hasher, entry, leaf, err);

	(void)index;
	return rc == PV_OK ? log_tree_append(&g->tree, &g->s->hasher, leaf,
					     &sink, err)
			   : rc;
}

/* Rows that a walk of the log would not meet. */
static enum pv_code no_more(struct sqlite_store *s, uint64_t tiles,
			    struct err *err)
{
	QUERY q = query_once(s, "SELECT (SELECT count(*) FROM tile), "
				"(SELECT coalesce(max(first), 0) FROM log)");
	uint64_t kept;
	uint64_t last;
	bool row;
	enum pv_code rc = query_row(&q, &row, err);

	if (rc == PV_OK &&
	    (!row || !col_u64(&q, 0, &kept) || kept != tiles ||
	     !col_u64(&q, 1, &last) || last > s->state.tree.size))
		return sqlite_corrupt(s, "the log has rows past its end", err);
	return rc;
}

static enum pv_code tree(struct sqlite_store *s, struct err *err)
{
	struct regrow g = { .s = s };
	const struct store_visit v = { &g, { .entry = regrow_entry } };
	uint8_t want[LOG_FRONTIER_MAX];
	uint8_t got[LOG_FRONTIER_MAX];
	size_t len = log_tree_put(&s->state.tree, want);
	enum pv_code rc = sqlite_log_each(&s->base, 0, UINT64_MAX, &v, err);

	if (rc != PV_OK)
		return rc;
	if (log_tree_put(&g.tree, got) != len || memcmp(want, got, len) != 0)
		return sqlite_corrupt(s, "the log's entries are not its tree's",
				      err);
	return no_more(s, g.tiles, err);
}

/* value must lead to number; *n counts the keys that should be there. */
static enum pv_code led(struct sqlite_store *s, enum key_kind kind,
			struct span value, uint32_t number, uint64_t *n,
			struct err *err)
{
	struct found hits;
	uint64_t key;
	enum pv_code rc;

	if (value.len == 0)
		return PV_OK;
	++*n;
	rc = sqlite_key(s, kind, value, &key, err);
	if (rc == PV_OK)
		rc = sqlite_find(s, key, &hits, err);
	for (size_t i = 0; rc == PV_OK && i < hits.n; i++)
		if (hits.number[i] == number)
			return PV_OK;
	return rc != PV_OK
		       ? rc
		       : sqlite_corrupt(s, "a row cannot be looked up", err);
}

static struct span text_span(struct query *q, int column)
{
	struct span s = { sqlite3_column_text(q->st, column),
			  (size_t)sqlite3_column_bytes(q->st, column) };

	return s;
}

/* Does the key lead to an earlier credential of the same device? */
static enum pv_code is_earlier(struct query *q, struct span sha256,
			       uint32_t number, bool *earlier, struct err *err)
{
	struct store_owner owner;
	char device[STORE_ID_MAX + 1];
	enum pv_code rc;

	*earlier = false;
	if (sha256.len != STORE_HASH || !col_text(q, 1, device, sizeof(device)))
		return sqlite_corrupt(q->s, "a device's row", err);
	rc = sqlite_spki_owner(&q->s->base, sha256.p, &owner, err);
	*earlier = rc == PV_OK && owner.kind == STORE_OWNER_DEVICE &&
		   owner.number != number && strcmp(owner.name, device) == 0;
	return rc;
}

/* A key that a device keeps is looked up once. */
static enum pv_code key_led(struct query *q, struct span sha256, bool renewal,
			    uint32_t number, uint64_t *n, struct err *err)
{
	bool earlier = false;
	enum pv_code rc = PV_OK;

	if (renewal && sha256.len > 0)
		rc = is_earlier(q, sha256, number, &earlier, err);
	if (rc != PV_OK || earlier)
		return rc;
	return led(q->s, KEY_SPKI, sha256, number, n, err);
}

static enum pv_code device_keys(struct query *q, uint32_t *last, uint64_t *n,
				struct err *err)
{
	struct span spki;
	struct span seal;
	bool renewal;
	enum pv_code rc;

	if (!col_u32(q, 0, last) || !col_span(q, 3, &spki) ||
	    !col_span(q, 4, &seal))
		return sqlite_corrupt(q->s, "a device's row", err);
	renewal = sqlite3_column_type(q->st, 5) != SQLITE_NULL;
	rc = renewal ? PV_OK
		     : led(q->s, KEY_NAME, text_span(q, 1), *last, n, err);
	if (rc == PV_OK)
		rc = led(q->s, KEY_NAME, text_span(q, 2), *last, n, err);
	if (rc == PV_OK)
		rc = key_led(q, spki, renewal, *last, n, err);
	if (rc == PV_OK && !span_equal(spki, seal))
		rc = key_led(q, seal, renewal, *last, n, err);
	return rc;
}

static enum pv_code devices(struct sqlite_store *s, uint64_t *n,
			    struct err *err)
{
	QUERY q = query_own(s, SQL_DEVICE_NAMES);
	uint32_t last = 0;

	for (uint64_t count = 0;; count++) {
		bool row;
		enum pv_code rc = query_row(&q, &row, err);

		if (rc == PV_OK && !row && count != s->state.devices)
			return sqlite_corrupt(s, "devices are missing", err);
		if (rc == PV_OK && last >= s->state.serial_next)
			return sqlite_corrupt(s, "a number was never lent",
					      err);
		if (rc == PV_OK && row)
			rc = device_keys(&q, &last, n, err);
		if (rc != PV_OK || !row)
			return rc;
	}
}

static enum pv_code bundles(struct sqlite_store *s, uint64_t *n,
			    struct err *err)
{
	QUERY q = query_own(s, SQL_BUNDLE_IDS);

	for (;;) {
		uint32_t number;
		struct span id;
		bool row;
		enum pv_code rc = query_row(&q, &row, err);

		if (rc != PV_OK || !row)
			return rc;
		if (!col_u32(&q, 0, &number) || !col_span(&q, 1, &id))
			return sqlite_corrupt(s, "a bundle's row", err);
		rc = led(s, KEY_BUNDLE, id, number, n, err);
		if (rc != PV_OK)
			return rc;
	}
}

static enum pv_code own_keys(struct sqlite_store *s, uint64_t *n,
			     struct err *err)
{
	QUERY q = query_own(s, SQL_OWN_SPKIS);

	for (;;) {
		struct span spki;
		bool row;
		enum pv_code rc = query_row(&q, &row, err);

		if (rc != PV_OK || !row)
			return rc;
		if (!col_span(&q, 0, &spki))
			return sqlite_corrupt(s, "the row of a key", err);
		rc = led(s, KEY_SPKI, spki, SQLITE_OWN, n, err);
		if (rc != PV_OK)
			return rc;
	}
}

static enum pv_code lookups(struct sqlite_store *s, struct err *err)
{
	uint64_t want = 0;
	uint64_t kept;
	bool row;
	enum pv_code rc = sqlite_keys_load(s, err);

	if (rc == PV_OK)
		rc = devices(s, &want, err);
	if (rc == PV_OK)
		rc = bundles(s, &want, err);
	if (rc == PV_OK)
		rc = own_keys(s, &want, err);
	if (rc != PV_OK)
		return rc;
	QUERY q = query_start(s, SQL_LOOKUP_COUNT);
	rc = query_row(&q, &row, err);
	if (rc == PV_OK &&
	    (!row || !col_u64(&q, 0, &kept) || kept + s->keys.n != want))
		return sqlite_corrupt(s, "there are lookups of no row", err);
	return rc;
}

/* The count that spares looking for what is held. */
static enum pv_code held(struct sqlite_store *s, struct err *err)
{
	QUERY q = query_once(s, "SELECT count(*) FROM held WHERE state = 0");
	uint64_t n;
	bool row;
	enum pv_code rc = query_row(&q, &row, err);

	if (rc == PV_OK && (!row || !col_u64(&q, 0, &n) || n != s->state.held))
		return sqlite_corrupt(s, "more or less is held than counted",
				      err);
	return rc;
}

enum pv_code sqlite_check(struct store *store, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	VIEW v;
	enum pv_code rc = sqlite_view(s, &v, err);

	if (rc == PV_OK)
		rc = pages(s, err);
	if (rc == PV_OK)
		rc = sqlite_sealed_check(s, err);
	if (rc == PV_OK)
		rc = tree(s, err);
	if (rc == PV_OK)
		rc = lookups(s, err);
	if (rc == PV_OK)
		rc = sqlite_recount(s, err);
	if (rc == PV_OK)
		rc = held(s, err);
	if (rc == PV_OK)
		rc = sqlite_chains_check(s, err);
	return rc;
}
