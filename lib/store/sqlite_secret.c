/* The authority's stored secrets: sealed bytes by name and version. */
#include <string.h>

#include "lib/log/govern.h"
#include "lib/store/sqlite_people.h"

static enum pv_code check_next(struct sqlite_store *s, const char *name,
			       uint64_t version, struct span sealed,
			       struct err *err)
{
	uint64_t top = 0;
	enum pv_code rc;

	if (!name[0] || strlen(name) > STORE_ID_MAX || sealed.len == 0)
		return err_fail(err, PV_INPUT, "store.secret", NULL,
				"a secret needs name and sealed bytes");
	rc = sqlite_top(s, SQL_SECRET_TOP, name, &top, err);
	if (rc == PV_OK && version != top + 1)
		return err_fail(err, PV_CONFLICT, "store.secret", NULL,
				"version %llu of secret %s does not follow "
				"%llu",
				(unsigned long long)version, name,
				(unsigned long long)top);
	return rc;
}

enum pv_code sqlite_secret_put(struct store *store, const char *name,
			       uint64_t version, struct span sealed,
			       struct span entry, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	uint64_t index;
	enum pv_code rc = sqlite_writing(s, err);

	if (rc == PV_OK)
		rc = check_next(s, name, version, sealed, err);
	if (rc == PV_OK)
		rc = sqlite_govern(
			s, version == 1 ? LOG_SECRET_ADD : LOG_SECRET_ROTATE,
			name, entry, &index, err);
	if (rc != PV_OK)
		return rc;
	QUERY q = query_start(s, SQL_SECRET_PUT);
	query_str(&q, name);
	query_u64(&q, version);
	query_u64(&q, index);
	query_blob(&q, sealed.p, sealed.len);
	return sqlite_put_row(&q, err);
}

static enum pv_code secret_row(struct query *q, struct store_secret *x,
			       struct err *err)
{
	if (col_text(q, 0, x->name, sizeof(x->name)) &&
	    col_u64(q, 1, &x->version) && col_u64(q, 2, &x->add_index) &&
	    col_index(q, 3, &x->destroyed_index) &&
	    col_span(q, 4, &x->sealed) &&
	    (x->destroyed_index == STORE_NO_INDEX) == (x->sealed.len > 0))
		return PV_OK;
	return sqlite_corrupt(q->s, "a secret's row", err);
}

enum pv_code sqlite_secret_get(struct store *store, const char *name,
			       uint64_t version, struct store_secret *row,
			       struct buf *sealed, bool *found, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	struct span got;
	enum pv_code rc = PV_OK;
	VIEW v = { NULL };

	*found = false;
	if (version == 0) {
		rc = sqlite_view(s, &v, err);
		if (rc == PV_OK)
			rc = sqlite_top(s, SQL_SECRET_TOP, name, &version, err);
	}
	if (rc != PV_OK)
		return rc;
	QUERY q = query_start(s, SQL_SECRET_GET);
	query_str(&q, name);
	query_u64(&q, version);
	rc = query_row(&q, found, err);
	if (rc == PV_OK && *found)
		rc = secret_row(&q, row, err);
	if (rc != PV_OK || !*found)
		return rc;
	got = row->sealed;
	row->sealed = (struct span){ NULL, 0 };
	buf_put(sealed, got.p, got.len);
	return buf_check(sealed, err);
}

enum pv_code sqlite_secret_each(struct store *store,
				const struct store_visit *v, struct err *err)
{
	QUERY q = query_own(to_sqlite(store), SQL_SECRET_EACH);

	for (;;) {
		struct store_secret x;
		bool row;
		enum pv_code rc = query_row(&q, &row, err);

		if (rc != PV_OK || !row)
			return rc;
		rc = secret_row(&q, &x, err);
		if (rc == PV_OK)
			rc = v->fn.secret(v->ctx, &x, err);
		if (rc != PV_OK)
			return rc;
	}
}

static enum pv_code check_there(struct store *store, const char *name,
				uint64_t version, struct err *err)
{
	CLEANUP(buf_release) struct buf sealed;
	struct store_secret x;
	bool found = false;
	enum pv_code rc = PV_OK;

	buf_init(&sealed, SIZE_MAX / 2);
	if (version > 0 && version <= INT64_MAX)
		rc = sqlite_secret_get(store, name, version, &x, &sealed,
				       &found, err);
	if (rc == PV_OK && !found)
		return err_fail(err, PV_NOT_FOUND, "store.secret", NULL,
				"there is no secret %s of version %llu", name,
				(unsigned long long)version);
	if (rc == PV_OK && x.destroyed_index != STORE_NO_INDEX)
		return err_fail(err, PV_CONFLICT, "store.secret", NULL,
				"version %llu of secret %s is destroyed",
				(unsigned long long)version, name);
	return rc;
}

enum pv_code sqlite_erase_in_files(struct sqlite_store *s, struct err *err)
{
	/* It answers with a row. */
	QUERY q = query_once(s, "PRAGMA secure_delete = ON");
	bool row;
	enum pv_code rc = query_row(&q, &row, err);

	s->erased = true;
	return rc;
}

enum pv_code sqlite_secret_destroy(struct store *store, const char *name,
				   uint64_t version, struct span entry,
				   struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	uint64_t index;
	enum pv_code rc = sqlite_writing(s, err);

	if (rc == PV_OK)
		rc = check_there(store, name, version, err);
	if (rc == PV_OK)
		rc = sqlite_erase_in_files(s, err);
	if (rc == PV_OK)
		rc = sqlite_govern(s, LOG_SECRET_DESTROY, name, entry, &index,
				   err);
	if (rc != PV_OK)
		return rc;
	QUERY q = query_start(s, SQL_SECRET_DESTROY);
	query_u64(&q, index);
	query_str(&q, name);
	query_u64(&q, version);
	return sqlite_put_row(&q, err);
}
