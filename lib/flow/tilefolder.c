#include "lib/flow/tilefolder.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/mem.h"

#define BATCH 512u	/* files that share a sync */
#define FOLDERS_MAX 64u /* open at once, for a batch */
#define FILE_MODE 0644	/* all of it is public */
#define FOLDER_MODE 0755

struct folder {
	char path[LOG_TILE_PATH_MAX];
	int fd;
};

struct tilefolder {
	int dir;
	struct file_group *group;
	struct folder folder[FOLDERS_MAX];
	size_t folders_n;
	size_t staged;
	uint64_t count;
};

enum pv_code tilefolder_new(int dir, struct tilefolder **out, struct err *err)
{
	struct tilefolder *f = mem_new(sizeof(*f), err);
	enum pv_code rc;

	*out = NULL;
	if (!f)
		return PV_INTERNAL;
	f->dir = dir;
	rc = file_group_new(&f->group, err);
	if (rc == PV_OK)
		*out = f;
	else
		tilefolder_free(f);
	return rc;
}

static void close_folders(struct tilefolder *f)
{
	while (f->folders_n > 0)
		fd_cleanup(&f->folder[--f->folders_n].fd);
}

void tilefolder_free(struct tilefolder *f)
{
	if (!f)
		return;
	file_group_free(f->group); /* while its folders are open */
	close_folders(f);
	free(f);
}

enum pv_code tilefolder_commit(struct tilefolder *f, struct err *err)
{
	enum pv_code rc = file_group_commit(f->group, err);

	if (rc != PV_OK)
		return rc;
	close_folders(f);
	f->staged = 0;
	return PV_OK;
}

/* Each folder on the way, then the last one opened. */
static enum pv_code make_folders(int dir, const char *path, int *fd,
				 struct err *err)
{
	char part[LOG_TILE_PATH_MAX];
	const char *slash = path;
	enum pv_code rc = PV_OK;

	while (rc == PV_OK && slash) {
		size_t len;

		slash = strchr(slash + 1, '/');
		len = slash ? (size_t)(slash - path) : strlen(path);
		snprintf(part, sizeof(part), "%.*s", (int)len, path);
		rc = dir_make(dir, part, FOLDER_MODE, err);
	}
	return rc == PV_OK ? dir_open(dir, path, fd, err) : rc;
}

static enum pv_code folder_of(struct tilefolder *f, const char *path, int *fd,
			      struct err *err)
{
	struct folder *new = &f->folder[f->folders_n];
	enum pv_code rc;

	for (size_t i = 0; i < f->folders_n; i++)
		if (strcmp(f->folder[i].path, path) == 0) {
			*fd = f->folder[i].fd;
			return PV_OK;
		}
	rc = make_folders(f->dir, path, fd, err);
	if (rc != PV_OK)
		return rc;
	file_group_sweep(*fd);
	snprintf(new->path, sizeof(new->path), "%s", path);
	new->fd = *fd;
	f->folders_n++;
	return PV_OK;
}

static bool is_file(int fd, const char *name)
{
	struct stat st;

	return fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st.st_mode);
}

static enum pv_code stage(struct tilefolder *f, int fd, const char *name,
			  struct span bytes, struct err *err)
{
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = file_group_add(f->group, fd, name, FILE_MODE, bytes.p, bytes.len,
			    &why);
	if (rc == PV_CONFLICT && is_file(fd, name) &&
	    unlinkat(fd, name, 0) == 0)
		return file_group_add(f->group, fd, name, FILE_MODE, bytes.p,
				      bytes.len, err);
	if (rc != PV_OK)
		*err = why;
	return rc;
}

static enum pv_code put(void *ctx, const struct log_tile *t, struct span bytes,
			struct err *err)
{
	struct tilefolder *f = ctx;
	char path[LOG_TILE_PATH_MAX];
	char *slash;
	int fd = -1;
	enum pv_code rc = PV_OK;

	if (f->staged == BATCH || f->folders_n == FOLDERS_MAX)
		rc = tilefolder_commit(f, err);
	log_tile_path(t, path);
	slash = strrchr(path, '/');
	*slash = '\0';
	if (rc == PV_OK)
		rc = folder_of(f, path, &fd, err);
	if (rc == PV_OK)
		rc = stage(f, fd, slash + 1, bytes, err);
	if (rc != PV_OK) {
		err_object(err, path);
		return rc;
	}
	f->staged++;
	f->count++;
	return PV_OK;
}

struct log_tile_sink tilefolder_sink(struct tilefolder *f)
{
	return (struct log_tile_sink){ put, f };
}

uint64_t tilefolder_count(const struct tilefolder *f)
{
	return f->count;
}
