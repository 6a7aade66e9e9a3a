/* Adopted templates and their manifests. */
#include <string.h>

#include "lib/store/sqlite_ops.h"

static enum pv_code template_row(struct query *q, struct store_template *t,
				 struct err *err)
{
	memset(t, 0, sizeof(*t));
	if (col_text(q, 0, t->name, sizeof(t->name)) &&
	    col_u64(q, 1, &t->version) &&
	    col_bytes(q, 2, t->sha256, STORE_HASH) &&
	    col_u64(q, 3, &t->adopted_ms) &&
	    col_text(q, 4, t->actor, sizeof(t->actor)) &&
	    col_span(q, 5, &t->bytes) && col_u64(q, 6, &t->adopt_index) &&
	    col_span(q, 7, &t->escrow) && col_span(q, 8, &t->trust))
		return PV_OK;
	return sqlite_corrupt(q->s, "a template's row", err);
}

static enum pv_code no_template(struct err *err)
{
	return err_fail(err, PV_NOT_FOUND, "store.template",
			"adopt it: provctl policy adopt FILE",
			"that template is not adopted");
}

/* *any gets whether there were rows. */
static enum pv_code visit(struct query *q, const struct store_visit *v,
			  bool *any, struct err *err)
{
	for (*any = false;; *any = true) {
		struct store_template t;
		bool row;
		enum pv_code rc = query_row(q, &row, err);

		if (rc != PV_OK || !row)
			return rc;
		rc = template_row(q, &t, err);
		if (rc == PV_OK)
			rc = v->fn.template(v->ctx, &t, err);
		if (rc != PV_OK)
			return rc;
	}
}

enum pv_code sqlite_template_each(struct store *store, const char *name,
				  const uint8_t *sha256,
				  const struct store_visit *v, struct err *err)
{
	enum sql_id id = name	  ? SQL_TEMPLATE_CURRENT
			 : sha256 ? SQL_TEMPLATE_DIGEST
				  : SQL_TEMPLATE_EACH;
	QUERY q = query_own(to_sqlite(store), id);
	bool any;
	enum pv_code rc;

	if (name)
		query_str(&q, name);
	else if (sha256)
		query_blob(&q, sha256, STORE_HASH);
	rc = visit(&q, v, &any, err);
	if (rc == PV_OK && !any && id != SQL_TEMPLATE_EACH)
		return no_template(err);
	return rc;
}

enum pv_code sqlite_template_open(struct store *store, const char *name,
				  const struct store_visit *v, struct err *err)
{
	QUERY q = query_own(to_sqlite(store), SQL_TEMPLATE_OPEN);
	bool any;

	query_str(&q, name);
	return visit(&q, v, &any, err);
}

enum pv_code sqlite_template(struct sqlite_store *s,
			     const uint8_t sha256[STORE_HASH],
			     const struct template_ref **ref, struct err *err)
{
	struct template_ref *r;
	uint64_t id;
	bool row;
	enum pv_code rc;

	for (unsigned i = 0; i < SQLITE_TEMPLATE_REFS; i++) {
		*ref = &s->refs[i];
		if ((*ref)->id != 0 &&
		    memcmp((*ref)->sha256, sha256, STORE_HASH) == 0)
			return PV_OK;
	}
	QUERY q = query_start(s, SQL_TEMPLATE_ID);
	query_blob(&q, sha256, STORE_HASH);
	rc = query_row(&q, &row, err);
	if (rc == PV_OK && !row)
		return no_template(err);
	if (rc != PV_OK)
		return rc;
	r = &s->refs[s->refs_next++ % SQLITE_TEMPLATE_REFS];
	r->id = 0;
	if (!col_u64(&q, 0, &id) || !col_text(&q, 1, r->name, sizeof(r->name)))
		return sqlite_corrupt(s, "a template's row", err);
	memcpy(r->sha256, sha256, STORE_HASH);
	r->id = (int64_t)id;
	*ref = r;
	return PV_OK;
}

/* PV_CONFLICT unless t's version is above every adopted one of its name. */
static enum pv_code check_version(struct sqlite_store *s,
				  const struct store_template *t,
				  struct err *err)
{
	QUERY q = query_start(s, SQL_TEMPLATE_TOP);
	uint64_t top;
	bool row;
	enum pv_code rc;

	query_str(&q, t->name);
	rc = query_row(&q, &row, err);
	if (rc != PV_OK)
		return rc;
	if (!row || !col_u64(&q, 0, &top))
		return sqlite_corrupt(s, "a template's row", err);
	if (t->version > top)
		return PV_OK;
	return err_fail(err, PV_CONFLICT, "store.template",
			"raise the version in the file",
			"version %llu of %s is adopted, with other bytes or "
			"above this one (%llu)",
			(unsigned long long)top, t->name,
			(unsigned long long)t->version);
}

static enum pv_code is_adopted(struct query *q, const struct store_template *t,
			       bool *adopted, struct err *err)
{
	char name[STORE_ID_MAX + 1];
	enum pv_code rc;

	query_blob(q, t->sha256, STORE_HASH);
	rc = query_row(q, adopted, err);
	if (rc != PV_OK || !*adopted)
		return rc;
	if (!col_text(q, 1, name, sizeof(name)) || strcmp(name, t->name) != 0)
		return sqlite_corrupt(q->s, "a template's row", err);
	return PV_OK;
}

enum pv_code sqlite_template_put(struct store *store,
				 const struct store_template *t, bool *existing,
				 struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	QUERY known = query_start(s, SQL_TEMPLATE_ID);
	enum pv_code rc = sqlite_writing(s, err);

	if (rc != PV_OK)
		return rc;
	if (!t->name[0] || !t->actor[0] || t->version == 0 ||
	    t->version > INT64_MAX || t->adopt_index > INT64_MAX ||
	    t->bytes.len == 0)
		return err_fail(err, PV_INPUT, "store.template", NULL,
				"a template needs name, version, bytes and its "
				"entry");
	rc = is_adopted(&known, t, existing, err);
	if (rc == PV_OK && !*existing)
		rc = check_version(s, t, err);
	if (rc != PV_OK || *existing)
		return rc;
	QUERY q = query_start(s, SQL_TEMPLATE_PUT);
	query_str(&q, t->name);
	query_u64(&q, t->version);
	query_blob(&q, t->sha256, STORE_HASH);
	query_u64(&q, t->adopted_ms);
	query_str(&q, t->actor);
	query_blob(&q, t->bytes.p, t->bytes.len);
	query_u64(&q, t->adopt_index);
	query_blob(&q, t->escrow.p, t->escrow.len);
	query_blob(&q, t->trust.p, t->trust.len);
	return query_run(&q, err);
}

enum pv_code sqlite_manifest_get(struct store *store,
				 const uint8_t sha256[STORE_HASH],
				 const char *stage, uint64_t *sequence,
				 struct buf *bytes, bool *found,
				 struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	QUERY q = query_start(s, SQL_MANIFEST_GET);
	struct span got;
	enum pv_code rc;

	query_blob(&q, sha256, STORE_HASH);
	query_str(&q, stage);
	rc = query_row(&q, found, err);
	if (rc != PV_OK || !*found)
		return rc;
	if (!col_u64(&q, 0, sequence) || !col_span(&q, 1, &got))
		return sqlite_corrupt(s, "a manifest's row", err);
	buf_put(bytes, got.p, got.len);
	return buf_check(bytes, err);
}

enum pv_code sqlite_manifest_put(struct store *store,
				 const uint8_t sha256[STORE_HASH],
				 const char *stage, uint64_t sequence,
				 struct span bytes, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	CLEANUP(buf_release) struct buf old;
	const struct template_ref *ref;
	uint64_t there;
	bool found;
	enum pv_code rc = sqlite_writing(s, err);

	buf_init(&old, SIZE_MAX / 2);
	if (rc == PV_OK)
		rc = sqlite_template(s, sha256, &ref, err);
	if (rc == PV_OK && (!stage[0] || bytes.len == 0))
		rc = err_fail(err, PV_INPUT, "store.manifest", NULL,
			      "a manifest needs stage and bytes");
	if (rc == PV_OK)
		rc = sqlite_manifest_get(store, sha256, stage, &there, &old,
					 &found, err);
	if (rc != PV_OK)
		return rc;
	if (found && there == sequence && span_equal(buf_span(&old), bytes))
		return PV_OK;
	if (found)
		return err_fail(err, PV_CONFLICT, "store.manifest", NULL,
				"stage %s has another manifest", stage);
	QUERY q = query_start(s, SQL_MANIFEST_PUT);
	query_u64(&q, (uint64_t)ref->id);
	query_str(&q, stage);
	query_u64(&q, sequence);
	query_blob(&q, bytes.p, bytes.len);
	return query_run(&q, err);
}

enum pv_code sqlite_manifest_replace(struct store *store,
				     const uint8_t sha256[STORE_HASH],
				     const char *stage, uint64_t sequence,
				     struct span bytes, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	CLEANUP(buf_release) struct buf old;
	const struct template_ref *ref;
	uint64_t there;
	bool found;
	enum pv_code rc = sqlite_writing(s, err);

	buf_init(&old, SIZE_MAX / 2);
	if (rc == PV_OK)
		rc = sqlite_template(s, sha256, &ref, err);
	if (rc == PV_OK)
		rc = sqlite_manifest_get(store, sha256, stage, &there, &old,
					 &found, err);
	if (rc != PV_OK)
		return rc;
	if (!found || there != sequence || bytes.len == 0)
		return err_fail(err, PV_NOT_FOUND, "store.manifest", NULL,
				"stage %s has no such manifest", stage);
	QUERY q = query_start(s, SQL_MANIFEST_REPLACE);
	query_blob(&q, bytes.p, bytes.len);
	query_u64(&q, (uint64_t)ref->id);
	query_str(&q, stage);
	query_u64(&q, sequence);
	return query_run(&q, err);
}
