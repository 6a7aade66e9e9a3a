#include "lib/flow/namelist.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/json.h"
#include "lib/flow/request.h"

CLEANUP_PTR(struct json_doc, json_doc_free);

void namelist_init(struct namelist *l, int fd, enum rows_format format)
{
	memset(l, 0, sizeof(*l));
	rows_init(&l->rows, fd, format);
	csv_table_init(&l->table, REQUEST_LINE_MAX);
}

void namelist_release(struct namelist *l)
{
	rows_release(&l->rows);
	csv_table_release(&l->table);
}

bool namelist_serial(const char *hex, uint8_t serial[STORE_SERIAL_MAX],
		     size_t *len)
{
	size_t n = strlen(hex) / 2;

	if (strlen(hex) % 2 || n < STORE_SERIAL_MIN || n > STORE_SERIAL_MAX)
		return false;
	*len = n;
	return hex_decode(hex, serial, n);
}

static enum pv_code set(void *ctx, const char *key, const char *value,
			struct err *err)
{
	struct namelist_line *l = ctx;
	size_t len = strlen(value);

	if (strcmp(key, "device") == 0) {
		if (!name_is_safe(value, len))
			return err_fail(err, PV_INPUT, "list.value",
					"1 to 64 of 0x21-0x7E, no '/', not "
					"starting with '.' or '-'",
					"that is not a device id");
		memcpy(l->device, value, len + 1);
		return PV_OK;
	}
	if (strcmp(key, "serial") == 0) {
		if (namelist_serial(value, l->serial, &l->serial_len))
			return PV_OK;
		return err_fail(err, PV_INPUT, "list.value",
				"32 to 40 hex digits",
				"that is not a serial number of ours");
	}
	return err_fail(err, PV_INPUT, "list.unknown_key", "device or serial",
			"unknown key %.40s", key);
}

static enum pv_code finish(const struct namelist_line *l, struct err *err)
{
	if ((l->device[0] != '\0') != (l->serial_len > 0))
		return PV_OK;
	return err_fail(err, PV_INPUT, "list.name",
			"give device or serial in each line",
			"the line names %s",
			l->device[0] ? "a device and a serial" : "nothing");
}

/* An id by itself, as `export kek --from' takes it. */
static enum pv_code take_bare(struct span row, struct namelist_line *l,
			      struct err *err)
{
	char id[STORE_ID_MAX + 1];

	if (row.len > STORE_ID_MAX || memchr(row.p, '\0', row.len))
		return err_fail(err, PV_INPUT, "list.value",
				"an id, or {\"device\": ID} or {\"serial\": "
				"HEX}; CSV has the name .csv and a header",
				"the line is no device id");
	memcpy(id, row.p, row.len);
	id[row.len] = '\0';
	return set(l, "device", id, err);
}

static enum pv_code parse_json(struct span row, struct namelist_line *l,
			       struct err *err)
{
	CLEANUP(cleanup_json_doc_free) struct json_doc *doc = NULL;
	const char *key;
	json_t *value;
	enum pv_code rc;

	if (row.p[0] != '{' && row.p[0] != '[' && row.p[0] != '"')
		return take_bare(row, l, err);
	rc = json_parse_max(row, REQUEST_LINE_MAX, &doc, err);
	if (rc == PV_OK && !json_is_object(json_root(doc)))
		rc = err_fail(err, PV_INPUT, "list.object", NULL,
			      "the line is not a JSON object");
	if (rc != PV_OK)
		return rc;
	json_object_foreach(json_root(doc), key, value)
	{
		const char *s = json_string_value(value);

		if (!s || strlen(s) != json_string_length(value))
			return err_fail(
				err, PV_INPUT, "list.value", "give strings",
				"%.40s does not hold what it should", key);
		rc = set(l, key, s, err);
		if (rc != PV_OK)
			return rc;
	}
	return finish(l, err);
}

static enum pv_code parse_csv(struct namelist *l, struct span row,
			      struct namelist_line *line, struct err *err)
{
	enum pv_code rc = csv_table_row(&l->table, row, set, line, err);

	return rc == PV_OK ? finish(line, err) : rc;
}

/* One column of the two, or both. */
static enum pv_code known(const char *name, struct err *err)
{
	if (strcmp(name, "device") == 0 || strcmp(name, "serial") == 0)
		return PV_OK;
	return err_fail(err, PV_INPUT, "csv.columns",
			"keep only device and serial, separated by commas",
			"unknown column \"%.40s\"", name);
}

static enum pv_code next_row(struct namelist *l, struct span *row, bool *end,
			     struct err *err)
{
	enum rows_got got = ROWS_END;
	enum pv_code rc = rows_next(&l->rows, true, &got, row, err);

	*end = got == ROWS_END;
	if (rc == PV_OK && got == ROWS_LONG)
		rc = err_fail(err, PV_INPUT, "input.row", "shorten it",
			      "the row is longer than %d bytes",
			      REQUEST_LINE_MAX);
	return rc;
}

/* Past the header of CSV. */
static enum pv_code data_row(struct namelist *l, struct span *row, bool *end,
			     struct err *err)
{
	bool header = l->rows.format == ROWS_CSV && l->table.n == 0;
	enum pv_code rc = next_row(l, row, end, err);

	if (rc != PV_OK || !header)
		return rc;
	if (*end)
		return err_fail(err, PV_INPUT, "csv.columns",
				"the first row names the columns",
				"the list has no header");
	rc = csv_table_header(&l->table, *row, known, err);
	return rc == PV_OK ? next_row(l, row, end, err) : rc;
}

enum pv_code namelist_next(struct namelist *l, struct namelist_line *line,
			   bool *end, struct err *err)
{
	struct span row = { NULL, 0 };
	enum pv_code rc = data_row(l, &row, end, err);

	memset(line, 0, sizeof(*line));
	line->line = l->rows.line;
	if (rc == PV_OK && !*end)
		rc = l->rows.format == ROWS_CSV ? parse_csv(l, row, line, err)
						: parse_json(row, line, err);
	/* Of no line at all nothing is to be named. */
	if (rc == PV_INPUT && line->line > 0)
		err_prefix(err, "line %llu", (unsigned long long)line->line);
	return rc;
}
