#include "lib/flow/csvtable.h"

#include <string.h>

void csv_table_init(struct csv_table *t, size_t max)
{
	memset(t, 0, sizeof(*t));
	buf_init(&t->text, 2 * max);
	buf_init(&t->names, 2 * max);
}

void csv_table_release(struct csv_table *t)
{
	buf_release(&t->text);
	buf_release(&t->names);
}

static const char *name_of(const struct csv_table *t, size_t column)
{
	return (const char *)t->names.data + t->header[column];
}

static enum pv_code check_once(const struct csv_table *t, size_t column,
			       struct err *err)
{
	for (size_t j = 0; j < column; j++)
		if (strcmp(name_of(t, column), name_of(t, j)) == 0)
			return err_fail(err, PV_INPUT, "csv.columns",
					"name each column once",
					"column %.40s stands twice",
					name_of(t, column));
	return PV_OK;
}

enum pv_code csv_table_header(struct csv_table *t, struct span row,
			      enum pv_code (*known)(const char *name,
						    struct err *err),
			      struct err *err)
{
	enum pv_code rc = csv_split(row, &t->names, t->header, &t->n, err);

	for (size_t i = 0; rc == PV_OK && i < t->n; i++) {
		rc = known(name_of(t, i), err);
		if (rc == PV_OK)
			rc = check_once(t, i, err);
	}
	if (rc != PV_OK)
		t->n = 0;
	return rc;
}

bool csv_table_has(const struct csv_table *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(name_of(t, i), name) == 0)
			return true;
	return false;
}

enum pv_code csv_table_row(struct csv_table *t, struct span row,
			   csv_table_set *set, void *ctx, struct err *err)
{
	size_t n;
	enum pv_code rc = csv_split(row, &t->text, t->cells, &n, err);

	if (rc == PV_OK && n != t->n)
		rc = err_fail(err, PV_INPUT, "csv.columns",
			      "as many cells as the header has",
			      "the row has %zu cells, the header %zu", n, t->n);
	for (size_t i = 0; rc == PV_OK && i < n; i++) {
		const char *value = (const char *)t->text.data + t->cells[i];

		/* An empty cell is an absent value. */
		if (value[0])
			rc = set(ctx, name_of(t, i), value, err);
	}
	return rc;
}
