/* What people decided: the entries as a list. */
#include <string.h>

#include "lib/log/acts.h"
#include "lib/log/ceremony.h"
#include "lib/log/govern.h"
#include "lib/store/sqlite_people.h"

/* ---- the one place that appends and lists ---- */

static enum pv_code not_this(const char *what, struct err *err)
{
	return err_fail(err, PV_INPUT, "store.governance", NULL,
			"the log entry of a decision %s", what);
}

static uint64_t head(const struct sqlite_store *s)
{
	return s->state.governance > 0 ? s->state.governance - 1
				       : STORE_NO_INDEX;
}

static enum pv_code check_entry(const struct sqlite_store *s, const char *kind,
				const char *name, struct span entry,
				struct err *err)
{
	struct log_entry e;
	struct err why;

	err_init(&why);
	if (log_entry_decode(entry, &e, &why) != PV_OK)
		return err_fail(err, PV_INPUT, "log.entry", NULL,
				"these bytes are not an entry of the log");
	if (!span_is(e.type, kind))
		return not_this("is of another type", err);
	if (!span_is(e.object, name) || strlen(name) > STORE_ID_MAX)
		return not_this("is about something else", err);
	if (log_prev(&e) != head(s))
		return not_this("does not name the one before it", err);
	return PV_OK;
}

enum pv_code sqlite_put_row(struct query *q, struct err *err)
{
	enum pv_code rc = query_run(q, err);

	if (rc != PV_OK)
		q->s->doomed = true;
	return rc;
}

enum pv_code sqlite_govern(struct sqlite_store *s, const char *kind,
			   const char *name, struct span entry, uint64_t *index,
			   struct err *err)
{
	enum pv_code rc = check_entry(s, kind, name, entry, err);

	if (rc == PV_OK && strcmp(kind, LOG_CLOCK_ACCEPT) == 0)
		rc = sqlite_log_step(s, entry, index, err);
	else if (rc == PV_OK)
		rc = sqlite_log_add(s, entry, index, err);
	if (rc != PV_OK)
		return rc;
	QUERY q = query_start(s, SQL_GOVERN_PUT);
	query_u64(&q, *index);
	query_str(&q, kind);
	query_str(&q, name);
	s->state.governance = *index + 1;
	return sqlite_put_row(&q, err);
}

enum pv_code sqlite_top(struct sqlite_store *s, enum sql_id id,
			const char *name, uint64_t *n, struct err *err)
{
	QUERY q = query_start(s, id);
	bool row;
	enum pv_code rc;

	if (name)
		query_str(&q, name);
	rc = query_row(&q, &row, err);
	if (rc == PV_OK && (!row || !col_u64(&q, 0, n)))
		return sqlite_corrupt(s, "a row of numbers", err);
	return rc;
}

enum pv_code sqlite_not_governed(struct span entry, struct err *err)
{
	return log_entry_governs(entry)
		       ? not_this("is listed with it, not appended alone", err)
		       : PV_OK;
}

/* ---- the list ---- */

enum pv_code sqlite_governance_head(struct store *store, uint64_t *index,
				    struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	VIEW v;
	enum pv_code rc = sqlite_view(s, &v, err);

	*index = rc == PV_OK ? head(s) : STORE_NO_INDEX;
	return rc;
}

enum pv_code sqlite_governance_last(struct store *store, const char *kind,
				    uint64_t *index, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	uint64_t next = 0;
	VIEW v;
	enum pv_code rc = sqlite_view(s, &v, err);

	if (rc == PV_OK)
		rc = sqlite_top(s, SQL_GOVERN_LAST, kind, &next, err);
	*index = next > 0 ? next - 1 : STORE_NO_INDEX;
	return rc;
}

enum pv_code sqlite_governance_each(struct store *store, uint64_t from,
				    const struct store_visit *v,
				    struct err *err)
{
	QUERY q = query_own(to_sqlite(store), SQL_GOVERN_EACH);

	query_u64(&q, from < INT64_MAX ? from : INT64_MAX);
	for (;;) {
		struct store_governance g;
		bool row;
		enum pv_code rc = query_row(&q, &row, err);

		if (rc != PV_OK || !row)
			return rc;
		if (!col_u64(&q, 0, &g.index) ||
		    !col_text(&q, 1, g.kind, sizeof(g.kind)) ||
		    !col_text(&q, 2, g.name, sizeof(g.name)))
			return sqlite_corrupt(q.s, "the row of a decision",
					      err);
		rc = v->fn.governance(v->ctx, &g, err);
		if (rc != PV_OK)
			return rc;
	}
}

enum pv_code sqlite_governance_add(struct store *store, struct span entry,
				   uint64_t *index, struct err *err)
{
	static const char *const kinds[] = {
		LOG_TEMPLATE_ADOPT, LOG_CLOCK_ACCEPT, LOG_CONFIG_ACCEPT,
		LOG_PEOPLE_DECIDE, LOG_CEREMONY_BEGIN
	};
	struct sqlite_store *s = to_sqlite(store);
	char name[STORE_ID_MAX + 1] = "";
	struct log_entry e;
	struct err why;
	uint64_t at;
	enum pv_code rc = sqlite_writing(s, err);

	if (rc != PV_OK)
		return rc;
	err_init(&why);
	if (log_entry_decode(entry, &e, &why) != PV_OK ||
	    e.object.len > STORE_ID_MAX)
		return err_fail(err, PV_INPUT, "log.entry", NULL,
				"these bytes are not an entry of the log");
	memcpy(name, e.object.p, e.object.len);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (span_is(e.type, kinds[i]))
			return sqlite_govern(s, kinds[i], name, entry,
					     index ? index : &at, err);
	return not_this("belongs to a row", err);
}

enum pv_code sqlite_people_count(struct store *store,
				 struct store_people_counts *c, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	uint64_t *const to[] = { &c->rosters, &c->approvals, &c->opened,
				 &c->closed,  &c->secrets,   &c->destroyed,
				 &c->held,    &c->decided,   &c->templates };
	VIEW v;
	bool row;
	enum pv_code rc = sqlite_view(s, &v, err);

	if (rc != PV_OK)
		return rc;
	QUERY q = query_start(s, SQL_PEOPLE_COUNT);
	rc = query_row(&q, &row, err);

	for (size_t i = 0; rc == PV_OK && i < sizeof(to) / sizeof(to[0]); i++)
		if (!row || !col_u64(&q, (int)i, to[i]))
			return sqlite_corrupt(s, "rows cannot be counted", err);
	c->waiting = s->state.held;
	return rc;
}
