/* Rosters, and approvals that were used. */
#include <string.h>

#include "lib/log/govern.h"
#include "lib/store/sqlite_people.h"

/* ---- rosters ---- */

enum pv_code sqlite_roster_put(struct store *store, uint64_t version,
			       struct span bytes, struct span entry,
			       struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	uint64_t top = 0;
	uint64_t index;
	enum pv_code rc = sqlite_writing(s, err);

	if (rc == PV_OK && bytes.len == 0)
		rc = err_fail(err, PV_INPUT, "store.roster", NULL,
			      "a roster needs bytes");
	if (rc == PV_OK)
		rc = sqlite_top(s, SQL_ROSTER_TOP, NULL, &top, err);
	if (rc == PV_OK && version != top + 1)
		rc = err_fail(err, PV_CONFLICT, "store.roster",
			      "start from the roster in force",
			      "roster %llu does not follow %llu",
			      (unsigned long long)version,
			      (unsigned long long)top);
	if (rc == PV_OK)
		rc = sqlite_govern(s, LOG_ROSTER_CHANGE, LOG_ROSTER_NAME, entry,
				   &index, err);
	if (rc != PV_OK)
		return rc;
	QUERY q = query_start(s, SQL_ROSTER_PUT);
	query_u64(&q, version);
	query_u64(&q, index);
	query_blob(&q, bytes.p, bytes.len);
	return sqlite_put_row(&q, err);
}

enum pv_code sqlite_roster_get(struct store *store, uint64_t version,
			       struct store_roster *r, struct buf *bytes,
			       bool *found, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	struct span got;
	enum pv_code rc = PV_OK;
	VIEW v = { NULL };

	*found = false;
	memset(r, 0, sizeof(*r));
	if (version == 0) {
		rc = sqlite_view(s, &v, err);
		if (rc == PV_OK)
			rc = sqlite_top(s, SQL_ROSTER_TOP, NULL, &version, err);
	}
	if (rc != PV_OK)
		return rc;
	QUERY q = query_start(s, SQL_ROSTER_GET);
	query_u64(&q, version);
	rc = query_row(&q, found, err);
	if (rc != PV_OK || !*found)
		return rc;
	r->version = version;
	if (!col_u64(&q, 0, &r->index) || !col_span(&q, 1, &got) ||
	    got.len == 0)
		return sqlite_corrupt(s, "a roster's row", err);
	buf_put(bytes, got.p, got.len);
	return buf_check(bytes, err);
}

/* ---- approvals ---- */

static enum pv_code approval_row(struct query *q, struct store_approval *a,
				 struct err *err)
{
	if (col_bytes(q, 0, a->nonce, STORE_NONCE) &&
	    col_u64(q, 1, &a->index) && col_span(q, 2, &a->note) &&
	    a->note.len > 0)
		return PV_OK;
	return sqlite_corrupt(q->s, "an approval's row", err);
}

static enum pv_code check_unused(struct sqlite_store *s,
				 const uint8_t nonce[STORE_NONCE],
				 struct err *err)
{
	QUERY q = query_start(s, SQL_APPROVAL_GET);
	bool used;
	enum pv_code rc;

	query_blob(&q, nonce, STORE_NONCE);
	rc = query_row(&q, &used, err);
	if (rc == PV_OK && used)
		return err_fail(err, PV_CONFLICT, "approval.used",
				"ask for new approvals",
				"these approvals were used before");
	return rc;
}

enum pv_code sqlite_approval_use(struct store *store,
				 const uint8_t nonce[STORE_NONCE],
				 struct span note, struct span entry,
				 struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	char name[STORE_ID_MAX + 1] = "";
	struct log_entry e;
	struct err why;
	uint64_t index;
	enum pv_code rc = sqlite_writing(s, err);

	err_init(&why);
	if (rc == PV_OK &&
	    (note.len == 0 || log_entry_decode(entry, &e, &why) != PV_OK ||
	     e.object.len > STORE_ID_MAX))
		rc = err_fail(err, PV_INPUT, "store.approval", NULL,
			      "an approval needs its note and an entry");
	if (rc == PV_OK)
		rc = check_unused(s, nonce, err);
	if (rc != PV_OK)
		return rc;
	/* Its object is the operation. */
	memcpy(name, e.object.p, e.object.len);
	rc = sqlite_govern(s, LOG_APPROVAL_USE, name, entry, &index, err);
	if (rc != PV_OK)
		return rc;
	QUERY q = query_start(s, SQL_APPROVAL_PUT);
	query_blob(&q, nonce, STORE_NONCE);
	query_u64(&q, index);
	query_blob(&q, note.p, note.len);
	return sqlite_put_row(&q, err);
}

enum pv_code sqlite_approval_get(struct store *store,
				 const uint8_t nonce[STORE_NONCE],
				 struct store_approval *a, struct buf *note,
				 bool *found, struct err *err)
{
	QUERY q = query_start(to_sqlite(store), SQL_APPROVAL_GET);
	struct span got;
	enum pv_code rc;

	query_blob(&q, nonce, STORE_NONCE);
	rc = query_row(&q, found, err);
	if (rc == PV_OK && *found)
		rc = approval_row(&q, a, err);
	if (rc != PV_OK || !*found)
		return rc;
	got = a->note;
	a->note = (struct span){ NULL, 0 };
	buf_put(note, got.p, got.len);
	return buf_check(note, err);
}

enum pv_code sqlite_approval_each(struct store *store,
				  const struct store_visit *v, struct err *err)
{
	QUERY q = query_own(to_sqlite(store), SQL_APPROVAL_EACH);

	for (;;) {
		struct store_approval a;
		bool row;
		enum pv_code rc = query_row(&q, &row, err);

		if (rc != PV_OK || !row)
			return rc;
		rc = approval_row(&q, &a, err);
		if (rc == PV_OK)
			rc = v->fn.approval(v->ctx, &a, err);
		if (rc != PV_OK)
			return rc;
	}
}
