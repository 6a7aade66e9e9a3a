/* attest: many at once. */
#include "cmd/attest_group.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/out.h"
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/flow/outcome.h"

#define GROUP 64 /* in one transaction */
#define LINES_MAX (4u * 1024u * 1024u)

void attest_group_init(struct attest_group *r, const struct app *app,
		       struct session *s)
{
	memset(r, 0, sizeof(*r));
	r->app = app;
	r->s = s;
	err_init(&r->worst);
	buf_init(&r->lines, LINES_MAX);
	r->file = -1;
}

void attest_group_release(struct attest_group *r)
{
	store_rollback(&r->txn);
	buf_release(&r->lines);
	if (r->file >= 0 && lseek(r->file, 0, SEEK_END) == 0)
		unlink(r->path);
	fd_cleanup(&r->file);
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

static enum pv_code put_file(struct attest_group *r, struct err *err)
{
	enum pv_code rc =
		fd_write_all(r->file, r->lines.data, r->lines.len, err);

	if (rc == PV_OK && fsync(r->file) != 0)
		rc = err_errno(err, PV_STORAGE, "file.sync", "check the disk",
			       "cannot sync %s", r->path);
	return rc;
}

enum pv_code attest_group_commit(struct attest_group *r, struct err *err)
{
	enum pv_code rc = r->txn.store ? store_commit(&r->txn, err) : PV_OK;

	/* A file of refusals alone would stand in the way of the next try. */
	if (rc == PV_OK && r->lines.len > 0 && r->file >= 0 &&
	    r->n > r->refused)
		rc = put_file(r, err);
	else if (rc == PV_OK)
		rc = out_bytes(buf_span(&r->lines), err);
	buf_reset(&r->lines);
	return rc == PV_OK ? out_flush(err) : rc;
}

enum pv_code attest_group_flush(struct attest_group *r, struct err *err)
{
	enum pv_code rc = r->rest ? r->rest(r->rest_ctx, err) : PV_OK;

	return rc == PV_OK ? attest_group_commit(r, err) : rc;
}

static enum pv_code not_new(const char *path, struct err *err)
{
	err_object(err, path);
	return err_fail(err, PV_CONFLICT, "output.exists",
			"move it away or use another name", "%s is there",
			path);
}

/* What is there already is found before anything is recorded. */
enum pv_code attest_group_to(struct attest_group *r, const char *path,
			     struct err *err)
{
	CLEANUP(fd_cleanup) int folder = -1;
	const char *base;
	enum pv_code rc;

	if (strcmp(path, "-") == 0)
		return PV_OK;
	rc = out_folder(path, &folder, &base, err);
	if (rc != PV_OK)
		return rc;
	r->path = path;
	r->file = openat(folder, base,
			 O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_APPEND |
				 O_CLOEXEC,
			 0600);
	if (r->file < 0 && (errno == EEXIST || errno == ELOOP))
		return not_new(path, err);
	if (r->file < 0 || fsync(folder) != 0)
		return err_errno(err, errno == EACCES ? PV_DENIED : PV_STORAGE,
				 "file.create",
				 "check that the folder can be written",
				 "cannot create %s", path);
	return PV_OK;
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
		out_note(r->app, "provctl: %zu %s, %zu refused", r->n, what,
			 r->refused);
	*err = r->worst;
	return err->code;
}
