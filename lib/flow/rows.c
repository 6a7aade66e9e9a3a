#include "lib/flow/rows.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "lib/flow/request.h"

#define READ_BYTES 65536
#define BOM_LEN 3

void rows_init(struct rows *r, int fd, enum rows_format format)
{
	memset(r, 0, sizeof(*r));
	r->fd = fd;
	r->format = format;
	r->next_line = 1;
	buf_init(&r->in, ROWS_GIVE_UP + 2 * READ_BYTES);
}

void rows_release(struct rows *r)
{
	buf_release(&r->in);
}

/* Length of the first row in p without its line end; false: no end in sight. */
static bool find_end(const struct rows *r, const uint8_t *p, size_t len,
		     size_t *end)
{
	bool quoted = false;

	if (r->format == ROWS_JSONL) {
		const uint8_t *nl = len ? memchr(p, '\n', len) : NULL;

		*end = nl ? (size_t)(nl - p) : len;
		return nl != NULL;
	}
	for (size_t i = 0; i < len; i++) {
		if (p[i] == '"')
			quoted = !quoted;
		if (p[i] == '\n' && !quoted) {
			*end = i;
			return true;
		}
	}
	*end = len;
	return false;
}

/* Reads more; *got is false when nothing came and wait was not wanted. */
static enum pv_code take_in(struct rows *r, bool wait, bool *got,
			    struct err *err)
{
	struct pollfd p = { r->fd, POLLIN, 0 };
	uint8_t *room;
	ssize_t n;

	*got = true;
	/* A signal that comes then is no input. */
	if (!wait && poll(&p, 1, 0) <= 0) {
		*got = false;
		return PV_OK;
	}
	buf_consume(&r->in, r->pos);
	r->pos = 0;
	room = buf_room(&r->in, READ_BYTES);
	if (!room)
		return buf_check(&r->in, err);
	do
		n = read(r->fd, room, READ_BYTES);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_errno(err, PV_STORAGE, "input.read", NULL,
				 "cannot read the requests");
	r->eof = n == 0;
	buf_commit(&r->in, (size_t)n);
	return PV_OK;
}

/* False while it cannot be told yet whether a byte order mark stands there. */
static bool pass_mark(struct rows *r)
{
	static const uint8_t mark[BOM_LEN] = { 0xEF, 0xBB, 0xBF };
	size_t n = r->in.len < BOM_LEN ? r->in.len : BOM_LEN;
	bool like = n == 0 || memcmp(r->in.data, mark, n) == 0;

	if (like && n < BOM_LEN && !r->eof)
		return false;
	if (like && n == BOM_LEN)
		r->pos = BOM_LEN;
	r->begun = true;
	return true;
}

/* The span of the next row, when its end (or the input's) is in sight. */
static bool take_row(struct rows *r, struct span *row)
{
	const uint8_t *p = r->in.data + r->pos;
	size_t have = r->in.len - r->pos;
	bool ended = have > 0 && find_end(r, p, have, &row->len);

	if (!ended && !(r->eof && have > 0))
		return false;
	row->p = p;
	if (!ended)
		row->len = have;
	r->line = r->next_line;
	for (size_t i = 0; i < row->len; i++)
		r->next_line += p[i] == '\n';
	r->next_line += ended;
	r->pos += row->len + (ended ? 1 : 0);
	return true;
}

static bool is_blank(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] != ' ' && s.p[i] != '\t' && s.p[i] != '\r')
			return false;
	return true;
}

enum pv_code rows_next(struct rows *r, bool wait, enum rows_got *got,
		       struct span *row, struct err *err)
{
	for (;;) {
		enum pv_code rc;
		bool came;

		if ((r->begun || pass_mark(r)) && take_row(r, row)) {
			if (is_blank(*row))
				continue;
			if (row->p[row->len - 1] == '\r')
				row->len--;
			*got = row->len > REQUEST_LINE_MAX ? ROWS_LONG
							   : ROWS_ROW;
			return PV_OK;
		}
		if (r->eof) {
			*got = ROWS_END;
			return PV_OK;
		}
		if (r->in.len - r->pos > ROWS_GIVE_UP)
			return err_fail(
				err, PV_INPUT, "input.row",
				"one request a line",
				"what begins in line %llu of the input has no "
				"end",
				(unsigned long long)r->next_line);
		rc = take_in(r, wait, &came, err);
		if (rc != PV_OK)
			return rc;
		if (!came) {
			*got = ROWS_WAIT;
			return PV_OK;
		}
	}
}

static enum pv_code bad_csv(const char *what, struct err *err)
{
	return err_fail(err, PV_INPUT, "csv.format", "see RFC 4180",
			"the row is not CSV: %s", what);
}

/* One quoted cell from p[*i] (behind the opening quote) into text. */
static bool take_quoted(struct span row, size_t *i, struct buf *text)
{
	while (*i < row.len) {
		uint8_t c = row.p[(*i)++];

		if (c == '"' && (*i >= row.len || row.p[*i] != '"'))
			return true;
		if (c == '"')
			(*i)++;
		buf_put_u8(text, c);
	}
	return false;
}

enum pv_code csv_split(struct span row, struct buf *text,
		       size_t cells[ROWS_CELLS_MAX], size_t *n, struct err *err)
{
	size_t i = 0;

	buf_reset(text);
	if (row.len > 0 && memchr(row.p, 0, row.len))
		return bad_csv("a NUL byte", err);
	for (*n = 0;;) {
		if (*n == ROWS_CELLS_MAX)
			return bad_csv("too many columns", err);
		cells[(*n)++] = text->len;
		if (i < row.len && row.p[i] == '"') {
			i++;
			if (!take_quoted(row, &i, text))
				return bad_csv("a quote is not closed", err);
			if (i < row.len && row.p[i] != ',')
				return bad_csv("text behind a closing quote",
					       err);
		}
		while (i < row.len && row.p[i] != ',') {
			if (row.p[i] == '"')
				return bad_csv("a quote inside a cell", err);
			buf_put_u8(text, row.p[i++]);
		}
		buf_put_u8(text, 0);
		if (i >= row.len)
			return buf_check(text, err);
		i++;
	}
}
