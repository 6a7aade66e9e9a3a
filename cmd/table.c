#include "cmd/table.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

static void put_quoted(struct buf *out, const char *s)
{
	if (!strpbrk(s, "\",\r\n")) {
		buf_put_str(out, s);
		return;
	}
	buf_put_u8(out, '"');
	for (; *s; s++) {
		if (*s == '"')
			buf_put_u8(out, '"');
		buf_put_u8(out, (uint8_t)*s);
	}
	buf_put_u8(out, '"');
}

static void put_end(const struct table *t, size_t i)
{
	buf_put_u8(t->out, i + 1 < t->n ? ',' : '\n');
}

void table_begin(const struct table *t)
{
	for (size_t i = 0; t->csv && i < t->n; i++) {
		buf_put_str(t->out, t->names[i]);
		put_end(t, i);
	}
}

static void put_csv(const struct table *t, const struct table_cell *cells)
{
	for (size_t i = 0; i < t->n; i++) {
		if (cells[i].is_number)
			buf_printf(t->out, "%llu",
				   (unsigned long long)cells[i].number);
		else if (cells[i].text)
			put_quoted(t->out, cells[i].text);
		put_end(t, i);
	}
}

static json_t *value_of(const struct table_cell *c)
{
	if (c->is_number)
		return json_integer((json_int_t)c->number);
	return c->text ? json_string(c->text) : json_null();
}

static bool put_json(const struct table *t, const struct table_cell *cells)
{
	json_t *row = json_object();
	char *text;
	bool good = row != NULL;

	for (size_t i = 0; good && i < t->n; i++)
		good = json_object_set_new(row, t->names[i],
					   value_of(&cells[i])) == 0;
	text = good ? json_dumps(row, JSON_COMPACT | JSON_PRESERVE_ORDER)
		    : NULL;
	if (text) {
		buf_put_str(t->out, text);
		buf_put_u8(t->out, '\n');
	}
	free(text);
	json_decref(row);
	return text != NULL;
}

enum pv_code table_row(const struct table *t, const struct table_cell *cells,
		       struct err *err)
{
	if (t->csv)
		put_csv(t, cells);
	else if (!put_json(t, cells))
		return err_fail(err, PV_INTERNAL, NULL, NULL,
				"cannot make the output");
	return buf_check(t->out, err);
}
