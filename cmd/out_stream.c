#include "cmd/out_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/out.h"
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"

static enum pv_code conflict(const struct out_stream *s, const char *what,
			     struct err *err)
{
	err_object(err, s->name);
	return err_fail(err, PV_CONFLICT, "output.exists",
			"move it away or use another name", "%s %s", s->name,
			what);
}

/* What no retry can make right is said before anything is written. */
static enum pv_code check_there(const struct out_stream *s, struct err *err)
{
	struct stat st;

	if (fstatat(s->folder, s->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return PV_OK;
	if (S_ISLNK(st.st_mode))
		return conflict(s, "is a symbolic link", err);
	return S_ISREG(st.st_mode) ? PV_OK
				   : conflict(s, "is not a regular file", err);
}

enum pv_code out_stream_open(struct out_stream *s, const char *path,
			     struct err *err)
{
	const char *base;
	enum pv_code rc;
	int fd;

	*s = (struct out_stream)OUT_STREAM_INIT;
	if (strcmp(path, "-") == 0) {
		s->to = stdout;
		return PV_OK;
	}
	rc = out_folder(path, &s->folder, &base, err);
	if (rc != PV_OK)
		return rc;
	if (strlen(base) >= sizeof(s->name))
		return err_fail(err, PV_INPUT, "output.path", NULL,
				"the output file's name is too long");
	snprintf(s->name, sizeof(s->name), "%s", base);
	rc = check_there(s, err);
	if (rc != PV_OK)
		return rc;
	snprintf(s->temp, sizeof(s->temp), ".%.200s.%ld.tmp", base,
		 (long)getpid());
	unlinkat(s->folder, s->temp, 0);
	fd = openat(s->folder, s->temp,
		    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	s->to = fd < 0 ? NULL : fdopen(fd, "w+");
	if (s->to)
		return PV_OK;
	rc = err_errno(err, errno == EACCES ? PV_DENIED : PV_STORAGE,
		       "file.create", "check that the folder can be written",
		       "cannot create %s", path);
	fd_cleanup(&fd);
	return rc;
}

/* The file under its own name against what was written now. */
static bool same_bytes(const struct out_stream *s)
{
	CLEANUP(fd_cleanup)
	int there =
		openat(s->folder, s->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char a[32768], b[32768];
	struct stat x, y;
	struct err err;

	err_init(&err);
	if (there < 0 || fstat(there, &x) != 0 ||
	    fstat(fileno(s->to), &y) != 0 || x.st_size != y.st_size ||
	    lseek(fileno(s->to), 0, SEEK_SET) != 0)
		return false;
	for (off_t left = x.st_size; left > 0;) {
		size_t n = left < (off_t)sizeof(a) ? (size_t)left : sizeof(a);

		if (fd_read_all(there, a, n, &err) != PV_OK ||
		    fd_read_all(fileno(s->to), b, n, &err) != PV_OK ||
		    memcmp(a, b, n) != 0)
			return false;
		left -= (off_t)n;
	}
	return true;
}

enum pv_code out_stream_whole(struct out_stream *s, struct err *err)
{
	if (s->folder < 0)
		return PV_OK;
	if (ferror(s->to) || fflush(s->to) != 0 || fsync(fileno(s->to)) != 0)
		return err_errno(err, PV_STORAGE, "file.write",
				 "check the disk", "cannot write %s", s->name);
	if (faccessat(s->folder, s->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
	    !same_bytes(s))
		return conflict(s, "is there with other contents", err);
	return PV_OK;
}

enum pv_code out_stream_end(struct out_stream *s, struct err *err)
{
	enum pv_code rc = out_stream_whole(s, err);

	if (rc != PV_OK || s->folder < 0)
		return rc; /* main flushes standard output */
	if (renameat2(s->folder, s->temp, s->folder, s->name,
		      RENAME_NOREPLACE) == 0) {
		s->temp[0] = '\0';
		if (fsync(s->folder) == 0)
			return PV_OK;
		return err_errno(err, PV_STORAGE, "file.sync", "check the disk",
				 "cannot sync the output folder");
	}
	if (errno != EEXIST)
		return err_errno(err, PV_STORAGE, "file.rename", NULL,
				 "cannot rename to %s", s->name);
	return same_bytes(s) ? PV_OK
			     : conflict(s, "is there with other contents", err);
}

void out_stream_release(struct out_stream *s)
{
	if (s->folder < 0)
		return;
	if (s->to)
		fclose(s->to);
	if (s->temp[0])
		unlinkat(s->folder, s->temp, 0);
	fd_cleanup(&s->folder);
}
