#include "lib/flow/results.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/mem.h"
#include "lib/base/pem.h"

#define LINE_MAX_BYTES (4u * 1024u * 1024u)
#define LINES_TEMP ".results.jsonl.tmp"
#define LINES_NAME "results.jsonl"
#define GROUP_FILES 900 /* one fileio group holds a few more */

CLEANUP_PTR(struct results, results_free);

struct results {
	struct results_opts opts;
	int dir, certs, bundles, beside; /* folders; -1 */
	int lines;			 /* results.jsonl in the making; -1 */
	struct file_group *group;
	size_t staged;
	struct buf pending; /* lines whose files are not durable */
	struct buf line, pem;
};

static const char *status_name(enum issue_status s)
{
	switch (s) {
	case ISSUE_ISSUED:
		return "issued";
	case ISSUE_EXISTING:
		return "existing";
	case ISSUE_DENIED:
		return "denied";
	case ISSUE_QUARANTINED:
		return "quarantined";
	case ISSUE_FAILED:
		return "failed";
	}
	return "failed";
}

/* ---- one line ---- */

/* How many bytes from here on stand for themselves in a JSON string. */
static size_t plain_run(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && s[n] >= 0x20 && s[n] <= 0x7e && s[n] != '"' &&
	       s[n] != '\\')
		n++;
	return n;
}

static void put_string(struct buf *b, const char *s, size_t len)
{
	buf_put_u8(b, '"');
	while (len > 0) {
		size_t n = plain_run(s, len);

		buf_put(b, s, n);
		s += n;
		len -= n;
		if (len == 0)
			break;
		if (*s == '"' || *s == '\\')
			buf_printf(b, "\\%c", *s);
		else if (*s == '\n')
			buf_put_str(b, "\\n");
		else
			buf_printf(b, "\\u%04x", (uint8_t)*s); /* Latin-1 */
		s++;
		len--;
	}
	buf_put_u8(b, '"');
}

static void put_text(struct buf *b, const char *key, const char *value)
{
	buf_printf(b, "\"%s\":", key);
	if (value && value[0])
		put_string(b, value, strlen(value));
	else
		buf_put_str(b, "null");
}

static void put_error(struct buf *b, const struct err *e)
{
	buf_put_str(b, ",\"error\":");
	if (e->code == PV_OK) {
		buf_put_str(b, "null");
		return;
	}
	buf_printf(b, "{\"code\":%d,\"name\":\"%s\",", (int)e->code,
		   pv_code_name(e->code));
	put_text(b, "object", e->object);
	buf_put_u8(b, ',');
	put_text(b, "rule", e->rule);
	buf_put_u8(b, ',');
	put_text(b, "message", e->message);
	buf_put_u8(b, ',');
	put_text(b, "hint", e->hint);
	buf_put_u8(b, '}');
}

static void put_base64(struct buf *b, struct span s)
{
	size_t len = BASE64_LEN(s.len);
	uint8_t *room;

	buf_put_u8(b, '"');
	room = buf_room(b, len + 1);
	if (room) {
		base64_encode(s.p, s.len, (char *)room);
		buf_commit(b, len);
	}
	buf_put_u8(b, '"');
}

static void bundle_name(char out[160], const struct record_out *o, size_t n)
{
	snprintf(out, 160, "%s.%s.pvb", o->device, o->bundles[n].stage);
}

static void put_one_bundle(const struct results *r, struct buf *b,
			   const struct record_out *o, size_t n)
{
	char name[160], path[180];

	bundle_name(name, o, n);
	snprintf(path, sizeof(path), "bundles/%s", name);
	if (r->opts.out_dir)
		put_string(b, path, strlen(path));
	else if (r->opts.bundle_file)
		put_string(b, r->opts.bundle_file, strlen(r->opts.bundle_file));
	else
		put_base64(b, o->bundles[n].container);
}

/* One bundle is a string, several are an object by stage. */
static void put_bundles(const struct results *r, struct buf *b,
			const struct record_out *o)
{
	buf_put_str(b, ",\"bundle\":");
	if (o->bundles_n == 0)
		buf_put_str(b, "null");
	else if (o->bundles_n == 1)
		put_one_bundle(r, b, o, 0);
	for (size_t n = 0; o->bundles_n > 1 && n < o->bundles_n; n++) {
		buf_put_u8(b, n ? ',' : '{');
		buf_printf(b, "\"%s\":", o->bundles[n].stage);
		put_one_bundle(r, b, o, n);
	}
	if (o->bundles_n > 1)
		buf_put_u8(b, '}');
}

static enum pv_code put_line(struct results *r, const struct record_out *o,
			     const struct err *e, struct err *err)
{
	char serial[64] = "";
	struct buf *b = &r->line;

	if (o->serial.len > 0 && o->serial.len < sizeof(serial) / 2)
		hex_encode(o->serial.p, o->serial.len, serial);
	buf_reset(b);
	buf_put_u8(b, '{');
	put_text(b, "request", o->id);
	buf_put_u8(b, ',');
	put_text(b, "device", o->device);
	buf_printf(b, ",\"status\":\"%s\",", status_name(o->status));
	put_text(b, "serial", serial);
	buf_put_str(b, ",\"certificate\":");
	if (r->pem.len > 0)
		put_string(b, (const char *)r->pem.data, r->pem.len);
	else
		buf_put_str(b, "null");
	put_bundles(r, b, o);
	put_error(b, e);
	buf_put_str(b, "}\n");
	buf_put(&r->pending, b->data, b->len);
	return b->failed ? buf_check(b, err) : buf_check(&r->pending, err);
}

/* ---- files ---- */

static enum pv_code stage_file(struct results *r, int dir, const char *name,
			       struct span bytes, struct err *err)
{
	enum pv_code rc = file_group_add(r->group, dir, name, 0600, bytes.p,
					 bytes.len, err);

	if (rc == PV_OK)
		r->staged++;
	return rc;
}

static enum pv_code stage_files(struct results *r, const struct record_out *o,
				struct err *err)
{
	const char *slash;
	char name[160];
	enum pv_code rc = PV_OK;

	if (r->opts.bundle_file && o->bundles_n > 0) {
		slash = strrchr(r->opts.bundle_file, '/');
		return stage_file(r, r->beside,
				  slash ? slash + 1 : r->opts.bundle_file,
				  o->bundles[0].container, err);
	}
	if (!r->opts.out_dir)
		return PV_OK;
	snprintf(name, sizeof(name), "%s.pem", o->device);
	if (r->pem.len > 0)
		rc = stage_file(r, r->certs, name, buf_span(&r->pem), err);
	for (size_t n = 0; rc == PV_OK && n < o->bundles_n; n++) {
		bundle_name(name, o, n);
		rc = stage_file(r, r->bundles, name, o->bundles[n].container,
				err);
	}
	return rc;
}

static enum pv_code give_lines(struct results *r, struct err *err)
{
	enum pv_code rc = PV_OK;

	if (r->pending.len == 0)
		return PV_OK;
	if (r->lines >= 0)
		rc = fd_write_all(r->lines, r->pending.data, r->pending.len,
				  err);
	if (rc == PV_OK && r->opts.line)
		rc = r->opts.line(r->opts.ctx, buf_span(&r->pending), err);
	buf_reset(&r->pending);
	return rc;
}

static enum pv_code settle(struct results *r, struct err *err)
{
	enum pv_code rc = file_group_commit(r->group, err);

	r->staged = 0;
	return rc == PV_OK ? give_lines(r, err) : rc;
}

static enum pv_code take_result(void *ctx, const struct record_out *o,
				struct err *err)
{
	struct results *r = ctx;
	struct err why = o->err;
	enum pv_code rc, lines;

	buf_reset(&r->pem);
	if (o->cert.len > 0)
		pem_encode(&r->pem, "CERTIFICATE", o->cert);
	rc = buf_check(&r->pem, err);
	if (rc == PV_OK && why.code == PV_OK)
		rc = stage_files(r, o, &why);
	/* The device is issued all the same: the line says what is wrong. */
	lines = put_line(r, o, &why, err);
	if (lines != PV_OK)
		return lines;
	if (rc != PV_OK) {
		*err = why;
		return rc;
	}
	if (r->staged > GROUP_FILES || r->pending.len > LINE_MAX_BYTES / 2)
		return settle(r, err);
	return PV_OK;
}

static enum pv_code take_flush(void *ctx, const struct issue_counts *counts,
			       struct err *err)
{
	struct results *r = ctx;
	enum pv_code rc = settle(r, err);

	if (rc == PV_OK && r->opts.flush)
		rc = r->opts.flush(r->opts.ctx, counts, err);
	return rc;
}

/* ---- life ---- */

static enum pv_code open_sub(int dir, const char *name, int *fd,
			     struct err *err)
{
	enum pv_code rc = dir_make(dir, name, 0700, err);

	return rc == PV_OK ? dir_open(dir, name, fd, err) : rc;
}

static enum pv_code open_out(struct results *r, struct err *err)
{
	char target[2];
	enum pv_code rc = open_sub(AT_FDCWD, r->opts.out_dir, &r->dir, err);

	if (rc == PV_OK)
		rc = open_sub(r->dir, "certs", &r->certs, err);
	if (rc == PV_OK)
		rc = open_sub(r->dir, "bundles", &r->bundles, err);
	if (rc != PV_OK)
		return rc;
	file_group_sweep(r->certs);
	file_group_sweep(r->bundles);
	if (readlinkat(r->dir, LINES_NAME, target, sizeof(target)) >= 0)
		return err_fail(err, PV_CONFLICT, "output.exists",
				"remove the link",
				"results.jsonl is a symbolic link");
	unlinkat(r->dir, LINES_TEMP, 0);
	r->lines = openat(r->dir, LINES_TEMP,
			  O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			  0600);
	if (r->lines >= 0)
		return PV_OK;
	return err_errno(err, PV_STORAGE, "file.create",
			 "check that the folder can be written",
			 "cannot create results.jsonl");
}

static enum pv_code open_beside(struct results *r, struct err *err)
{
	const char *path = r->opts.bundle_file;
	const char *slash = strrchr(path, '/');
	char dir[4096];

	if (!slash)
		return dir_open(AT_FDCWD, ".", &r->beside, err);
	if ((size_t)(slash - path) >= sizeof(dir))
		return err_fail(err, PV_USAGE, "usage.value", NULL,
				"the path is too long");
	snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path + 1), path);
	return dir_open(AT_FDCWD, dir, &r->beside, err);
}

enum pv_code results_new(const struct results_opts *opts, struct results **out,
			 struct err *err)
{
	CLEANUP(cleanup_results_free)
	struct results *r = mem_new(sizeof(*r), err);
	enum pv_code rc;

	if (!r)
		return PV_INTERNAL;
	r->opts = *opts;
	r->dir = r->certs = r->bundles = r->beside = r->lines = -1;
	buf_init(&r->pending, LINE_MAX_BYTES * 2);
	buf_init(&r->line, LINE_MAX_BYTES);
	buf_init(&r->pem, 65536);
	rc = file_group_new(&r->group, err);
	if (rc == PV_OK && opts->out_dir)
		rc = open_out(r, err);
	if (rc == PV_OK && opts->bundle_file)
		rc = open_beside(r, err);
	if (rc == PV_OK)
		*out = TAKE(r);
	return rc;
}

struct issue_sink results_sink(struct results *r)
{
	struct issue_sink sink = { r, take_result, take_flush };

	return sink;
}

enum pv_code results_finish(struct results *r, struct err *err)
{
	enum pv_code rc = settle(r, err);

	if (r->lines < 0 || rc != PV_OK)
		return rc;
	if (fsync(r->lines) != 0 ||
	    renameat(r->dir, LINES_TEMP, r->dir, LINES_NAME) != 0 ||
	    fsync(r->dir) != 0)
		return err_errno(err, PV_STORAGE, "file.rename",
				 "free space or check the disk",
				 "cannot put results.jsonl in place");
	return PV_OK;
}

void results_free(struct results *r)
{
	if (!r)
		return;
	file_group_free(r->group);
	fd_cleanup(&r->lines);
	fd_cleanup(&r->certs);
	fd_cleanup(&r->bundles);
	fd_cleanup(&r->beside);
	fd_cleanup(&r->dir);
	buf_release(&r->pending);
	buf_release(&r->line);
	buf_release(&r->pem);
	free(r);
}
