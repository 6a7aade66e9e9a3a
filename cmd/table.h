/*
 * table: rows for dependants, as JSON Lines or as CSV (RFC 4180, with a first
 * line of names), of the same cells.
 */
#ifndef PV_CMD_TABLE_H
#define PV_CMD_TABLE_H

#include "lib/base/buf.h"

struct table_cell {
	const char *text; /* NULL with is_number unset: there is none */
	bool is_number;
	uint64_t number;
};

struct table {
	bool csv;
	const char *const *names; /* of the n columns */
	size_t n;
	struct buf *out; /* appended to */
};

/* What stands before the first row. */
void table_begin(const struct table *t);
/* cells: t->n of them. PV_INTERNAL: out is full. */
PV_MUST enum pv_code table_row(const struct table *t,
			       const struct table_cell *cells, struct err *err);

#endif
