/* Rates and counts of orders, counted again from the devices. */
#include "lib/store/sqlite_ops.h"

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

/*
 * The counts are gathered in a table of their own: a row for each, however
 * many devices there are. Rates that are older than they are kept may be there
 * or not, and nothing asks for them.
 */
static const char *const steps[] = {
	"CREATE TEMP TABLE IF NOT EXISTS recount (kind INTEGER NOT NULL, "
	"name TEXT NOT NULL, bucket INTEGER NOT NULL, n INTEGER NOT NULL, "
	"PRIMARY KEY (kind, name, bucket)) STRICT, WITHOUT ROWID",
	"DELETE FROM temp.recount",
	"INSERT INTO temp.recount SELECT 1, t.name, d.reserved_ms / " TEXT(
		SQLITE_BUCKET_MS) ", 1 FROM main.device d JOIN main.template t "
				  "ON t.id = d.template "
				  "WHERE d.why IS NULL OR d.why < 3 "
				  "ON CONFLICT DO UPDATE SET n = n "
				  "+ 1",
	"INSERT INTO temp.recount SELECT 2, ord, 0, 1 FROM main.device "
	"WHERE ord IS NOT NULL AND why IS NULL "
	"ON CONFLICT DO UPDATE SET n = n + 1",
	"INSERT INTO temp.recount SELECT 4, ord, 0, 1 FROM main.device "
	"WHERE ord IS NOT NULL AND why < 3 "
	"ON CONFLICT DO UPDATE SET n = n + 1",
	/* The oldest bucket that must still be there, by template. */
	"INSERT INTO temp.recount SELECT 3, name, 0, "
	"max(0, max(bucket) - " TEXT(
		SQLITE_RATE_KEPT) ") FROM temp.recount "
				  "WHERE kind = 1 GROUP BY name",
};

/* Rows of either side that the other has not. */
static const char differ[] =
	"WITH want AS (SELECT r.kind, r.name, r.bucket, r.n FROM temp.recount "
	"r "
	"LEFT JOIN temp.recount f ON f.kind = 3 AND f.name = r.name "
	"WHERE r.kind IN (2, 4) OR (r.kind = 1 AND r.bucket >= f.n)), "
	"kept AS (SELECT 1 AS kind, r.name, r.bucket, r.n FROM main.rate r "
	"LEFT JOIN temp.recount f ON f.kind = 3 AND f.name = r.name "
	"WHERE r.bucket >= coalesce(f.n, 0) "
	/* An order has its row before the first device. */
	"UNION ALL SELECT 2, name, 0, devices FROM main.ord WHERE devices > 0 "
	"UNION ALL SELECT 4, name, 0, reworked FROM main.ord "
	"WHERE reworked > 0) "
	"SELECT (SELECT count(*) FROM (SELECT * FROM want EXCEPT "
	"SELECT * FROM kept)) + (SELECT count(*) FROM (SELECT * FROM kept "
	"EXCEPT SELECT * FROM want))";

enum pv_code sqlite_recount(struct sqlite_store *s, struct err *err)
{
	uint64_t n = 0;
	bool row;
	enum pv_code rc = sqlite_exec_all(
		s, steps, sizeof(steps) / sizeof(steps[0]), err);

	if (rc != PV_OK)
		return rc;
	QUERY q = query_once(s, differ);
	rc = query_row(&q, &row, err);
	if (rc == PV_OK && (!row || !col_u64(&q, 0, &n) || n != 0))
		return sqlite_corrupt(
			s, "a rate or an order counts other devices", err);
	return rc;
}
