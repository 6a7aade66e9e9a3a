#include "lib/flow/results.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/mem.h"
#include "lib/base/pem.h"
#include "lib/flow/results_line.h"
#include "lib/flow/outlock.h"

/* The largest answer (wire.h) in base64. */
#define LINE_MAX_BYTES (6u * 1024u * 1024u)
#define LINES_NAME "results.jsonl"
#define LINES_AT_ONCE (256u * 1024u) /* bytes, where no file waits */
#define GROUP_FILES 900 /* one fileio group holds a few more */
#define PATH_CAP 4096
#define STAGE_ROOM (REQUEST_ID_MAX + 1) /* a stage and its dot */

CLEANUP_PTR(struct results, results_free);

struct results {
	struct results_opts opts;
	int dir, certs, bundles, beside; /* folders; -1 */
	int lines;			 /* results.jsonl in the making; -1 */
	char lines_temp[64];		 /* its name until it is whole */
	bool given;			 /* a line was given */
	bool failed;			 /* something was not written */
	struct file_group *group;
	size_t staged;
	struct buf pending; /* lines whose files are not durable */
	struct buf pem;
};

/* ---- files ---- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static enum pv_code stage_file(struct results *r, int dir, const char *name,
			       struct span bytes, struct err *err)
{
	enum pv_code rc = file_group_add(r->group, dir, name, 0600, bytes.p,
					 bytes.len, err);

	if (rc == PV_OK)
		r->staged++;
	return rc;
}

/*
 * Where the bundle of one stage goes, as the result line says it; false: into
 * the line. Of several, -o FILE.pvb names FILE.<stage>.pvb.
 */
static bool bundle_path(const struct results *r, const struct record_out *o,
			size_t n, char out[PATH_CAP])
{
	const char *file = r->opts.bundle_file, *stage = o->bundles[n].stage;
	const char *base = file ? base_name(file) : NULL;
	const char *dot = base && base[0] ? strrchr(base + 1, '.') : NULL;

	if (r->opts.out_dir)
		snprintf(out, PATH_CAP, "bundles/%s.%s.pvb", o->device, stage);
	else if (file && o->bundles_n == 1)
		snprintf(out, PATH_CAP, "%s", file);
	else if (file && dot)
		snprintf(out, PATH_CAP, "%.*s.%s%s", (int)(dot - file), file,
			 stage, dot);
	else if (file)
		snprintf(out, PATH_CAP, "%s.%s", file, stage);
	return r->opts.out_dir || file;
}

static enum pv_code stage_files(struct results *r, const struct record_out *o,
				const struct results_line *l, struct err *err)
{
	int dir = r->opts.out_dir ? r->bundles : r->beside;
	char name[REQUEST_ID_MAX + 8];
	enum pv_code rc = PV_OK;

	snprintf(name, sizeof(name), "%s.pem", o->device);
	if (r->opts.out_dir && l->pem.len > 0)
		rc = stage_file(r, r->certs, name, l->pem, err);
	for (size_t n = 0; rc == PV_OK && n < o->bundles_n; n++)
		if (l->paths[n])
			rc = stage_file(r, dir, base_name(l->paths[n]),
					o->bundles[n].container, err);
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
	r->given = true;
	buf_reset(&r->pending);
	return rc;
}

/* Files first: a line that names one is given when it is there, whole. */
static enum pv_code settle(struct results *r, struct err *err)
{
	enum pv_code rc = file_group_commit(r->group, err);

	r->staged = 0;
	if (rc == PV_OK)
		rc = give_lines(r, err);
	r->failed = r->failed || rc != PV_OK;
	return rc;
}

static enum pv_code take_result(void *ctx, const struct record_out *o,
				struct err *err)
{
	struct results *r = ctx;
	struct err why = o->err;
	char paths[RECORD_BUNDLES_MAX][PATH_CAP];
	struct results_line l = { .out = o, .why = &why };
	enum pv_code rc, lines;

	buf_reset(&r->pem);
	if (o->cert.len > 0)
		pem_encode(&r->pem, "CERTIFICATE", o->cert);
	rc = buf_check(&r->pem, err);
	l.pem = buf_span(&r->pem);
	for (size_t n = 0; n < o->bundles_n; n++)
		l.paths[n] = bundle_path(r, o, n, paths[n]) ? paths[n] : NULL;
	if (rc == PV_OK && why.code == PV_OK)
		rc = stage_files(r, o, &l, &why);
	/* The device is issued all the same: the line says what is wrong. */
	results_line_put(&r->pending, &l);
	lines = buf_check(&r->pending, err);
	if (lines != PV_OK) {
		r->failed = true; /* its end is missing */
		return lines;
	}
	if (rc != PV_OK) {
		*err = why;
		return rc;
	}
	if (r->staged > GROUP_FILES ||
	    r->pending.len > (r->staged ? LINE_MAX_BYTES / 2 : LINES_AT_ONCE))
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

/* The new results.jsonl, under a name of its own until it is whole. */
static enum pv_code open_lines(struct results *r, struct err *err)
{
	struct stat st;

	if (fstatat(r->dir, LINES_NAME, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    !S_ISREG(st.st_mode))
		return err_fail(err, PV_CONFLICT, "output.exists",
				"remove it or use another output folder",
				LINES_NAME " is a link or no file");
	snprintf(r->lines_temp, sizeof(r->lines_temp),
		 "." LINES_NAME ".%ld.tmp", (long)getpid());
	/* Of a process with this number that has ended: the lock is ours. */
	unlinkat(r->dir, r->lines_temp, 0);
	r->lines = openat(r->dir, r->lines_temp,
			  O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			  0600);
	if (r->lines >= 0)
		return PV_OK;
	r->lines_temp[0] = '\0';
	return err_errno(err, PV_STORAGE, "file.create",
			 "check that the folder can be written",
			 "cannot create " LINES_NAME);
}

static enum pv_code open_out(struct results *r, struct err *err)
{
	enum pv_code rc = open_sub(AT_FDCWD, r->opts.out_dir, &r->dir, err);

	if (rc == PV_OK)
		rc = outlock_take(r->dir, OUTLOCK_WRITE, r->opts.out_dir, err);
	if (rc == PV_OK)
		rc = open_sub(r->dir, "certs", &r->certs, err);
	if (rc == PV_OK)
		rc = open_sub(r->dir, "bundles", &r->bundles, err);
	if (rc != PV_OK)
		return rc;
	file_group_sweep(r->dir);
	file_group_sweep(r->certs);
	file_group_sweep(r->bundles);
	return open_lines(r, err);
}

static enum pv_code open_beside(struct results *r, struct err *err)
{
	const char *path = r->opts.bundle_file, *base = base_name(path);
	char dir[PATH_CAP];

	if (strlen(path) + STAGE_ROOM >= PATH_CAP ||
	    strlen(base) + STAGE_ROOM > FILE_GROUP_NAME_MAX)
		return err_fail(err, PV_USAGE, "usage.value", NULL,
				"the path is too long");
	if (!base[0] || strcmp(base, ".") == 0 || strcmp(base, "..") == 0)
		return err_fail(err, PV_USAGE, "usage.value", NULL,
				"the output path names no file");
	snprintf(dir, sizeof(dir), "%.*s", (int)(base - path), path);
	return dir_open(AT_FDCWD, dir[0] ? dir : ".", &r->beside, err);
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
	enum pv_code rc = r->failed ? PV_STORAGE : settle(r, err);

	if (r->failed)
		return err_fail(err, rc, "file.group",
				"free space or check the disk, then run it "
				"again",
				"the results were not all written");
	if (rc != PV_OK || r->lines < 0 || !r->given)
		return rc;
	if (fsync(r->lines) != 0 ||
	    renameat(r->dir, r->lines_temp, r->dir, LINES_NAME) != 0)
		return err_errno(err, PV_STORAGE, "file.rename",
				 "free space or check the disk",
				 "cannot put " LINES_NAME " in place");
	r->lines_temp[0] = '\0';
	if (fsync(r->dir) != 0)
		return err_errno(err, PV_STORAGE, "file.sync", "check the disk",
				 "cannot sync the output folder");
	return PV_OK;
}

void results_free(struct results *r)
{
	if (!r)
		return;
	file_group_free(r->group);
	if (r->lines_temp[0])
		unlinkat(r->dir, r->lines_temp, 0);
	fd_cleanup(&r->lines);
	fd_cleanup(&r->certs);
	fd_cleanup(&r->bundles);
	fd_cleanup(&r->beside);
	fd_cleanup(&r->dir);
	buf_release(&r->pending);
	buf_release(&r->pem);
	free(r);
}
