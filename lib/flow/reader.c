#include "lib/flow/reader.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/sha256.h"
#include "lib/flow/csvtable.h"
#include "lib/flow/records.h"
#include "lib/flow/sandbox.h"
#include "lib/x509/csr.h"

#define FIELD_PREFIX "field."
#define SHARE_MIN 32  /* a few rows stay together, and so in their order */
#define ROW_GUESS 512 /* bytes, before there was one */
#define OPTIONS_MAX (4u * 1024u * 1024u) /* above what a command line holds */

struct reader {
	const struct reader_opts *opts;
	struct request_source src;
	struct request req;
	uint64_t group;	 /* number of the group being filled */
	uint64_t number; /* of the last request, from 1: orders results */
	uint64_t line;	 /* where it begins in the input, from 1 */
	size_t in_group;
	size_t group_max; /* of this round of the signers */
	uint64_t size;	  /* of the input, 0: it is not a file */
	uint64_t taken;	  /* bytes of it, about */
	struct csv_table table;
};

static struct wire *current(struct reader *r)
{
	return &r->opts->signers[r->group % r->opts->signers_n];
}

/*
 * What is left of a file is shared out evenly when it is less than a full round
 * of groups, so that the signers end together.
 */
static void begin_round(struct reader *r)
{
	uint64_t left = r->size > r->taken ? r->size - r->taken : 0;
	uint64_t share;

	r->group_max = r->opts->group_max;
	if (left == 0)
		return;
	left = r->taken ? left * r->number / r->taken : left / ROW_GUESS;
	share = left / r->opts->signers_n + 1;
	if (share < SHARE_MIN)
		share = SHARE_MIN;
	if (share < r->group_max)
		r->group_max = (size_t)share;
}

static enum pv_code end_group(struct reader *r, struct err *err)
{
	struct wire *w = current(r);

	if (r->in_group == 0)
		return PV_OK;
	wire_put_mark(w, WIRE_GROUP_END, r->group);
	r->group++;
	r->in_group = 0;
	if (r->group % r->opts->signers_n == 0)
		begin_round(r);
	return wire_flush(w, err);
}

static enum pv_code put_refused(struct reader *r, struct err *why,
				struct err *err)
{
	struct wire *w = current(r);
	struct record_refused refused = { .line = r->number };
	char object[32];

	snprintf(object, sizeof(object), "line %llu",
		 (unsigned long long)r->line);
	err_object(why, r->req.device[0] ? r->req.device : object);
	/* The request id defaults to the device id, also of a refused one. */
	memcpy(refused.id, r->req.id[0] ? r->req.id : r->req.device,
	       sizeof(refused.id));
	memcpy(refused.device, r->req.device, sizeof(refused.device));
	memcpy(refused.bytes_sha256, r->req.bytes_sha256, 32);
	refused.why = *why;
	record_put_refused(w, &refused);
	return buf_check(&w->out, err);
}

/* The CSR's structure is checked here, in the process with nothing to lose. */
static enum pv_code check_csr(const struct request *req, struct err *why)
{
	struct csr csr;

	if (req->csr.len == 0)
		return PV_OK;
	return csr_decode(buf_span(&req->csr), &csr, why);
}

static enum pv_code set_rotate(struct request *req, struct err *why)
{
	if (req->replace != REQUEST_FIRST)
		return err_fail(why, PV_INPUT, "request.replace",
				"leave \"replace\" out",
				"a device is rotated, or replaced by issue");
	req->replace = REQUEST_ROTATE;
	return PV_OK;
}

/* Sends what was parsed from these bytes, or why it was refused. */
static enum pv_code hand_on(struct reader *r, struct span bytes,
			    enum pv_code parsed, struct err *why,
			    struct err *err)
{
	enum pv_code rc = sha256(bytes, r->req.bytes_sha256, err);

	if (rc != PV_OK)
		return rc;
	if (parsed == PV_OK && r->opts->rotate)
		parsed = set_rotate(&r->req, why);
	if (parsed == PV_OK)
		parsed = check_csr(&r->req, why);
	r->req.line = r->number;
	if (parsed == PV_OK)
		request_put(current(r), &r->req);
	else
		rc = put_refused(r, why, err);
	r->in_group++;
	if (rc == PV_OK && (r->in_group >= r->group_max ||
			    current(r)->out.len >= READER_GROUP_BYTES))
		rc = end_group(r, err);
	return rc;
}

static enum pv_code set_pair(void *ctx, const char *key, const char *value,
			     struct err *why)
{
	struct reader *r = ctx;
	size_t skip = strlen(FIELD_PREFIX);

	if (strncmp(key, FIELD_PREFIX, skip) == 0)
		return request_add_field(&r->req, key + skip, value, why);
	return request_set(&r->req, key, value, &r->src, why);
}

static enum pv_code parse_csv(struct reader *r, struct span row,
			      struct err *why)
{
	enum pv_code rc;

	request_reset(&r->req);
	rc = csv_table_row(&r->table, row, set_pair, r, why);
	return rc == PV_OK ? request_finish(&r->req, why) : rc;
}

static enum pv_code check_column(const char *name, struct err *err)
{
	size_t skip = strlen(FIELD_PREFIX);

	if (strncmp(name, FIELD_PREFIX, skip) == 0 &&
	    name_is_safe(name + skip, strlen(name + skip)))
		return PV_OK;
	if (strcmp(name, "fields") != 0 && request_key_known(name))
		return PV_OK;
	if (strchr(name, ';'))
		return err_fail(err, PV_INPUT, "csv.columns",
				"save it with commas, as RFC 4180 says",
				"columns are separated by commas, not by "
				"semicolons");
	return err_fail(err, PV_INPUT, "csv.columns",
			"columns are named as the keys of a JSON request, "
			"fields as field.<name>; see provctl issue --help",
			"there is no column \"%.40s\"", name);
}

/* By names that are known: else all rows are wrong. */
static enum pv_code take_header(struct reader *r, struct span row,
				struct err *err)
{
	enum pv_code rc = csv_table_header(&r->table, row, check_column, err);

	if (rc == PV_OK && !csv_table_has(&r->table, "device"))
		rc = err_fail(err, PV_INPUT, "csv.columns",
			      "the first row names the columns",
			      "there is no column \"device\"");
	return rc;
}

static enum pv_code take_row(struct reader *r, enum rows_got got,
			     struct span row, struct err *err)
{
	struct err why;
	enum pv_code rc;

	err_init(&why);
	if (r->opts->format == ROWS_CSV && r->table.n == 0 && got == ROWS_ROW)
		return take_header(r, row, err);
	r->number++;
	if (got == ROWS_LONG) {
		request_reset(&r->req);
		rc = err_fail(
			&why, PV_INPUT, "input.row", "shorten the request",
			"the row is longer than %d bytes", REQUEST_LINE_MAX);
	} else if (r->opts->format == ROWS_CSV) {
		rc = parse_csv(r, row, &why);
	} else {
		rc = request_parse(&r->req, row, &r->src, &why);
	}
	return hand_on(r, row, rc, &why, err);
}

static enum pv_code read_rows(struct reader *r, struct err *err)
{
	struct rows rows;
	enum pv_code rc = PV_OK;

	rows_init(&rows, r->opts->fd, r->opts->format);
	while (rc == PV_OK) {
		enum rows_got got;
		struct span row;

		/* With a group open, a pause in the input sends it off. */
		rc = rows_next(&rows, r->in_group == 0, &got, &row, err);
		if (rc != PV_OK || got == ROWS_END)
			break;
		r->line = rows.line;
		if (got == ROWS_WAIT) {
			rc = end_group(r, err);
			continue;
		}
		r->taken += row.len + 1;
		rc = take_row(r, got, row, err);
	}
	rows_release(&rows);
	return rc;
}

static enum pv_code read_pairs(struct reader *r, struct err *err)
{
	CLEANUP(buf_release) struct buf bytes;
	enum pv_code rc = PV_OK;
	struct err why;

	err_init(&why);
	request_reset(&r->req);
	r->req.host_key = r->opts->host_key;
	r->number = r->line = 1;
	for (size_t i = 0; rc == PV_OK && i < r->opts->pairs_n; i++)
		rc = set_pair(r, r->opts->pairs[i].key, r->opts->pairs[i].value,
			      &why);
	if (rc == PV_OK)
		rc = request_finish(&r->req, &why);
	/* As a row would be: each option, and what it is. */
	buf_init(&bytes, OPTIONS_MAX);
	for (size_t i = 0; i < r->opts->pairs_n; i++)
		buf_printf(&bytes, "%s=%s\n", r->opts->pairs[i].key,
			   r->opts->pairs[i].value);
	if (bytes.failed)
		return buf_check(&bytes, err);
	return hand_on(r, buf_span(&bytes), rc, &why, err);
}

enum pv_code reader_run(const struct reader_opts *opts, struct err *err)
{
	struct reader r = { .opts = opts };
	struct stat st;
	enum pv_code rc;
	bool landlock = false;

	r.src.folder = opts->folder;
	r.src.renewal = opts->renewal;
	if (opts->fd >= 0 && fstat(opts->fd, &st) == 0 && S_ISREG(st.st_mode))
		r.size = (uint64_t)st.st_size;
	begin_round(&r);
	request_init(&r.req);
	csv_table_init(&r.table, REQUEST_LINE_MAX);
	/* jansson seeds its tables from a file and OpenSSL reads its
	 * configuration at first use: before that is out of reach. */
	json_object_seed(0);
	rc = sha256((struct span){ NULL, 0 }, r.req.bytes_sha256, err);
	if (rc == PV_OK)
		rc = sandbox_enter(opts->folder, &landlock, err);
	/* Without Landlock nothing keeps a path below the folder. */
	if (!landlock)
		r.src.folder = -1;
	if (rc == PV_OK)
		rc = opts->fd >= 0 ? read_rows(&r, err) : read_pairs(&r, err);
	if (rc == PV_OK)
		rc = end_group(&r, err);
	for (size_t i = 0; rc == PV_OK && i < opts->signers_n; i++) {
		wire_put_mark(&opts->signers[i], WIRE_END, r.group);
		rc = wire_flush(&opts->signers[i], err);
	}
	request_release(&r.req);
	csv_table_release(&r.table);
	return rc;
}
