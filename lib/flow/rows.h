/*
 * rows: cuts a byte stream into JSON lines or CSV rows (RFC 4180), bounded. A
 * UTF-8 byte order mark at the very beginning is passed over (RFC 8259 8.1).
 * A row longer than REQUEST_LINE_MAX is reported as such and passed over; one
 * longer than ROWS_GIVE_UP ends the input.
 */
#ifndef PV_FLOW_ROWS_H
#define PV_FLOW_ROWS_H

#include "lib/base/buf.h"

#define ROWS_GIVE_UP (1024u * 1024u) /* bytes of one row without an end */
#define ROWS_CELLS_MAX 64

enum rows_format { ROWS_JSONL, ROWS_CSV };

struct rows {
	int fd; /* not owned */
	enum rows_format format;
	struct buf in;
	size_t pos;	    /* first byte not yet given out */
	uint64_t line;	    /* where the row given out last begins, from 1 */
	uint64_t next_line; /* where pos stands */
	bool begun;	    /* past a byte order mark, if there was one */
	bool eof;
};

void rows_init(struct rows *r, int fd, enum rows_format format);
void rows_release(struct rows *r);

enum rows_got { ROWS_ROW, ROWS_LONG, ROWS_WAIT, ROWS_END };

/*
 * The next row that is not empty, without its line end. ROWS_WAIT: nothing is
 * there now and wait was false. ROWS_LONG: a row was too long and is passed
 * over. The span lasts until the next call. PV_INPUT, rule "input.row", when
 * the input has no row end for ROWS_GIVE_UP bytes; PV_STORAGE for reading.
 */
PV_MUST enum pv_code rows_next(struct rows *r, bool wait, enum rows_got *got,
			       struct span *row, struct err *err);

/*
 * Splits one CSV row. Cells are unquoted into text and NUL-terminated;
 * cells[i] are offsets. PV_INPUT, rule "csv.format".
 */
PV_MUST enum pv_code csv_split(struct span row, struct buf *text,
			       size_t cells[ROWS_CELLS_MAX], size_t *n,
			       struct err *err);

#endif
