/* The result of an intent, or its quarantine. */
#include <string.h>

#include "lib/store/sqlite_lifecycle.h"
#include "lib/store/sqlite_ops.h"

static bool inside(const struct sqlite_store *s, uint64_t offset, uint64_t len)
{
	return offset <= s->sealed.len && len <= s->sealed.len - offset;
}

static bool bundle_ok(const struct sqlite_store *s,
		      const struct store_bundle *b)
{
	return b->stage[0] && b->seq > 0 && b->seq <= INT64_MAX && b->len > 0 &&
	       inside(s, b->offset, b->len) &&
	       inside(s, b->escrow_offset, b->escrow_len) &&
	       sqlite_is_entry(b->entry);
}

static bool differ(const struct store_bundle *a, const struct store_bundle *b)
{
	return memcmp(a->id, b->id, STORE_UUID) != 0 &&
	       (a->seq != b->seq || strcmp(a->stage, b->stage) != 0);
}

static enum pv_code not_open(uint32_t number, struct err *err)
{
	return err_fail(err, PV_CONFLICT, "store.completed", NULL,
			"number %u has no open intent", number);
}

static enum pv_code bad_result(const char *what, struct err *err)
{
	return err_fail(err, PV_INPUT, "store.result", NULL, "the result %s",
			what);
}

static bool values_ok(const struct sqlite_store *s,
		      const struct store_result *r)
{
	bool ok = r->bundles_n <= STORE_STAGES_MAX &&
		  (r->cert.len > 0 ? sqlite_is_entry(r->entry)
				   : r->entry.len == 0);

	for (size_t i = 0; ok && i < r->bundles_n; i++) {
		const struct store_bundle *b = &r->bundles[i];

		ok = bundle_ok(s, b);
		for (size_t k = 0; ok && k < i; k++)
			ok = differ(b, &r->bundles[k]);
	}
	return ok;
}

/* What a result is refused for: that nothing is open comes first. */
static enum pv_code refuse(struct sqlite_store *s, uint32_t number,
			   const char *what, struct err *err)
{
	QUERY q = query_start(s, SQL_INTENT_OPEN);
	bool row;
	enum pv_code rc;

	query_u64(&q, number);
	rc = query_row(&q, &row, err);
	if (rc != PV_OK)
		return rc;
	return row ? bad_result(what, err) : not_open(number, err);
}

static enum pv_code check_bundle(struct sqlite_store *s, uint32_t number,
				 const struct store_bundle *b,
				 int64_t *template, struct err *err)
{
	const struct template_ref *ref;
	struct store_bundle other;
	bool found;
	enum pv_code rc = sqlite_template(s, b->template_sha256, &ref, err);

	if (rc == PV_OK)
		rc = sqlite_bundle_find(&s->base, b->id, &other, &found, err);
	if (rc == PV_OK && found)
		return refuse(s, number, "has the bundle of another device",
			      err);
	if (rc == PV_OK)
		*template = ref->id;
	return rc;
}

/* Everything that can be refused is refused before the first write. */
static enum pv_code check_result(struct sqlite_store *s,
				 const struct store_result *r,
				 int64_t templates[STORE_STAGES_MAX],
				 struct err *err)
{
	enum pv_code rc = PV_OK;

	if (!values_ok(s, r))
		return bad_result("lacks a value or has one out of range", err);
	for (size_t i = 0; rc == PV_OK && i < r->bundles_n; i++)
		rc = check_bundle(s, r->number, &r->bundles[i], &templates[i],
				  err);
	return rc;
}

/* Deletes TBS and sealed secrets, if they are there and a certificate comes
 * exactly where a TBS was intended. Nothing was written before. */
static enum pv_code drop_intent(struct sqlite_store *s,
				const struct store_result *r, struct err *err)
{
	QUERY q = query_start(s, SQL_INTENT_DROP);
	enum pv_code rc;

	query_u64(&q, r->number);
	query_u64(&q, r->cert.len > 0);
	rc = query_run(&q, err);
	if (rc != PV_OK || sqlite3_changes(s->db) == 1)
		return rc;
	return refuse(s, r->number,
		      "has a certificate that was not intended, or has none",
		      err);
}

static enum pv_code put_cert(struct sqlite_store *s,
			     const struct store_result *r, struct err *err)
{
	uint64_t index;
	enum pv_code rc = sqlite_log_add(s, r->entry, &index, err);

	if (rc != PV_OK)
		return rc;
	QUERY q = query_start(s, SQL_CERT_PUT);
	query_u64(&q, r->number);
	query_u64(&q, index);
	query_blob(&q, r->cert.p, r->cert.len);
	return query_run(&q, err);
}

static enum pv_code put_bundle(struct sqlite_store *s, uint32_t number,
			       const struct store_bundle *b, int64_t template,
			       struct err *err)
{
	struct span id = { b->id, STORE_UUID };
	uint64_t index;
	uint64_t key;
	enum pv_code rc = sqlite_log_add(s, b->entry, &index, err);

	if (rc == PV_OK)
		rc = sqlite_key(s, KEY_BUNDLE, id, &key, err);
	if (rc == PV_OK)
		rc = sqlite_key_add(s, key, number, err);
	if (rc != PV_OK)
		return rc;
	QUERY q = query_start(s, SQL_BUNDLE_PUT);
	query_u64(&q, number);
	query_u64(&q, index);
	query_u64(&q, b->seq);
	query_str(&q, b->stage);
	query_blob(&q, b->id, STORE_UUID);
	query_blob(&q, b->bh, STORE_HASH);
	query_blob(&q, b->payload_sha256, STORE_HASH);
	query_u64(&q, (uint64_t) template);
	query_u64(&q, b->offset);
	query_u64(&q, b->len);
	query_u64(&q, b->escrow_offset);
	query_u64(&q, b->escrow_len);
	query_blob(&q, b->container_sha256, STORE_HASH);
	query_blob(&q, b->escrow_sha256, b->escrow_len > 0 ? STORE_HASH : 0);
	query_blob(&q, b->evidence, b->released_ms > 0 ? STORE_HASH : 0);
	if (b->released_ms > 0)
		query_u64(&q, b->released_ms);
	else
		query_blob(&q, NULL, 0);
	return query_run(&q, err);
}

enum pv_code sqlite_complete(struct store *store, const struct store_result *r,
			     struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	int64_t templates[STORE_STAGES_MAX];
	enum pv_code rc = sqlite_writing(s, err);

	if (rc == PV_OK)
		rc = check_result(s, r, templates, err);
	if (rc == PV_OK)
		rc = drop_intent(s, r, err);
	if (rc != PV_OK)
		return rc;
	if (r->cert.len > 0)
		rc = put_cert(s, r, err);
	for (size_t i = 0; rc == PV_OK && i < r->bundles_n; i++)
		rc = put_bundle(s, r->number, &r->bundles[i], templates[i],
				err);
	if (rc != PV_OK)
		s->doomed = true;
	return rc;
}

static enum pv_code check_added(struct sqlite_store *s, uint32_t number,
				const struct store_result *r, struct err *err)
{
	struct store_device d;
	bool found;
	enum pv_code rc =
		sqlite_device_number(&s->base, number, &d, &found, err);

	if (rc != PV_OK)
		return rc;
	if (!found)
		return err_fail(err, PV_NOT_FOUND, "store.device", NULL,
				"there is no credential of number %u", number);
	if (d.state != STORE_ISSUED)
		return err_fail(err, PV_CONFLICT, "store.open", NULL,
				"the credential of %s takes no bundles",
				d.s.device);
	if (!values_ok(s, r) || r->bundles_n == 0)
		return bad_result("lacks a value or has one out of range", err);
	for (size_t i = 0; i < r->bundles_n; i++)
		if (r->bundles[i].seq <= d.seq)
			return err_fail(err, PV_CONFLICT, "store.seq",
					"run it again",
					"device %s has a bundle of that number",
					d.s.device);
	return PV_OK;
}

enum pv_code sqlite_bundles_add(struct store *store, uint32_t number,
				const struct store_bundle *bundles, size_t n,
				struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	const struct store_result r = { .number = number,
					.bundles = bundles,
					.bundles_n = n };
	int64_t templates[STORE_STAGES_MAX];
	enum pv_code rc = sqlite_writing(s, err);

	if (rc == PV_OK)
		rc = check_added(s, number, &r, err);
	if (rc == PV_OK)
		rc = check_result(s, &r, templates, err);
	if (rc != PV_OK)
		return rc;
	for (size_t i = 0; rc == PV_OK && i < n; i++)
		rc = put_bundle(s, number, &bundles[i], templates[i], err);
	if (rc != PV_OK)
		s->doomed = true;
	return rc;
}

/* What could be signed goes, so that an edited state makes nothing of it. */
static enum pv_code empty_intent(struct sqlite_store *s, uint32_t number,
				 struct err *err)
{
	QUERY q = query_start(s, SQL_INTENT_EMPTY);

	query_u64(&q, number);
	return query_run(&q, err);
}

enum pv_code sqlite_quarantine(struct store *store, uint32_t number,
			       struct span entry, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	enum pv_code rc = sqlite_writing(s, err);

	if (rc != PV_OK)
		return rc;
	QUERY q = query_start(s, SQL_INTENT_HOLD);
	query_u64(&q, STORE_QUARANTINED);
	query_u64(&q, number);
	rc = query_run(&q, err);
	if (rc == PV_OK && sqlite3_changes(s->db) != 1)
		return not_open(number, err);
	if (rc == PV_OK)
		rc = empty_intent(s, number, err);
	if (rc == PV_OK)
		rc = sqlite_log_add(s, entry, NULL, err);
	if (rc != PV_OK)
		s->doomed = true;
	return rc;
}
