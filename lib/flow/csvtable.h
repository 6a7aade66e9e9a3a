/*
 * csvtable: CSV rows behind a header that names their columns (RFC 4180 2), as
 * key and value: the header once, then row after row.
 *
 * Does not check: which names and values there may be: the caller's callbacks
 * do.
 */
#ifndef PV_FLOW_CSVTABLE_H
#define PV_FLOW_CSVTABLE_H

#include "lib/flow/rows.h"

struct csv_table {
	struct buf text, names; /* cells, NUL behind each */
	size_t cells[ROWS_CELLS_MAX], header[ROWS_CELLS_MAX];
	size_t n; /* columns; 0: no header yet */
};

/* max: bytes of a row. */
void csv_table_init(struct csv_table *t, size_t max);
void csv_table_release(struct csv_table *t);

/* Takes the header. known refuses a name; each stands once: PV_INPUT,
 * "csv.columns" or "csv.format". t has no header after a failure. */
PV_MUST enum pv_code csv_table_header(struct csv_table *t, struct span row,
				      enum pv_code (*known)(const char *name,
							    struct err *err),
				      struct err *err);

/* Is there a column of that name? */
PV_MUST bool csv_table_has(const struct csv_table *t, const char *name);

typedef enum pv_code csv_table_set(void *ctx, const char *key,
				   const char *value, struct err *err);
/* Calls set for each cell that is not empty, by columns, until it refuses one.
 * PV_INPUT, "csv.columns": not as many cells as the header has; "csv.format".
 */
PV_MUST enum pv_code csv_table_row(struct csv_table *t, struct span row,
				   csv_table_set *set, void *ctx,
				   struct err *err);

#endif
