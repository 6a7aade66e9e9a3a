#include "lib/flow/audit_extra.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/log/tilefiles.h"

#define TOP "tile"

struct extra {
	int dir_fd;
	uint64_t size;
	char path[LOG_TILE_PATH_MAX];
	struct buf there, now;
};

static void extra_release(struct extra *x)
{
	buf_release(&x->there);
	buf_release(&x->now);
}

static void dir_cleanup(DIR **d)
{
	if (*d)
		closedir(*d);
}

static enum pv_code wrong(const struct extra *x, const char *what,
			  struct err *err)
{
	err_object(err, x->path);
	return err_fail(err, PV_INTEGRITY, "log.tile",
			"export the log anew into an empty folder", "%s %s",
			x->path, what);
}

/* Whether the file begins that of now, and as many entries are in it. */
static enum pv_code check_former(struct extra *x, const struct log_tile *t,
				 const struct log_tile *now, struct err *err)
{
	struct log_entries entries;
	struct err why;
	bool well;
	enum pv_code rc = log_tilefile_read(x->dir_fd, t, &x->there, err);

	if (rc == PV_OK)
		rc = log_tilefile_read(x->dir_fd, now, &x->now, err);
	if (rc != PV_OK)
		return rc;
	err_init(&why);
	well = t->entries ? log_entries_open(&entries, buf_span(&x->there),
					     t->width, &why) == PV_OK
			  : x->there.len == (size_t)t->width * LOG_HASH;
	if (!well || x->there.len > x->now.len ||
	    memcmp(x->there.data, x->now.data, x->there.len) != 0)
		return wrong(x, "does not begin the tile of now", err);
	return PV_OK;
}

static enum pv_code check_tile(struct extra *x, const struct log_tile *t,
			       struct err *err)
{
	struct log_tile now;

	if (!log_tile_at(&now, t->level, t->index, x->size) ||
	    now.width < t->width)
		return wrong(x, "is of a longer log than the checkpoint", err);
	now.entries = t->entries;
	return now.width == t->width ? PV_OK : check_former(x, t, &now, err);
}

static enum pv_code walk(struct extra *x, int parent, const char *name,
			 struct err *err);

/* What is called name in the folder at fd, whose path is x->path. */
static enum pv_code look(struct extra *x, int fd, const char *name,
			 struct err *err)
{
	size_t len = strlen(x->path);
	struct log_tile t;
	struct err why;
	enum pv_code rc = PV_OK;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	    len + 1 + strlen(name) >= sizeof(x->path))
		return PV_OK;
	snprintf(x->path + len, sizeof(x->path) - len, "/%s", name);
	err_init(&why);
	if (log_tile_parse(
		    &t,
		    (struct span){ (const uint8_t *)x->path, strlen(x->path) },
		    &why) == PV_OK)
		rc = check_tile(x, &t, err);
	else
		rc = walk(x, fd, name, err);
	x->path[len] = '\0';
	return rc;
}

/* A folder and those in it: no deeper than a tile's path is long. */
static enum pv_code walk(struct extra *x, int parent, const char *name,
			 struct err *err)
{
	int fd = openat(parent, name,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	CLEANUP(dir_cleanup) DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *e;
	enum pv_code rc = PV_OK;

	if (!dir) {
		int why = errno;

		fd_cleanup(&fd);
		errno = why;
		if (why == ENOTDIR || why == ELOOP || why == ENOENT)
			return PV_OK;
		return err_errno(err, PV_STORAGE, "dir.open", NULL,
				 "cannot read %s", x->path);
	}
	errno = 0;
	while (rc == PV_OK && (e = readdir(dir))) {
		rc = look(x, dirfd(dir), e->d_name, err);
		errno = 0;
	}
	if (rc == PV_OK && errno != 0)
		rc = err_errno(err, PV_STORAGE, "dir.read", NULL,
			       "cannot read %s", x->path);
	return rc;
}

enum pv_code audit_extra(int dir_fd, uint64_t size, struct err *err)
{
	CLEANUP(extra_release)
	struct extra x = { .dir_fd = dir_fd, .size = size, .path = TOP };

	buf_init(&x.there, LOG_ENTRIES_MAX);
	buf_init(&x.now, LOG_ENTRIES_MAX);
	return walk(&x, dir_fd, TOP, err);
}
