/*
 * Sealed bytes: in the file, but for the last ones of small transactions, which
 * are rows of table sealed. Those cost no sync of their own; a larger
 * transaction, or rows that have become many, move them to the file.
 */
#include "lib/store/sqlite_ops.h"

#define ROW_MAX 65536u /* bytes of one transaction: more go to the file */

/* Where the committed bytes end, those in rows included. */
static enum pv_code find_total(struct sqlite_store *s, uint64_t *total,
			       struct err *err)
{
	QUERY q = query_start(s, SQL_SEALED_LAST);
	uint64_t start, len, first;
	bool row;
	enum pv_code rc = query_row(&q, &row, err);

	*total = s->state.sealed_len;
	if (rc != PV_OK || !row)
		return rc;
	if (!col_u64(&q, 0, &start) || !col_u64(&q, 1, &len) ||
	    !col_u64(&q, 2, &first) || first != *total || start < *total ||
	    len == 0 || start - *total + len > STORE_SEALED_ROWS_MAX)
		return sqlite_corrupt(s, "a row of sealed bytes", err);
	*total = start + len;
	return PV_OK;
}

enum pv_code sqlite_sealed_begin(struct sqlite_store *s, bool cut,
				 struct err *err)
{
	uint64_t total;
	enum pv_code rc = find_total(s, &total, err);

	return rc == PV_OK ? sealed_begin(&s->sealed, s->state.sealed_len,
					  total, cut, err)
			   : rc;
}

/* Calls take for each row from the one that holds offset on, without gaps. */
static enum pv_code each_row(struct sqlite_store *s, uint64_t offset,
			     enum pv_code (*take)(void *ctx, uint64_t start,
						  struct span bytes,
						  struct err *err),
			     void *ctx, struct err *err)
{
	QUERY q = query_own(s, SQL_SEALED_EACH);
	uint64_t end = 0;

	query_u64(&q, offset);
	for (bool first = true;; first = false) {
		struct span bytes;
		uint64_t start = 0;
		bool row;
		enum pv_code rc = query_row(&q, &row, err);

		if (rc == PV_OK && !row && end == s->sealed.total)
			return PV_OK;
		if (rc == PV_OK &&
		    (!row || !col_u64(&q, 0, &start) ||
		     !col_span(&q, 1, &bytes) || bytes.len == 0 ||
		     start < s->sealed.committed ||
		     (first ? start > offset : start != end)))
			return sqlite_corrupt(s, "a row of sealed bytes", err);
		if (rc == PV_OK)
			rc = take(ctx, start, bytes, err);
		if (rc != PV_OK)
			return rc;
		end = start + bytes.len;
	}
}

/* Are there rows that this transaction has not moved? */
static bool has_rows(const struct sqlite_store *s)
{
	return s->sealed.written < s->sealed.total;
}

static enum pv_code move_row(void *ctx, uint64_t start, struct span bytes,
			     struct err *err)
{
	struct sqlite_store *s = ctx;

	(void)start;
	return sealed_write(&s->sealed, bytes, err);
}

enum pv_code sqlite_sealed_move(struct sqlite_store *s, struct err *err)
{
	enum pv_code rc;

	if (!has_rows(s))
		return PV_OK;
	rc = each_row(s, s->sealed.committed, move_row, s, err);
	if (rc != PV_OK)
		return rc;
	QUERY q = query_start(s, SQL_SEALED_CLEAR);
	return query_run(&q, err);
}

enum pv_code sqlite_sealed_append(struct store *store, struct span bytes,
				  uint64_t *offset, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	enum pv_code rc = sqlite_writing(s, err);

	if (rc == PV_OK && !sealed_fits(&s->sealed, bytes.len))
		rc = sqlite_sealed_move(s, err);
	if (rc == PV_OK)
		rc = sealed_append(&s->sealed, bytes, offset, err);
	if (rc != PV_OK && rc != PV_INPUT)
		s->doomed = true;
	return rc;
}

static enum pv_code put_row(struct sqlite_store *s, struct err *err)
{
	const struct buf *b = &s->sealed.gather;
	QUERY q = query_start(s, SQL_SEALED_PUT);

	query_u64(&q, s->sealed.total);
	query_blob(&q, b->data, b->len);
	return query_run(&q, err);
}

enum pv_code sqlite_sealed_flush(struct sqlite_store *s, struct err *err)
{
	struct sealed *f = &s->sealed;
	enum pv_code rc;

	if (!f->dirty && f->gather.len == 0)
		return PV_OK;
	if (!f->dirty && f->gather.len <= ROW_MAX &&
	    f->len - f->committed <= STORE_SEALED_ROWS_MAX)
		return put_row(s, err);
	rc = sqlite_sealed_move(s, err);
	if (rc == PV_OK)
		rc = sealed_sync(f, err);
	/* Not tried again: the kernel may have dropped the bytes. */
	if (rc == PV_STORAGE)
		s->poisoned = true;
	if (rc == PV_OK)
		s->state.sealed_len = f->len;
	return rc;
}

struct piece { /* of the sealed bytes, asked for */
	uint64_t from, end;
	struct buf *out;
};

static enum pv_code take_piece(void *ctx, uint64_t start, struct span bytes,
			       struct err *err)
{
	struct piece *p = ctx;
	uint64_t end = start + bytes.len < p->end ? start + bytes.len : p->end;

	if (p->from >= end)
		return PV_OK;
	buf_put(p->out, bytes.p + (p->from - start), (size_t)(end - p->from));
	p->from = end;
	return buf_check(p->out, err);
}

/* What is in the file, then what is in rows, then what is gathered. */
static enum pv_code read_pieces(struct sqlite_store *s, uint64_t offset,
				uint64_t len, struct buf *out, struct err *err)
{
	struct sealed *f = &s->sealed;
	struct piece p = { offset, offset + len, out };
	enum pv_code rc = PV_OK;

	if (p.from < f->written && p.end > f->written) {
		rc = sealed_read(f, p.from, f->written - p.from, out, err);
		p.from = f->written;
	}
	if (rc == PV_OK && p.from >= f->written && p.from < f->total)
		rc = each_row(s, p.from, take_piece, &p, err);
	if (rc == PV_OK && p.from < p.end)
		rc = sealed_read(f, p.from, p.end - p.from, out, err);
	return rc;
}

enum pv_code sqlite_sealed_read(struct store *store, uint64_t offset,
				uint64_t len, struct buf *out, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	VIEW v;
	enum pv_code rc = sqlite_view(s, &v, err);

	if (rc != PV_OK || len == 0)
		return rc;
	if (offset > s->sealed.len || len > s->sealed.len - offset)
		return sealed_past_end(err);
	if (len > SIZE_MAX || !buf_room(out, (size_t)len))
		return err_fail(err, PV_INPUT, "store.size", NULL,
				"%llu sealed bytes are too many for the reader",
				(unsigned long long)len);
	return read_pieces(s, offset, len, out, err);
}

static enum pv_code pass_row(void *ctx, uint64_t start, struct span bytes,
			     struct err *err)
{
	(void)ctx;
	(void)start;
	(void)bytes;
	(void)err;
	return PV_OK;
}

enum pv_code sqlite_sealed_check(struct sqlite_store *s, struct err *err)
{
	return has_rows(s)
		       ? each_row(s, s->sealed.committed, pass_row, NULL, err)
		       : PV_OK;
}
