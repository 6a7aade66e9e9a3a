/* Several files made durable by one sync: the batch side of fileio.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/filesweep.h"
#include "lib/base/mem.h"

#define GROUP_MAX 1024

struct staged {
	int dirfd; /* not owned */
	char name[FILE_GROUP_NAME_MAX + 1];
	char temp[FILE_GROUP_NAME_MAX + 32];
	bool replace; /* what is there */
};

struct file_group {
	struct staged files[GROUP_MAX];
	size_t n;
	bool failed; /* something of it was not written: nothing more is */
};

enum pv_code file_group_new(struct file_group **g, struct err *err)
{
	*g = mem_new(sizeof(**g), err);
	return *g ? PV_OK : PV_INTERNAL;
}

static enum pv_code conflict(const char *name, const char *what,
			     struct err *err)
{
	err_object(err, name);
	return err_fail(err, PV_CONFLICT, "output.exists",
			"move it away or use another output folder",
			"output %s %s", name, what);
}

static enum pv_code not_regular(const char *name, struct err *err)
{
	err_object(err, name);
	return err_fail(err, PV_CONFLICT, "output.exists",
			"name a file, or - for standard output",
			"output %s is no regular file", name);
}

/* *same: at path is a regular file with just these bytes; name is said. */
static enum pv_code compare_existing(int dirfd, const char *path,
				     const char *name, const void *p,
				     size_t len, bool *same, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = -1;
	const uint8_t *want = p;
	uint8_t chunk[8192];
	struct stat st;

	*same = false;
	if (fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT
			       ? PV_OK
			       : err_errno(err, PV_STORAGE, "file.open", NULL,
					   "cannot inspect %s", name);
	if (S_ISLNK(st.st_mode))
		return conflict(name, "is a symbolic link", err);
	if (!S_ISREG(st.st_mode))
		return not_regular(name, err);
	if (st.st_size != (off_t)len)
		return conflict(name, "is there with other contents", err);
	fd = openat(dirfd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, PV_STORAGE, "file.open", NULL,
				 "cannot open %s", name);
	for (size_t at = 0; at < len;) {
		size_t n = len - at < sizeof(chunk) ? len - at : sizeof(chunk);
		enum pv_code rc = fd_read_all(fd, chunk, n, err);

		if (rc != PV_OK)
			return rc;
		if (memcmp(chunk, want + at, n) != 0)
			return conflict(name, "is there with other contents",
					err);
		at += n;
	}
	*same = true;
	return PV_OK;
}

/* The entry of that name that waits for the commit; NULL: none. */
static const struct staged *find_staged(const struct file_group *g, int dirfd,
					const char *name)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->files[i].dirfd == dirfd &&
		    strcmp(g->files[i].name, name) == 0)
			return &g->files[i];
	return NULL;
}

/* *same: this very file is there or staged already. */
static enum pv_code compare_known(const struct file_group *g, int dirfd,
				  const char *name, const void *p, size_t len,
				  bool *same, struct err *err)
{
	const struct staged *s = find_staged(g, dirfd, name);
	enum pv_code rc =
		compare_existing(dirfd, name, name, p, len, same, err);

	if (rc != PV_OK || *same || !s)
		return rc;
	return compare_existing(dirfd, s->temp, name, p, len, same, err);
}

static enum pv_code group_failed(struct err *err)
{
	return err_fail(err, PV_STORAGE, "file.group",
			"free space or check the disk, then run it again",
			"the files of this group were not all written");
}

/* A new file under s->temp with these bytes, or none. */
static enum pv_code write_staged(const struct staged *s, mode_t mode,
				 const void *p, size_t len, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = -1;
	enum pv_code rc;

	/* What a crash of a process with this number left is ours to remove. */
	unlinkat(s->dirfd, s->temp, 0);
	fd = openat(s->dirfd, s->temp,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, PV_STORAGE, "file.create",
				 "check that the folder can be written",
				 "cannot create %s", s->name);
	if (mode == 0600 || fchmod(fd, mode) == 0)
		rc = fd_write_all(fd, p, len, err);
	else
		rc = err_errno(err, PV_STORAGE, "file.create", NULL,
			       "cannot set the mode of %s", s->name);
	if (rc != PV_OK)
		unlinkat(s->dirfd, s->temp, 0);
	return rc;
}

static enum pv_code add(struct file_group *g, int dirfd, const char *name,
			bool replace, mode_t mode, const void *p, size_t len,
			struct err *err)
{
	struct staged *s = &g->files[g->n];
	enum pv_code rc = PV_OK;
	bool same = false;

	if (g->failed)
		return group_failed(err);
	if (strchr(name, '/'))
		return err_fail(err, PV_INTERNAL, "file.group", NULL,
				"a name in a group is a path");
	if (g->n == GROUP_MAX || strlen(name) >= sizeof(s->name))
		return err_fail(err, PV_INTERNAL, "file.group", NULL,
				"too many or too long names in one group");
	if (!replace)
		rc = compare_known(g, dirfd, name, p, len, &same, err);
	if (rc != PV_OK || same)
		return rc;
	s->replace = replace;
	s->dirfd = dirfd;
	snprintf(s->name, sizeof(s->name), "%s", name);
	snprintf(s->temp, sizeof(s->temp), ".%s.%ld.tmp", name, (long)getpid());
	rc = write_staged(s, mode, p, len, err);
	if (rc == PV_OK)
		g->n++;
	else
		g->failed = true;
	return rc;
}

enum pv_code file_group_add(struct file_group *g, int dirfd, const char *name,
			    mode_t mode, const void *p, size_t len,
			    struct err *err)
{
	return add(g, dirfd, name, false, mode, p, len, err);
}

enum pv_code file_group_replace(struct file_group *g, int dirfd,
				const char *name, mode_t mode, const void *p,
				size_t len, struct err *err)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    !S_ISREG(st.st_mode))
		return S_ISLNK(st.st_mode)
			       ? conflict(name, "is a symbolic link", err)
			       : not_regular(name, err);
	return add(g, dirfd, name, true, mode, p, len, err);
}

static enum pv_code sync_dirs(const struct file_group *g, struct err *err)
{
	for (size_t i = 0; i < g->n; i++) {
		bool seen = false;

		for (size_t j = 0; j < i && !seen; j++)
			seen = g->files[j].dirfd == g->files[i].dirfd;
		if (!seen && fsync(g->files[i].dirfd) != 0)
			return err_errno(err, PV_STORAGE, "file.sync",
					 "check the disk",
					 "cannot sync the output folder");
	}
	return PV_OK;
}

static enum pv_code put_in_place(struct staged *s, struct err *err)
{
	if (renameat2(s->dirfd, s->temp, s->dirfd, s->name,
		      s->replace ? 0 : RENAME_NOREPLACE) == 0) {
		s->temp[0] = '\0';
		return PV_OK;
	}
	if (errno == EEXIST)
		return conflict(s->name, "appeared meanwhile", err);
	return err_errno(err, PV_STORAGE, "file.rename", NULL,
			 "cannot rename to %s", s->name);
}

enum pv_code file_group_commit(struct file_group *g, struct err *err)
{
	enum pv_code rc = PV_OK;

	if (g->failed)
		return group_failed(err);
	if (g->n == 0)
		return PV_OK;
	if (syncfs(g->files[0].dirfd) != 0)
		rc = err_errno(err, PV_STORAGE, "file.sync", "check the disk",
			       "cannot sync the output files");
	for (size_t i = 0; rc == PV_OK && i < g->n; i++)
		rc = put_in_place(&g->files[i], err);
	if (rc == PV_OK)
		rc = sync_dirs(g, err);
	/* A sync that failed is not asked again: what it lost stays lost. */
	if (rc == PV_OK)
		g->n = 0;
	else
		g->failed = true;
	return rc;
}

/* ".<name>.<pid>.tmp": the pid of a staged file's name, 0 for other names. */
static pid_t staged_by(const char *name)
{
	size_t len = strlen(name);
	const char *at;
	char *end;
	long pid;

	if (name[0] != '.' || len < 7 || strcmp(name + len - 4, ".tmp") != 0)
		return 0;
	for (at = name + len - 5; at > name && *at >= '0' && *at <= '9'; at--)
		;
	if (*at != '.')
		return 0;
	pid = strtol(at + 1, &end, 10);
	return end == name + len - 4 && pid > 0 ? (pid_t)pid : 0;
}

/* ".<name>.": NULL takes all. */
static bool is_for(const char *temp, const char *name)
{
	size_t n = name ? strlen(name) : 0;

	return !name || (strncmp(temp + 1, name, n) == 0 && temp[1 + n] == '.');
}

static bool has_ended(pid_t pid)
{
	return kill(pid, 0) != 0 && errno == ESRCH;
}

struct sweeping {
	int dirfd;
	const char *name; /* of the file; NULL: of all */
	bool alone; /* whoever has a process' number now has not written it */
	void (*told)(void *ctx, const char *file);
	void *ctx;
};

static void sweep_one(const struct sweeping *s, const char *temp)
{
	pid_t pid = staged_by(temp);

	if (pid > 0 && is_for(temp, s->name) && (s->alone || has_ended(pid)) &&
	    unlinkat(s->dirfd, temp, 0) == 0 && s->told)
		s->told(s->ctx, temp);
}

/* errno; 0: all was looked at. */
static int sweep(const struct sweeping *s)
{
	int fd = openat(s->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *e;
	int why = errno;

	if (!dir) {
		fd_cleanup(&fd);
		return why;
	}
	for (errno = 0; (e = readdir(dir)) != NULL; errno = 0)
		sweep_one(s, e->d_name);
	why = errno;
	closedir(dir);
	return why;
}

void file_group_sweep(int dirfd)
{
	const struct sweeping s = { .dirfd = dirfd };

	(void)sweep(&s);
}

enum pv_code file_sweep_told(int dirfd,
			     void (*told)(void *ctx, const char *file),
			     void *ctx, struct err *err)
{
	const struct sweeping s = { dirfd, NULL, true, told, ctx };

	errno = sweep(&s);
	return errno == 0 ? PV_OK
			  : err_errno(err, PV_STORAGE, "dir.read", NULL,
				      "cannot look for what a crash left of "
				      "files");
}

void file_sweep(int dirfd, const char *name)
{
	const struct sweeping s = { .dirfd = dirfd, .name = name };

	(void)sweep(&s);
}

void file_group_free(struct file_group *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->n; i++)
		if (g->files[i].temp[0])
			unlinkat(g->files[i].dirfd, g->files[i].temp, 0);
	free(g);
}
