/* attest: many at once. */
#include "cmd/attest_group.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/out.h"
#include "lib/base/cleanup.h"
#include "lib/flow/outcome.h"

#define GROUP 64 /* in one transaction */
#define LINES_MAX (4u * 1024u * 1024u)
#define FILE_MAX (64u * 1024u * 1024u)

void attest_group_init(struct attest_group *r, const struct app *app,
		       struct session *s)
{
	memset(r, 0, sizeof(*r));
	r->app = app;
	r->s = s;
	err_init(&r->worst);
	buf_init(&r->lines, LINES_MAX);
	buf_init(&r->file, FILE_MAX);
}

void attest_group_release(struct attest_group *r)
{
	store_rollback(&r->txn);
	buf_release(&r->lines);
	buf_release(&r->file);
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
	char *text = NULL;

	if (line && r->quiet) {
		json_decref(line);
		return PV_OK;
	}
	if (line)
		text = json_dumps(line, JSON_COMPACT);
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
		store_rollback(&r->txn);
		buf_reset(&r->lines);
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
	return rc == PV_OK && ++r->n % GROUP == 0 && !r->rest
		       ? attest_group_commit(r, err)
		       : rc;
}

enum pv_code attest_group_commit(struct attest_group *r, struct err *err)
{
	enum pv_code rc = r->txn.store ? store_commit(&r->txn, err) : PV_OK;

	if (rc == PV_OK && r->path)
		buf_put(&r->file, r->lines.data, r->lines.len);
	else if (rc == PV_OK)
		rc = out_bytes(buf_span(&r->lines), err);
	buf_reset(&r->lines);
	if (rc == PV_OK)
		rc = buf_check(&r->file, err);
	return rc == PV_OK ? out_flush(err) : rc;
}

enum pv_code attest_group_flush(struct attest_group *r, struct err *err)
{
	enum pv_code rc = r->rest ? r->rest(r->rest_ctx, err) : PV_OK;

	return rc == PV_OK ? attest_group_commit(r, err) : rc;
}

/* What is there already is found before anything is recorded. */
enum pv_code attest_group_to(struct attest_group *r, const char *path,
			     struct err *err)
{
	CLEANUP(out_staged_release) struct out_staged probe = OUT_STAGED_INIT;
	const struct span mark = { (const uint8_t *)"\n", 1 };

	r->path = path;
	return out_stage(&probe, path, 0600, mark, err);
}

enum pv_code attest_group_finish(struct attest_group *r, const char *what,
				 struct err *err)
{
	enum pv_code rc = attest_group_flush(r, err);

	if (rc == PV_OK && r->path)
		rc = out_file(r->path, 0600, buf_span(&r->file), err);
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
