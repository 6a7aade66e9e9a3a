/* attest: what the words of it read. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cmd/attest_group.h"
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/json.h"
#include "lib/base/pem.h"

CLEANUP_PTR(struct json_doc, json_doc_free);

enum pv_code attest_read_der(const char *path, const char *label, size_t max,
			     struct buf *der, struct err *err)
{
	CLEANUP(buf_release) struct buf text;
	enum pv_code rc;

	buf_init(&text, 2 * max + 256);
	rc = file_read(AT_FDCWD, path, 0, &text, err);
	if (rc == PV_OK && pem_is(buf_span(&text), label))
		return pem_decode(buf_span(&text), label, der, err);
	if (rc == PV_OK)
		buf_put(der, text.data, text.len);
	return rc == PV_OK ? buf_check(der, err) : rc;
}

enum pv_code attest_hex(const char *text, const char *rule, uint8_t *out,
			size_t len, struct err *err)
{
	if (strlen(text) == 2 * len && hex_decode(text, out, len))
		return PV_OK;
	return err_fail(err, PV_INPUT, rule, NULL,
			"give %zu bytes as %zu hex digits", len, 2 * len);
}

enum pv_code attest_line(struct span line, struct json_doc **doc,
			 struct err *err)
{
	enum pv_code rc = json_parse(line, doc, err);

	if (rc == PV_OK && !json_is_object(json_root(*doc)))
		rc = err_fail(err, PV_INPUT, "list.line", NULL,
			      "the line is no JSON object");
	return rc;
}

/* Whoever waits for a line holds nobody up, and has said what it did: r, where
 * that is of a group. */
static enum pv_code next(struct attest_group *r, struct rows *rows,
			 enum rows_got *got, struct span *row, struct err *err)
{
	enum pv_code rc = rows_next(rows, r == NULL, got, row, err);

	if (rc != PV_OK || *got != ROWS_WAIT)
		return rc;
	rc = attest_group_flush(r, err);
	return rc == PV_OK ? rows_next(rows, true, got, row, err) : rc;
}

static enum pv_code read_lines(struct attest_group *r, const char *path,
			       enum pv_code (*take)(void *ctx, struct span line,
						    struct err *err),
			       void *ctx, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = -1;
	CLEANUP(rows_release) struct rows rows;
	enum pv_code rc = PV_OK;

	if (strcmp(path, "-") != 0)
		rc = file_open(AT_FDCWD, path, 0, &fd, err);
	rows_init(&rows, fd >= 0 ? fd : STDIN_FILENO, ROWS_JSONL);
	while (rc == PV_OK) {
		enum rows_got got;
		struct span row;

		rc = next(r, &rows, &got, &row, err);
		if (rc != PV_OK || got == ROWS_END)
			break;
		if (got == ROWS_LONG)
			row = (struct span){ (const uint8_t *)"", 0 };
		rc = take(ctx, row, err);
	}
	return rc;
}

enum pv_code attest_read_lines(const char *path,
			       enum pv_code (*take)(void *ctx, struct span line,
						    struct err *err),
			       void *ctx, struct err *err)
{
	return read_lines(NULL, path, take, ctx, err);
}

struct each {
	struct attest_group *r;
	enum pv_code (*take)(void *ctx, json_t *line, struct err *err);
	void *ctx;
};

static enum pv_code take_line(void *ctx, struct span row, struct err *err)
{
	CLEANUP(cleanup_json_doc_free) struct json_doc *doc = NULL;
	const struct each *x = ctx;
	struct err why;

	err_init(&why);
	if (attest_line(row, &doc, &why) == PV_OK)
		return x->take(x->ctx, json_root(doc), err);
	if (attest_group_flush(x->r, err) != PV_OK)
		return err->code;
	return attest_group_end(x->r, json_object(), "", &why, err);
}

/* What came before it was done, if that can be; why it ends is what counts. */
static enum pv_code end_early(struct attest_group *r, enum pv_code why)
{
	struct err second;
	enum pv_code flushed;

	err_init(&second);
	flushed = attest_group_flush(r, &second);
	(void)flushed;
	return why;
}

enum pv_code attest_each_line(struct attest_group *r, const char *path,
			      enum pv_code (*take)(void *ctx, json_t *line,
						   struct err *err),
			      void *ctx, struct err *err)
{
	struct each x = { r, take, ctx };
	enum pv_code rc = read_lines(r, path, take_line, &x, err);

	return rc == PV_OK ? rc : end_early(r, rc);
}
