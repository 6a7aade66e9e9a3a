/* attest: many at once. */
#include "cmd/attest_group.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/out.h"
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/json.h"
#include "lib/base/pem.h"
#include "lib/flow/outcome.h"

#define GROUP 64 /* in one transaction */
#define LINES_MAX (4u * 1024u * 1024u)

CLEANUP_PTR(struct json_doc, json_doc_free);

void attest_group_init(struct attest_group *r, const struct app *app,
		       struct session *s)
{
	memset(r, 0, sizeof(*r));
	r->app = app;
	r->s = s;
	err_init(&r->worst);
	buf_init(&r->lines, LINES_MAX);
}

void attest_group_release(struct attest_group *r)
{
	store_rollback(&r->txn);
	buf_release(&r->lines);
}

enum pv_code attest_group_begin(struct attest_group *r, struct err *err)
{
	enum pv_code rc = PV_OK;

	if (!r->txn.store)
		rc = store_begin(r->s->store, STORE_WRITE, &r->txn, err);
	return rc == PV_OK ? event_now(r->s->store, &r->who, err) : rc;
}

static bool ends_run(enum pv_code rc)
{
	return rc == PV_HSM_TEMP || rc == PV_HSM_FATAL || rc == PV_STORAGE ||
	       rc == PV_INTERNAL || rc == PV_INTERRUPTED;
}

/* Takes the reference. */
static enum pv_code add_line(struct attest_group *r, json_t *line,
			     struct err *err)
{
	char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;

	json_decref(line);
	if (!text)
		return err_fail(err, PV_INTERNAL, "memory", NULL,
				"no memory for a line of results");
	buf_put_str(&r->lines, text);
	buf_put_u8(&r->lines, '\n');
	free(text);
	return buf_check(&r->lines, err);
}

enum pv_code attest_group_end(struct attest_group *r, json_t *o,
			      const char *status, struct err *why,
			      struct err *err)
{
	enum pv_code rc;

	if (ends_run(why->code)) {
		json_decref(o);
		*err = *why;
		return err->code;
	}
	json_object_set_new(
		o, "status",
		json_string(why->code == PV_OK ? status : "refused"));
	if (why->code != PV_OK)
		json_object_set_new(o, "error",
				    json_pack("{s:i, s:s, s:s, s:s}", "code",
					      (int)why->code, "rule", why->rule,
					      "message", why->message, "hint",
					      why->hint));
	r->refused += why->code != PV_OK;
	outcome_note(&r->worst, why);
	rc = add_line(r, o, err);
	return rc == PV_OK && ++r->n % GROUP == 0 ? attest_group_flush(r, err)
						  : rc;
}

enum pv_code attest_group_flush(struct attest_group *r, struct err *err)
{
	enum pv_code rc = r->txn.store ? store_commit(&r->txn, err) : PV_OK;

	if (rc == PV_OK)
		rc = out_bytes(buf_span(&r->lines), err);
	buf_reset(&r->lines);
	return rc;
}

enum pv_code attest_group_finish(struct attest_group *r, const char *what,
				 struct err *err)
{
	enum pv_code rc = attest_group_flush(r, err);

	if (rc == PV_OK)
		rc = session_checkpoint(r->app, r->s, err);
	if (rc != PV_OK)
		return rc;
	if (r->n > 1)
		out_note(r->app, "provctl: %zu of %s, %zu refused", r->n, what,
			 r->refused);
	*err = r->worst;
	return err->code;
}

/* ---- input ---- */

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

static enum pv_code take_line(struct attest_group *r, struct span row,
			      enum pv_code (*take)(void *ctx, json_t *line,
						   struct err *err),
			      void *ctx, struct err *err)
{
	CLEANUP(cleanup_json_doc_free) struct json_doc *doc = NULL;
	struct err why;

	err_init(&why);
	if (json_parse(row, &doc, &why) == PV_OK &&
	    !json_is_object(json_root(doc)))
		(void)err_fail(&why, PV_INPUT, "list.line", NULL,
			       "the line is no JSON object");
	if (why.code == PV_OK)
		return take(ctx, json_root(doc), err);
	return attest_group_end(r, json_object(), "", &why, err);
}

enum pv_code attest_each_line(struct attest_group *r, const char *path,
			      enum pv_code (*take)(void *ctx, json_t *line,
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

		rc = rows_next(&rows, true, &got, &row, err);
		if (rc != PV_OK || got == ROWS_END)
			break;
		if (got == ROWS_LONG)
			row = (struct span){ (const uint8_t *)"", 0 };
		rc = take_line(r, row, take, ctx, err);
	}
	return rc;
}
