#include "lib/base/fileio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

#define READ_STEP 16384u /* bytes asked for at once */
#define NAME_MAX_BYTES 64

void fd_cleanup(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

bool name_is_safe(const char *name, size_t len)
{
	if (len == 0 || len > NAME_MAX_BYTES || name[0] == '.' ||
	    name[0] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (name[i] < 0x21 || name[i] > 0x7e || name[i] == '/')
			return false;
	return true;
}

static enum pv_code check_owner(const struct stat *st, const char *path,
				unsigned flags, struct err *err)
{
	bool private = flags & FILEIO_PRIVATE;
	const char *rule = private ? "file.mode" : "file.writable";
	mode_t wrong = private				       ? 077
		       : flags & FILEIO_NOT_WRITABLE_BY_OTHERS ? 022
							       : 0;
	char hint[96];

	if (wrong && st->st_uid != geteuid() && (private || st->st_uid != 0)) {
		snprintf(hint, sizeof(hint),
			 "run as that user, or chown it to the user who runs "
			 "provctl (uid %lu)",
			 (unsigned long)geteuid());
		return err_fail(err, PV_DENIED, rule, hint,
				"%s belongs to uid %lu", path,
				(unsigned long)st->st_uid);
	}
	if (!(st->st_mode & wrong))
		return PV_OK;
	if (private)
		return err_fail(err, PV_DENIED, rule, "chmod 0600 it",
				"%s can be read by others", path);
	return err_fail(err, PV_DENIED, rule, "chmod go-w it",
			"%s can be written by others", path);
}

static enum pv_code open_checked(int dirfd, const char *path, unsigned flags,
				 int *fd, struct err *err)
{
	/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
	int how = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	CLEANUP(fd_cleanup) int got = -1;
	struct stat st;
	enum pv_code rc;

	if (flags & FILEIO_NOFOLLOW)
		how |= O_NOFOLLOW;
	got = openat(dirfd, path, how);
	if (got < 0 && (errno == ENOENT || errno == ENOTDIR))
		return err_fail(err, PV_NOT_FOUND, "file.missing",
				"check the path", "there is no file %s", path);
	if (got < 0 && errno == ELOOP)
		return err_fail(err, PV_INPUT, "file.symlink",
				"name the file itself", "%s is a symbolic link",
				path);
	if (got < 0 && errno == EACCES)
		return err_errno(err, PV_DENIED, "file.open",
				 "run as a user who may read it",
				 "cannot open %s", path);
	if (got < 0)
		return err_errno(err, PV_STORAGE, "file.open", NULL,
				 "cannot open %s", path);
	if (fstat(got, &st) != 0)
		return err_errno(err, PV_STORAGE, "file.open", NULL,
				 "cannot inspect %s", path);
	if (!S_ISREG(st.st_mode))
		return err_fail(err, PV_INPUT, "file.type",
				"give a regular file",
				"%s is not a regular file", path);
	rc = check_owner(&st, path, flags, err);
	if (rc != PV_OK)
		return rc;
	*fd = got;
	got = -1;
	return PV_OK;
}

enum pv_code file_open(int dirfd, const char *path, unsigned flags, int *fd,
		       struct err *err)
{
	enum pv_code rc = open_checked(dirfd, path, flags, fd, err);

	if (rc != PV_OK)
		err_object(err, path);
	return rc;
}

enum pv_code file_read(int dirfd, const char *path, unsigned flags,
		       struct buf *out, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = -1;
	enum pv_code rc = file_open(dirfd, path, flags, &fd, err);

	while (rc == PV_OK) {
		/* At the cap one byte more shows that it is passed. */
		uint8_t past;
		size_t left = out->max - out->len;
		size_t spare =
			out->cap > out->len ? out->cap - out->len - 1 : 0;
		size_t step = spare > READ_STEP ? spare : READ_STEP;
		size_t want = left < step ? left : step;
		uint8_t *to = left > 0 ? buf_room(out, want) : &past;
		ssize_t n;

		if (!to)
			return buf_check(out, err);
		n = read(fd, to, left > 0 ? want : 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, PV_STORAGE, "file.read", NULL,
					 "cannot read %s", path);
		if (n == 0)
			break;
		if (left == 0)
			return err_fail(err, PV_INPUT, "file.size",
					"give a smaller file",
					"%s is longer than %zu bytes", path,
					out->max);
		buf_commit(out, (size_t)n);
	}
	return rc;
}

enum pv_code file_read_secret(int dirfd, const char *path, unsigned flags,
			      size_t max, struct secret *out, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = -1;
	SECRET s = SECRET_INIT;
	size_t len = 0;
	enum pv_code rc = file_open(dirfd, path, flags, &fd, err);

	if (rc == PV_OK)
		rc = secret_alloc(&s, max + 1, err);
	while (rc == PV_OK) {
		ssize_t n = read(fd, s.data + len, s.len - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, PV_STORAGE, "file.read", NULL,
					 "cannot read %s", path);
		len += (size_t)n;
		if (n == 0)
			break;
		if (len > max)
			return err_fail(err, PV_INPUT, "file.size", NULL,
					"%s is longer than %zu bytes", path,
					max);
	}
	if (rc != PV_OK)
		return rc;
	if (len == 0)
		return err_fail(err, PV_INPUT, "file.empty", NULL,
				"%s is empty", path);
	secret_truncate(&s, len);
	secret_move(out, &s);
	return PV_OK;
}

enum pv_code fd_write_all(int fd, const void *p, size_t len, struct err *err)
{
	const uint8_t *from = p;

	while (len > 0) {
		ssize_t n = write(fd, from, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, PV_STORAGE, "file.write",
					 "free space or check the disk",
					 "cannot write");
		from += n;
		len -= (size_t)n;
	}
	return PV_OK;
}

enum pv_code fd_read_all(int fd, void *p, size_t len, struct err *err)
{
	uint8_t *to = p;

	while (len > 0) {
		ssize_t n = read(fd, to, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, PV_STORAGE, "file.read", NULL,
					 "cannot read");
		if (n == 0)
			return err_fail(err, PV_STORAGE, "file.short", NULL,
					"the other end closed early");
		to += n;
		len -= (size_t)n;
	}
	return PV_OK;
}

/* Opens the folder that holds path; *base points at the last component. */
static enum pv_code open_parent(int dirfd, const char *path, int *parent,
				const char **base, struct err *err)
{
	const char *slash = strrchr(path, '/');
	char dir[4096];

	*base = slash ? slash + 1 : path;
	if (!slash)
		return dir_open(dirfd, ".", parent, err);
	if (slash == path)
		return dir_open(dirfd, "/", parent, err);
	if ((size_t)(slash - path) >= sizeof(dir))
		return err_fail(err, PV_INPUT, "file.path", NULL,
				"the path is too long");
	memcpy(dir, path, (size_t)(slash - path));
	dir[slash - path] = '\0';
	return dir_open(dirfd, dir, parent, err);
}

/* A fresh file beside name; temp gets its name. */
static enum pv_code open_temp(int dirfd, const char *name, mode_t mode,
			      char temp[300], int *fd, struct err *err)
{
	for (unsigned i = 0; i < 1000; i++) {
		/* The process comes last: file_group_sweep() asks for it. */
		snprintf(temp, 300, ".%.200s.%u.%ld.tmp", name, i,
			 (long)getpid());
		*fd = openat(dirfd, temp,
			     O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
				     O_CLOEXEC,
			     0600);
		if (*fd >= 0 && (mode == 0600 || fchmod(*fd, mode) == 0))
			return PV_OK;
		if (errno != EEXIST)
			break;
	}
	return err_errno(err, PV_STORAGE, "file.create",
			 "check that the folder can be written",
			 "cannot create a file beside %s", name);
}

static enum pv_code sync_dir(int dirfd, struct err *err)
{
	if (fsync(dirfd) != 0)
		return err_errno(err, PV_STORAGE, "file.sync", "check the disk",
				 "cannot sync a folder");
	return PV_OK;
}

/* Writes, syncs where asked and closes; the close is checked too. */
static enum pv_code fill_temp(int *fd, bool sync, const void *p, size_t len,
			      struct err *err)
{
	enum pv_code rc = fd_write_all(*fd, p, len, err);

	if (rc == PV_OK && sync && fsync(*fd) != 0)
		rc = err_errno(err, PV_STORAGE, "file.sync", "check the disk",
			       "cannot sync");
	if (close(*fd) != 0 && rc == PV_OK)
		rc = err_errno(err, PV_STORAGE, "file.close", "check the disk",
			       "cannot close");
	*fd = -1;
	return rc;
}

static bool is_symlink(int dirfd, const char *name)
{
	struct stat st;

	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISLNK(st.st_mode);
}

static enum pv_code write_renamed(int dirfd, const char *path, mode_t mode,
				  const void *p, size_t len, struct err *err)
{
	CLEANUP(fd_cleanup) int parent = -1;
	CLEANUP(fd_cleanup) int fd = -1;
	const char *base;
	char temp[300];
	enum pv_code rc;

	rc = open_parent(dirfd, path, &parent, &base, err);
	if (rc != PV_OK)
		return rc;
	if (is_symlink(parent, base))
		return err_fail(err, PV_CONFLICT, "output.symlink",
				"remove the link", "%s is a symbolic link",
				path);
	rc = open_temp(parent, base, mode, temp, &fd, err);
	if (rc != PV_OK)
		return rc;
	rc = fill_temp(&fd, true, p, len, err);
	if (rc == PV_OK && renameat(parent, temp, parent, base) != 0)
		rc = err_errno(err, PV_STORAGE, "file.rename", NULL,
			       "cannot rename to %s", path);
	if (rc != PV_OK) {
		unlinkat(parent, temp, 0);
		return rc;
	}
	return sync_dir(parent, err);
}

enum pv_code file_write(int dirfd, const char *path, mode_t mode, const void *p,
			size_t len, struct err *err)
{
	enum pv_code rc = write_renamed(dirfd, path, mode, p, len, err);

	if (rc != PV_OK)
		err_object(err, path);
	return rc;
}

enum pv_code dir_open(int dirfd, const char *path, int *fd, struct err *err)
{
	*fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd >= 0)
		return PV_OK;
	err_object(err, path);
	return err_errno(err,
			 errno == ENOENT   ? PV_NOT_FOUND
			 : errno == EACCES ? PV_DENIED
					   : PV_STORAGE,
			 "dir.open", "check the path and whose it is",
			 "cannot open folder %s", path);
}

/* What the umask took away from a folder just made. */
static enum pv_code widen_dir(int dirfd, const char *path, mode_t mode,
			      struct err *err)
{
	CLEANUP(fd_cleanup)
	int fd = openat(dirfd, path,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 && fchmod(fd, mode) == 0)
		return PV_OK;
	err_object(err, path);
	return err_errno(err, PV_STORAGE, "dir.make", NULL,
			 "cannot set the mode of folder %s", path);
}

enum pv_code dir_make(int dirfd, const char *path, mode_t mode, struct err *err)
{
	struct stat st;

	if (mkdirat(dirfd, path, mode) == 0)
		return mode == 0700 ? PV_OK : widen_dir(dirfd, path, mode, err);
	if (errno == EEXIST &&
	    fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISDIR(st.st_mode))
		return PV_OK;
	err_object(err, path);
	if (errno == EEXIST)
		return err_fail(err, PV_CONFLICT, "output.exists",
				"remove it or choose another folder",
				"%s is there and not a folder", path);
	if (errno == ENOENT)
		return err_fail(err, PV_NOT_FOUND, "dir.make",
				"make its parent folder first",
				"the folder that %s is to be in is not there",
				path);
	return err_errno(err, errno == EACCES ? PV_DENIED : PV_STORAGE,
			 "dir.make", "check whose its parent folder is",
			 "cannot make folder %s", path);
}
