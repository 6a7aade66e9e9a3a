#include "lib/flow/publishdir.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/flow/outlock.h"

#define FOLDER_MODE 0755 /* anybody may fetch what is in there */
#define FILE_MODE 0644
#define LOCK_FILE "publish.lock"
#define LOCK_MODE 0600
#define WAIT_STEPS 600 /* of 100 ms */

/* In the home: whoever can read the publish folder could lock that one, and
 * hold every run back. */
static enum pv_code open_lock(const struct authority *a, int *fd,
			      struct err *err)
{
	*fd = openat(a->home_fd, LOCK_FILE,
		     O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK,
		     LOCK_MODE);
	if (*fd >= 0)
		return PV_OK;
	err_object(err, LOCK_FILE);
	return err_errno(err, PV_STORAGE, "output.lock", NULL,
			 "cannot open the lock of what is published");
}

/* A lock is short: another run makes a few lists. */
static enum pv_code lock(int fd, const char *name, struct err *err)
{
	const struct timespec step = { .tv_nsec = 100000000 };
	struct err why;
	enum pv_code rc = PV_CONFLICT;

	for (int i = 0; rc == PV_CONFLICT && i < WAIT_STEPS; i++) {
		err_init(&why);
		rc = outlock_take(fd, OUTLOCK_WRITE, name, &why);
		if (rc == PV_CONFLICT)
			nanosleep(&step, NULL);
	}
	if (rc != PV_OK)
		*err = why;
	return rc;
}

/* Made where it is not there. */
static enum pv_code folder(int parent, const char *name, int *fd,
			   struct err *err)
{
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = dir_make(parent, name, FOLDER_MODE, &why);
	if (rc == PV_OK)
		rc = dir_open(parent, name, fd, &why);
	if (rc == PV_OK)
		return PV_OK;
	err_object(err, name);
	if (rc == PV_CONFLICT)
		return err_fail(err, PV_STORAGE, "publish.folder",
				"put a folder in its place, then `provctl "
				"rotate crl'",
				"it is a link or a file where a folder of "
				"what is published should be");
	/* 4 and 10 would say that what people asked for was not done. */
	return err_fail(err, PV_STORAGE, why.rule, why.hint, "%s", why.message);
}

enum pv_code publish_dir_open(const struct authority *a, struct publish_dir *d,
			      struct err *err)
{
	enum pv_code rc;

	*d = (struct publish_dir){ .a = a, .root = -1, .lock = -1 };
	rc = folder(a->home_fd, a->publish, &d->root, err);
	if (rc == PV_OK)
		rc = open_lock(a, &d->lock, err);
	return rc == PV_OK ? lock(d->lock, a->publish, err) : rc;
}

void publish_dir_release(struct publish_dir *d)
{
	fd_cleanup(&d->root);
	fd_cleanup(&d->lock);
}

enum pv_code publish_sub(struct publish_dir *d, const char *kind,
			 const char *ca, int *fd, struct err *err)
{
	CLEANUP(fd_cleanup) int parent = -1;
	enum pv_code rc = folder(d->root, kind, &parent, err);

	*fd = -1;
	/* It is a folder's; rows are anybody's who can write the database. */
	if (rc == PV_OK && ca && !name_is_safe(ca, strlen(ca)))
		rc = err_fail(err, PV_INTEGRITY, "store.edited",
			      "run `provctl audit verify'",
			      "a CA's row has a name that no CA has");
	if (rc == PV_OK && ca)
		return folder(parent, ca, fd, err);
	if (rc == PV_OK)
		*fd = TAKE_FD(parent);
	return rc;
}

bool publish_same(int dir, const char *name, struct span bytes)
{
	CLEANUP(fd_cleanup)
	int fd = openat(dir, name,
			O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	uint8_t chunk[65536];
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
	    st.st_size != (off_t)bytes.len)
		return false;
	for (size_t at = 0; at < bytes.len;) {
		size_t n = bytes.len - at < sizeof(chunk) ? bytes.len - at
							  : sizeof(chunk);

		if (fd_read_all(fd, chunk, n, NULL) != PV_OK ||
		    memcmp(chunk, bytes.p + at, n) != 0)
			return false;
		at += n;
	}
	return true;
}

enum pv_code publish_put(struct publish_dir *d, int fd, const char *name,
			 struct span bytes, struct err *err)
{
	enum pv_code rc = publish_hook_due(d->a, err);

	if (rc == PV_OK)
		rc = file_write(fd, name, FILE_MODE, bytes.p, bytes.len, err);
	d->files += rc == PV_OK;
	return rc;
}

enum pv_code publish_cert(struct publish_dir *d, const char *ca,
			  uint32_t generation, struct span der, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = -1;
	char name[STORE_ID_MAX + 16];
	enum pv_code rc = publish_sub(d, "ca", NULL, &fd, err);

	snprintf(name, sizeof(name), "%s-%lu.cer", ca,
		 (unsigned long)generation);
	if (rc != PV_OK || publish_same(fd, name, der))
		return rc;
	return publish_put(d, fd, name, der, err);
}

enum pv_code publish_drop(struct publish_dir *d, int fd, const char *name,
			  struct span bytes, struct err *err)
{
	enum pv_code rc;

	if (!publish_same(fd, name, bytes))
		return PV_OK;
	rc = publish_hook_due(d->a, err);
	if (rc == PV_OK && unlinkat(fd, name, 0) != 0 && errno != ENOENT)
		rc = err_errno(err, PV_STORAGE, "publish.folder", NULL,
			       "cannot take %s away", name);
	d->files += rc == PV_OK;
	return rc;
}
