#include "lib/flow/linereport.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/json.h"
#include "lib/base/pvtime.h"
#include "lib/flow/request.h"

CLEANUP_PTR(struct json_doc, json_doc_free);

void linereport_init(struct linereport *r, int fd, enum rows_format format)
{
	memset(r, 0, sizeof(*r));
	rows_init(&r->rows, fd, format);
	csv_table_init(&r->table, REQUEST_LINE_MAX);
}

void linereport_release(struct linereport *r)
{
	rows_release(&r->rows);
	csv_table_release(&r->table);
}

static enum pv_code bad_value(const char *key, const char *hint,
			      struct err *err)
{
	return err_fail(err, PV_INPUT, "report.value", hint,
			"%s does not hold what it should", key);
}

static enum pv_code set_name(char out[STORE_ID_MAX + 1], const char *key,
			     const char *value, struct err *err)
{
	size_t len = strlen(value);

	if (!name_is_safe(value, len))
		return bad_value(key,
				 "1 to 64 of 0x21-0x7E, no '/', not starting "
				 "with '.' or '-'",
				 err);
	memcpy(out, value, len + 1);
	return PV_OK;
}

static enum pv_code set_serial(struct linereport_line *l, const char *value,
			       struct err *err)
{
	size_t len = strlen(value) / 2;

	if (strlen(value) % 2 || len < STORE_SERIAL_MIN ||
	    len > STORE_SERIAL_MAX || !hex_decode(value, l->serial, len))
		return bad_value("serial", "32 to 40 hex digits", err);
	l->serial_len = len;
	return PV_OK;
}

static enum pv_code set_bundle(struct linereport_line *l, const char *value,
			       struct err *err)
{
	if (strlen(value) != 2 * sizeof(l->bundle) ||
	    !hex_decode(value, l->bundle, sizeof(l->bundle)))
		return bad_value("bundle", "a bundle-id, 32 hex digits", err);
	l->has_bundle = true;
	return PV_OK;
}

static enum pv_code set_status(struct linereport_line *l, const char *value,
			       struct err *err)
{
	l->failed = strcmp(value, "failed") == 0;
	if (!l->failed && strcmp(value, "ok") != 0)
		return bad_value("status", "\"ok\" or \"failed\"", err);
	return PV_OK;
}

static enum pv_code check_time(const char *value, struct err *err)
{
	int64_t time_s;

	if (!pvtime_parse(value, strlen(value), &time_s))
		return bad_value("time", "YYYY-MM-DDTHH:MM:SSZ", err);
	return PV_OK;
}

static bool is_known(const char *key)
{
	static const char *const keys[] = { "device", "serial",	 "bundle",
					    "status", "station", "time" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(keys[i], key) == 0)
			return true;
	return false;
}

static enum pv_code set(void *ctx, const char *key, const char *value,
			struct err *err)
{
	struct linereport_line *l = ctx;
	if (strcmp(key, "device") == 0)
		return set_name(l->device, key, value, err);
	if (strcmp(key, "station") == 0)
		return set_name(l->station, key, value, err);
	if (strcmp(key, "serial") == 0)
		return set_serial(l, value, err);
	if (strcmp(key, "bundle") == 0)
		return set_bundle(l, value, err);
	if (strcmp(key, "status") == 0)
		return set_status(l, value, err);
	if (strcmp(key, "time") == 0)
		return check_time(value, err);
	return err_fail(err, PV_INPUT, "report.unknown_key",
			"device, serial, bundle, status, station, time",
			"unknown key %.40s", key);
}

static enum pv_code finish(const struct linereport_line *l, struct err *err)
{
	if (l->device[0] || l->serial_len || l->has_bundle)
		return PV_OK;
	return err_fail(err, PV_INPUT, "report.name",
			"give device, serial or bundle",
			"the line names no device");
}

static enum pv_code parse_json(struct span row, struct linereport_line *l,
			       struct err *err)
{
	CLEANUP(cleanup_json_doc_free) struct json_doc *doc = NULL;
	const char *key;
	json_t *value;
	enum pv_code rc = json_parse_max(row, REQUEST_LINE_MAX, &doc, err);

	if (rc == PV_OK && !json_is_object(json_root(doc)))
		rc = err_fail(err, PV_INPUT, "report.object", NULL,
			      "the line is not a JSON object");
	if (rc != PV_OK)
		return rc;
	json_object_foreach(json_root(doc), key, value)
	{
		if (is_known(key) && !json_is_string(value))
			return bad_value(key, "give strings", err);
		/* Not known: set() says so, and looks at no value. */
		rc = set(l, key, json_string_value(value), err);
		if (rc != PV_OK)
			return rc;
	}
	return finish(l, err);
}

static enum pv_code parse_csv(struct linereport *r, struct span row,
			      struct linereport_line *l, struct err *err)
{
	enum pv_code rc = csv_table_row(&r->table, row, set, l, err);

	return rc == PV_OK ? finish(l, err) : rc;
}

static enum pv_code known(const char *name, struct err *err)
{
	if (is_known(name))
		return PV_OK;
	return err_fail(err, PV_INPUT, "csv.columns",
			"keep only device, serial, bundle, status, station "
			"and time, separated by commas",
			"unknown column \"%.40s\"", name);
}

static enum pv_code next_row(struct linereport *r, struct span *row, bool *end,
			     struct err *err)
{
	enum rows_got got = ROWS_END;
	enum pv_code rc = rows_next(&r->rows, true, &got, row, err);

	*end = got == ROWS_END;
	if (rc == PV_OK && got == ROWS_LONG)
		rc = err_fail(err, PV_INPUT, "input.row", "shorten it",
			      "the row is longer than %d bytes",
			      REQUEST_LINE_MAX);
	return rc;
}

enum pv_code linereport_next(struct linereport *r, struct linereport_line *line,
			     bool *end, struct err *err)
{
	bool csv = r->rows.format == ROWS_CSV;
	struct span row = { NULL, 0 };
	enum pv_code rc = next_row(r, &row, end, err);

	memset(line, 0, sizeof(*line));
	if (rc == PV_OK && csv && r->table.n == 0 && *end)
		rc = err_fail(err, PV_INPUT, "csv.columns",
			      "the first row names the columns",
			      "the report has no header");
	if (rc == PV_OK && csv && r->table.n == 0) {
		rc = csv_table_header(&r->table, row, known, err);
		if (rc == PV_OK)
			rc = next_row(r, &row, end, err);
	}
	line->line = r->rows.line;
	if (rc != PV_OK || *end)
		return rc;
	return csv ? parse_csv(r, row, line, err) : parse_json(row, line, err);
}
