/* What people decided, as one hash. */
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/store/sqlite_people.h"

CLEANUP_PTR(struct sha256, sha256_free);

#define VALUE_HEAD 9u /* type, and length or number */

/* All columns, also those that nobody has thought of here. The first is the
 * list, with the log's rows that hold its entries. */
static const char *const tables[] = {
	"SELECT * FROM governance ORDER BY log_index",
	"SELECT * FROM roster ORDER BY version",
	"SELECT * FROM approval ORDER BY nonce",
	"SELECT * FROM ticket ORDER BY name",
	"SELECT * FROM secret ORDER BY name, version",
	"SELECT * FROM held WHERE state <> 0 ORDER BY id",
	"SELECT * FROM template ORDER BY id",
};

struct digest {
	struct sqlite_store *s;
	struct sha256 *h;
	uint64_t end; /* of the last of the log's rows */
	size_t n;
	uint8_t part[4096]; /* what is short goes into h together */
};

static void flush(struct digest *d)
{
	sha256_add(d->h, (struct span){ d->part, d->n });
	d->n = 0;
}

static void add(struct digest *d, struct span bytes)
{
	if (bytes.len > sizeof(d->part) - d->n)
		flush(d);
	if (bytes.len > sizeof(d->part)) {
		sha256_add(d->h, bytes);
	} else if (bytes.len > 0) {
		memcpy(d->part + d->n, bytes.p, bytes.len);
		d->n += bytes.len;
	}
}

/* Type, length and bytes of a value: no two rows are the same bytes. */
static void add_value(struct digest *d, sqlite3_stmt *st, int column)
{
	const int type = sqlite3_column_type(st, column);
	struct span bytes = { NULL, 0 };
	uint8_t head[VALUE_HEAD] = { (uint8_t)type };
	uint64_t n;

	if (type == SQLITE_TEXT || type == SQLITE_BLOB) {
		bytes.p = sqlite3_column_blob(st, column);
		bytes.len = (size_t)sqlite3_column_bytes(st, column);
		n = bytes.len;
	} else {
		n = (uint64_t)sqlite3_column_int64(st, column);
	}
	for (size_t i = 1; i < VALUE_HEAD; i++)
		head[i] = (uint8_t)(n >> (8 * (VALUE_HEAD - 1 - i)));
	add(d, (struct span){ head, sizeof(head) });
	add(d, bytes);
}

static void add_row(struct digest *d, const struct query *q)
{
	for (int i = 0; i < sqlite3_column_count(q->st); i++)
		add_value(d, q->st, i);
}

/* The index behind the entries of a row of the log, each behind be16. */
static uint64_t end_of(uint64_t first, struct span entries)
{
	while (entries.len >= 2) {
		size_t len = 2 + ((size_t)entries.p[0] << 8 | entries.p[1]);

		if (len > entries.len)
			break;
		entries.p += len;
		entries.len -= len;
		first++;
	}
	return first;
}

/* The log's row with the entry of that index. */
static enum pv_code add_log(struct digest *d, uint64_t index, struct err *err)
{
	QUERY q = query_start(d->s, SQL_LOG_CHUNK);
	struct span entries;
	uint64_t first;
	bool row;
	enum pv_code rc;

	query_u64(&q, index);
	rc = query_row(&q, &row, err);
	if (rc != PV_OK || !row)
		return rc;
	if (!col_u64(&q, 0, &first) || !col_span(&q, 1, &entries))
		return sqlite_corrupt(d->s, "a row of the log", err);
	add_row(d, &q);
	d->end = end_of(first, entries);
	return PV_OK;
}

/* A table ends with a byte that is no type. */
static enum pv_code add_table(struct digest *d, size_t table, struct err *err)
{
	static const uint8_t end = 0;
	QUERY q = query_once(d->s, tables[table]);

	for (;;) {
		uint64_t index;
		bool row;
		enum pv_code rc = query_row(&q, &row, err);

		if (rc != PV_OK)
			return rc;
		if (!row)
			break;
		add_row(d, &q);
		index = (uint64_t)sqlite3_column_int64(q.st, 0);
		if (table == 0 && index >= d->end)
			rc = add_log(d, index, err);
		if (rc != PV_OK)
			return rc;
	}
	add(d, (struct span){ &end, 1 });
	return PV_OK;
}

enum pv_code sqlite_people_digest(struct store *store, uint8_t *out,
				  struct err *err)
{
	CLEANUP(cleanup_sha256_free) struct sha256 *h = NULL;
	struct digest d = { .s = to_sqlite(store) };
	VIEW v;
	enum pv_code rc = sqlite_view(d.s, &v, err);

	if (rc == PV_OK)
		rc = sha256_new(&h, err);
	if (rc != PV_OK)
		return rc;
	d.h = h;
	sha256_begin(h);
	for (size_t i = 0; rc == PV_OK && i < sizeof(tables) / sizeof(*tables);
	     i++)
		rc = add_table(&d, i, err);
	flush(&d);
	return rc == PV_OK ? sha256_end(h, out, err) : rc;
}
