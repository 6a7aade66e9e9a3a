/* CAs, their generations, and the certificates between these: few rows. */
#include <string.h>

#include "lib/store/sqlite_lifecycle.h"
#include "lib/store/sqlite_ops.h"

static enum pv_code ca_row(struct query *q, struct store_ca *ca,
			   struct err *err)
{
	memset(ca, 0, sizeof(*ca));
	if (col_text(q, 0, ca->name, sizeof(ca->name)) &&
	    col_text(q, 1, ca->parent, sizeof(ca->parent)) &&
	    col_text(q, 2, ca->label, sizeof(ca->label)) &&
	    col_bytes(q, 3, ca->spki_sha256, STORE_HASH) &&
	    col_u32(q, 4, &ca->shards) && col_u32(q, 5, &ca->generation) &&
	    ca->generation > 0 && col_u64(q, 6, &ca->active_ms) &&
	    col_span(q, 7, &ca->cert) &&
	    col_bytes(q, 8, ca->template_sha256, STORE_HASH) &&
	    col_u64(q, 9, &ca->intent_index) &&
	    col_u64(q, 10, &ca->issue_index) &&
	    col_index(q, 11, &ca->active_index))
		return PV_OK;
	return sqlite_corrupt(q->s, "a CA's row", err);
}

enum pv_code sqlite_ca_each(struct store *store, const char *name,
			    const struct store_visit *v, struct err *err)
{
	QUERY q = query_own(to_sqlite(store), SQL_CA_EACH);
	bool found = !name;

	for (;;) {
		struct store_ca ca;
		bool row;
		enum pv_code rc = query_row(&q, &row, err);

		if (rc == PV_OK && row)
			rc = ca_row(&q, &ca, err);
		if (rc != PV_OK)
			return rc;
		if (!row)
			break;
		if (name && strcmp(name, ca.name) != 0)
			continue;
		found = true;
		rc = v->fn.ca(v->ctx, &ca, err);
		if (rc != PV_OK)
			return rc;
	}
	if (found)
		return PV_OK;
	return err_fail(err, PV_NOT_FOUND, "store.ca",
			"provctl status lists the CAs",
			"there is no CA of that name");
}

struct same_ca { /* a row to compare with */
	const struct store_ca *want;
	bool there;
	uint32_t newest; /* generation of that name */
};

static enum pv_code same_ca(void *ctx, const struct store_ca *ca,
			    struct err *err)
{
	struct same_ca *m = ctx;
	const struct store_ca *w = m->want;

	if (strcmp(ca->name, w->name) != 0)
		return PV_OK;
	if (ca->generation > m->newest)
		m->newest = ca->generation;
	if (ca->generation != w->generation)
		return PV_OK;
	m->there = strcmp(ca->parent, w->parent) == 0 &&
		   strcmp(ca->label, w->label) == 0 &&
		   memcmp(ca->spki_sha256, w->spki_sha256, STORE_HASH) == 0 &&
		   memcmp(ca->template_sha256, w->template_sha256,
			  STORE_HASH) == 0 &&
		   ca->shards == w->shards && ca->active_ms == w->active_ms &&
		   ca->intent_index == w->intent_index &&
		   ca->issue_index == w->issue_index &&
		   span_equal(ca->cert, w->cert);
	if (m->there)
		return PV_OK;
	return err_fail(err, PV_CONFLICT, "store.ca",
			"give the CA another name",
			"there is another CA named %s", w->name);
}

enum pv_code sqlite_ca_put(struct store *store, const struct store_ca *ca,
			   struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	struct same_ca m = { ca, false, 0 };
	const struct store_visit v = { &m, { .ca = same_ca } };
	enum pv_code rc = sqlite_writing(s, err);

	if (rc != PV_OK)
		return rc;
	if (!ca->name[0] || ca->shards == 0 || !ca->cert.len ||
	    ca->generation == 0 || ca->active_ms > INT64_MAX ||
	    ca->intent_index > INT64_MAX || ca->issue_index > INT64_MAX)
		return err_fail(err, PV_INPUT, "store.ca", NULL,
				"a CA needs name, certificate, shards, "
				"generation and its entries");
	rc = sqlite_ca_each(store, NULL, &v, err);
	if (rc != PV_OK || m.there)
		return rc;
	if (ca->generation != m.newest + 1)
		return err_fail(err, PV_CONFLICT, "store.ca", NULL,
				"generation %u of CA %s does not follow %u",
				ca->generation, ca->name, m.newest);
	rc = sqlite_key_own(s, ca->spki_sha256, err);
	if (rc != PV_OK)
		return rc;
	QUERY q = query_start(s, SQL_CA_PUT);
	query_str(&q, ca->name);
	query_str(&q, ca->parent);
	query_str(&q, ca->label);
	query_blob(&q, ca->spki_sha256, STORE_HASH);
	query_u64(&q, ca->shards);
	query_u64(&q, ca->generation);
	query_u64(&q, ca->active_ms);
	query_blob(&q, ca->cert.p, ca->cert.len);
	query_blob(&q, ca->template_sha256, STORE_HASH);
	query_u64(&q, ca->intent_index);
	query_u64(&q, ca->issue_index);
	return query_run(&q, err);
}

enum pv_code sqlite_ca_move(struct store *store, const char *name,
			    uint32_t generation, uint64_t active_ms,
			    uint64_t index, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	enum pv_code rc = sqlite_writing(s, err);

	if (rc != PV_OK)
		return rc;
	QUERY q = query_start(s, SQL_CA_MOVE);
	query_u64(&q, active_ms);
	query_u64(&q, index);
	query_str(&q, name);
	query_u64(&q, generation);
	rc = query_run(&q, err);
	if (rc == PV_OK && sqlite3_changes(s->db) != 1)
		rc = err_fail(err, PV_NOT_FOUND, "store.ca", NULL,
			      "there is no such generation of the CA");
	return rc;
}

/* ---- by generation ---- */

enum pv_code sqlite_ca_id(struct sqlite_store *s, const char *name,
			  uint32_t generation, uint64_t *id, uint32_t *shards,
			  struct err *err)
{
	QUERY q = query_start(s, SQL_CA_ID);
	bool row;
	enum pv_code rc;

	query_str(&q, name);
	query_u64(&q, generation);
	rc = query_row(&q, &row, err);
	if (rc != PV_OK)
		return rc;
	if (!row)
		return err_fail(err, PV_NOT_FOUND, "store.ca",
				"provctl status lists the CAs",
				"there is no generation %u of CA %s",
				generation, name);
	if (!col_u64(&q, 0, id) || !col_u32(&q, 1, shards))
		return sqlite_corrupt(s, "a CA's row", err);
	return PV_OK;
}

static enum pv_code crosscert_row(struct query *q, struct store_crosscert *x,
				  struct err *err)
{
	memset(x, 0, sizeof(*x));
	if (col_text(q, 0, x->ca, sizeof(x->ca)) &&
	    col_u32(q, 1, &x->subject) && col_u32(q, 2, &x->signer) &&
	    col_u64(q, 3, &x->issue_index) && col_span(q, 4, &x->cert))
		return PV_OK;
	return sqlite_corrupt(q->s, "the row of a cross-certificate", err);
}

enum pv_code sqlite_crosscert_each(struct store *store, const char *ca,
				   const struct store_visit *v, struct err *err)
{
	QUERY q = query_own(to_sqlite(store), SQL_CROSSCERT_EACH);

	for (;;) {
		struct store_crosscert x;
		bool row;
		enum pv_code rc = query_row(&q, &row, err);

		if (rc != PV_OK || !row)
			return rc;
		rc = crosscert_row(&q, &x, err);
		if (rc == PV_OK && (!ca || strcmp(ca, x.ca) == 0))
			rc = v->fn.crosscert(v->ctx, &x, err);
		if (rc != PV_OK)
			return rc;
	}
}

struct same_crosscert {
	const struct store_crosscert *want;
	bool there;
};

static enum pv_code same_crosscert(void *ctx, const struct store_crosscert *x,
				   struct err *err)
{
	struct same_crosscert *m = ctx;
	const struct store_crosscert *w = m->want;

	if (x->signer != w->signer || x->subject != w->subject)
		return PV_OK;
	m->there = x->issue_index == w->issue_index &&
		   span_equal(x->cert, w->cert);
	if (m->there)
		return PV_OK;
	return err_fail(err, PV_CONFLICT, "store.crosscert", NULL,
			"CA %s has another certificate of generation %u by %u",
			w->ca, w->subject, w->signer);
}

enum pv_code sqlite_crosscert_put(struct store *store,
				  const struct store_crosscert *x,
				  struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	struct same_crosscert m = { x, false };
	const struct store_visit v = { &m, { .crosscert = same_crosscert } };
	uint32_t shards;
	uint64_t id;
	enum pv_code rc = sqlite_writing(s, err);

	if (rc == PV_OK && (x->cert.len == 0 || x->signer == x->subject ||
			    x->issue_index > INT64_MAX))
		rc = err_fail(err, PV_INPUT, "store.crosscert", NULL,
			      "a cross-certificate needs bytes, its entry and "
			      "two generations");
	if (rc == PV_OK)
		rc = sqlite_ca_id(s, x->ca, x->signer, &id, &shards, err);
	if (rc == PV_OK)
		rc = sqlite_ca_id(s, x->ca, x->subject, &id, &shards, err);
	if (rc == PV_OK)
		rc = sqlite_crosscert_each(store, x->ca, &v, err);
	if (rc != PV_OK || m.there)
		return rc;
	QUERY q = query_start(s, SQL_CROSSCERT_PUT);
	query_str(&q, x->ca);
	query_u64(&q, x->subject);
	query_u64(&q, x->signer);
	query_u64(&q, x->issue_index);
	query_blob(&q, x->cert.p, x->cert.len);
	return query_run(&q, err);
}
