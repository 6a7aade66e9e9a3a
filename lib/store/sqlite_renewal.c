/* Credentials that take the place of others: which is current, and history. */
#include <string.h>

#include "lib/store/sqlite_lifecycle.h"
#include "lib/store/sqlite_ops.h"

static enum pv_code not_current(const char *device, const char *what,
				struct err *err)
{
	return err_fail(err, PV_CONFLICT, "store.current", NULL,
			"the credential of %s %s", device, what);
}

enum pv_code sqlite_renewal_check(struct sqlite_store *s,
				  const struct store_subject *b,
				  uint32_t *first, struct err *err)
{
	struct store_device d;
	bool found;
	enum pv_code rc = sqlite_device_find(&s->base, STORE_BY_DEVICE,
					     b->device, &d, &found, err);

	if (rc != PV_OK)
		return rc;
	if (!found)
		return err_fail(err, PV_NOT_FOUND, "store.device", NULL,
				"there is no device %s", b->device);
	*first = d.first;
	if (d.s.number != b->replaces)
		return not_current(b->device, "is not the current one", err);
	if (d.state == STORE_RESERVED || d.state == STORE_QUARANTINED)
		return not_current(b->device, "is not issued yet", err);
	if (d.state == STORE_SUSPENDED)
		return not_current(b->device, "is on hold", err);
	if (d.state == STORE_RETIRED)
		return not_current(b->device, "is retired", err);
	return PV_OK;
}

static enum pv_code set_current(struct sqlite_store *s, uint32_t first,
				uint32_t current, struct err *err)
{
	QUERY q = query_start(s, SQL_DEVICE_CURRENT);

	if (current == first)
		query_blob(&q, NULL, 0);
	else
		query_u64(&q, current);
	query_u64(&q, first);
	return query_run(&q, err);
}

enum pv_code sqlite_renewal_put(struct sqlite_store *s,
				const struct store_subject *b, uint32_t first,
				uint64_t index, struct err *err)
{
	QUERY q = query_start(s, SQL_RENEWAL_PUT);
	enum pv_code rc;

	query_u64(&q, first);
	query_u64(&q, index);
	query_u64(&q, b->number);
	rc = query_run(&q, err);
	return rc == PV_OK ? set_current(s, first, b->number, err) : rc;
}

static enum pv_code visit_number(struct store *store, uint32_t number,
				 const struct store_visit *v, struct err *err)
{
	struct store_device d;
	bool found;
	enum pv_code rc = sqlite_device_number(store, number, &d, &found, err);

	if (rc == PV_OK && !found)
		rc = sqlite_corrupt(to_sqlite(store),
				    "a credential's row is missing", err);
	return rc == PV_OK
		       ? v->fn.device(v->ctx, &d, (struct span){ NULL, 0 }, err)
		       : rc;
}

static enum pv_code visit_renewals(struct store *store, uint32_t first,
				   const struct store_visit *v, struct err *err)
{
	QUERY q = query_own(to_sqlite(store), SQL_RENEWAL_EACH);

	query_u64(&q, first);
	for (;;) {
		uint32_t number;
		bool row;
		enum pv_code rc = query_row(&q, &row, err);

		if (rc != PV_OK || !row)
			return rc;
		if (!col_u32(&q, 0, &number))
			return sqlite_corrupt(q.s, "a row of renewals", err);
		rc = visit_number(store, number, v, err);
		if (rc != PV_OK)
			return rc;
	}
}

enum pv_code sqlite_history_each(struct store *store, const char *device,
				 const struct store_visit *v, struct err *err)
{
	struct store_device d;
	bool found;
	VIEW view;
	enum pv_code rc = sqlite_view(to_sqlite(store), &view, err);

	if (rc == PV_OK)
		rc = sqlite_first_find(store, device, &d, &found, err);
	if (rc != PV_OK || !found)
		return rc;
	rc = visit_renewals(store, d.s.number, v, err);
	return rc == PV_OK
		       ? v->fn.device(v->ctx, &d, (struct span){ NULL, 0 }, err)
		       : rc;
}

/* The row of number; PV_NOT_FOUND. */
static enum pv_code get_device(struct store *store, uint32_t number,
			       struct store_device *d, struct err *err)
{
	bool found;
	enum pv_code rc = sqlite_device_number(store, number, d, &found, err);

	if (rc == PV_OK && !found)
		return err_fail(err, PV_NOT_FOUND, "store.device", NULL,
				"there is no credential of number %u", number);
	return rc;
}

static enum pv_code check_left(struct store *store, uint32_t number,
			       struct store_device *d, struct err *err)
{
	struct store_device first;
	enum pv_code rc = get_device(store, number, d, err);

	if (rc != PV_OK)
		return rc;
	if (d->s.replaces == 0)
		return not_current(d->s.device, "is its first one", err);
	rc = get_device(store, d->first, &first, err);
	if (rc == PV_OK && first.current != number)
		return not_current(d->s.device, "is not the current one", err);
	if (rc == PV_OK && d->state == STORE_RESERVED)
		return not_current(d->s.device, "is not issued yet", err);
	if (rc == PV_OK && d->state == STORE_RETIRED)
		return not_current(d->s.device, "is retired", err);
	return rc;
}

enum pv_code sqlite_go_back(struct store *store, uint32_t number,
			    struct span entry, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	struct store_device d;
	uint64_t index;
	enum pv_code rc = sqlite_writing(s, err);

	if (rc == PV_OK)
		rc = check_left(store, number, &d, err);
	if (rc == PV_OK)
		rc = sqlite_log_add(s, entry, &index, err);
	if (rc != PV_OK)
		return rc;
	QUERY q = query_start(s, SQL_RENEWAL_BACK);
	query_u64(&q, index);
	query_u64(&q, d.first);
	query_u64(&q, d.intent_index);
	rc = query_run(&q, err);
	if (rc == PV_OK)
		rc = set_current(s, d.first, d.s.replaces, err);
	if (rc != PV_OK)
		s->doomed = true;
	return rc;
}

enum pv_code sqlite_left(struct store *store, uint32_t number, uint64_t *index,
			 struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	struct store_device d;
	bool row;
	VIEW v;
	enum pv_code rc = sqlite_view(s, &v, err);

	*index = STORE_NO_INDEX;
	if (rc == PV_OK)
		rc = get_device(store, number, &d, err);
	if (rc != PV_OK || d.s.replaces == 0)
		return rc;
	QUERY q = query_start(s, SQL_RENEWAL_LEFT);
	query_u64(&q, d.first);
	query_u64(&q, d.intent_index);
	rc = query_row(&q, &row, err);
	if (rc == PV_OK && (!row || !col_index(&q, 0, index)))
		return sqlite_corrupt(s, "a row of renewals", err);
	return rc;
}

/* ---- the tables against themselves ---- */

/* Every row of either kind has its other one, and its device's first. */
static const char paired[] =
	"SELECT (SELECT count(*) FROM device WHERE first IS NOT NULL), "
	"(SELECT count(*) FROM renewal), "
	"(SELECT count(*) FROM renewal r JOIN device d ON d.number = r.number "
	"AND d.first = r.first AND d.intent_index = r.intent_index "
	"JOIN device f ON f.number = r.first AND f.first IS NULL "
	"AND f.device = d.device JOIN device p ON p.number = d.replaces "
	"AND coalesce(p.first, p.number) = r.first)";

/* Firsts that name another current one than the newest that was not left. */
static const char current[] =
	"SELECT count(*) FROM device f WHERE (f.current IS NOT NULL OR "
	"f.number IN (SELECT first FROM renewal)) AND "
	"f.current IS NOT (SELECT r.number FROM renewal r WHERE "
	"r.first = f.number AND r.back_index IS NULL "
	"ORDER BY r.intent_index DESC LIMIT 1)";

enum pv_code sqlite_chains_check(struct sqlite_store *s, struct err *err)
{
	QUERY p = query_once(s, paired);
	QUERY c = query_once(s, current);
	uint64_t n[4] = { 0 };
	bool row;
	enum pv_code rc = query_row(&p, &row, err);

	for (int i = 0; rc == PV_OK && i < 3; i++)
		if (!row || !col_u64(&p, i, &n[i]))
			return sqlite_corrupt(s, "a row of renewals", err);
	if (rc == PV_OK)
		rc = query_row(&c, &row, err);
	if (rc != PV_OK)
		return rc;
	if (row && col_u64(&c, 0, &n[3]) && n[0] == n[1] && n[1] == n[2] &&
	    n[3] == 0)
		return PV_OK;
	return sqlite_corrupt(s, "a device's credentials are no chain", err);
}
