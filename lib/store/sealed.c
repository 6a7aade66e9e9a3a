#include "lib/store/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/store/filecheck.h"
#include "lib/store/store_types.h"

#define SEALED_LEN_MAX ((uint64_t)INT64_MAX)

static enum pv_code io_fail(struct err *err, const char *what)
{
	bool full = errno == ENOSPC || errno == EDQUOT;

	return err_errno(err, PV_STORAGE, full ? "store.full" : "store.io",
			 full ? "free disk space, then run the command again"
			      : "check the disk, then run the command again",
			 "cannot %s " SEALED_NAME, what);
}

enum pv_code sealed_create(int dirfd, struct err *err)
{
	CLEANUP(fd_cleanup)
	int fd = openat(dirfd, SEALED_NAME,
			O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct stat st;

	if (fd < 0)
		return io_fail(err, "create");
	if (fstat(fd, &st) != 0)
		return io_fail(err, "inspect");
	if (!S_ISREG(st.st_mode) || st.st_size != 0)
		return err_fail(err, PV_CONFLICT, "store.exists",
				"choose another folder",
				"there is a " SEALED_NAME " already");
	if (fsync(fd) != 0)
		return io_fail(err, "sync");
	return PV_OK;
}

enum pv_code sealed_open(struct sealed *f, int dirfd, struct err *err)
{
	enum pv_code rc;

	memset(f, 0, sizeof(*f));
	buf_init(&f->gather, SEALED_GATHER_MAX);
	f->fd = openat(dirfd, SEALED_NAME,
		       O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (f->fd < 0 && errno == ENOENT)
		return err_fail(err, PV_INTEGRITY, "store.sealed",
				"restore the store from a backup",
				SEALED_NAME " is missing");
	if (f->fd < 0 && errno != ELOOP)
		return io_fail(err, "open");
	rc = filecheck_owner(f->fd, SEALED_NAME, err);
	if (rc != PV_OK)
		sealed_close(f);
	return rc;
}

void sealed_close(struct sealed *f)
{
	fd_cleanup(&f->fd);
	buf_release(&f->gather);
}

enum pv_code sealed_begin(struct sealed *f, uint64_t committed, uint64_t total,
			  bool cut, struct err *err)
{
	struct stat st;

	buf_reset(&f->gather);
	f->dirty = false;
	if (fstat(f->fd, &st) != 0)
		return io_fail(err, "inspect");
	if ((uint64_t)st.st_size < committed)
		return err_fail(err, PV_INTEGRITY, "store.sealed",
				"restore the store from a backup",
				SEALED_NAME " has %lld bytes where %llu were "
					    "committed",
				(long long)st.st_size,
				(unsigned long long)committed);
	if (cut && (uint64_t)st.st_size - committed > STORE_SEALED_TXN_MAX)
		return err_fail(err, PV_INTEGRITY, "store.sealed",
				"restore the database that belongs to it",
				SEALED_NAME " has %lld bytes where %llu were "
					    "committed: it is of a newer store",
				(long long)st.st_size,
				(unsigned long long)committed);
	if (cut && (uint64_t)st.st_size > committed &&
	    ftruncate(f->fd, (off_t)committed) != 0)
		return io_fail(err, "truncate");
	f->committed = committed;
	f->total = total;
	f->len = total;
	f->written = committed;
	return PV_OK;
}

static enum pv_code write_at(struct sealed *f, struct span bytes,
			     struct err *err)
{
	while (bytes.len > 0) {
		ssize_t n =
			pwrite(f->fd, bytes.p, bytes.len, (off_t)f->written);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return io_fail(err, "write");
		f->written += (uint64_t)n;
		bytes.p += n;
		bytes.len -= (size_t)n;
	}
	return PV_OK;
}

static enum pv_code flush(struct sealed *f, struct err *err)
{
	uint64_t from = f->written;
	enum pv_code rc = write_at(f, buf_span(&f->gather), err);

	/* What a failed write took is in the file at its place. */
	buf_consume(&f->gather, (size_t)(f->written - from));
	return rc;
}

bool sealed_fits(const struct sealed *f, size_t len)
{
	return len <= SEALED_GATHER_MAX - f->gather.len;
}

enum pv_code sealed_write(struct sealed *f, struct span bytes, struct err *err)
{
	if (bytes.len > f->total - f->written)
		return err_fail(err, PV_INTEGRITY, "store.sealed",
				"restore the store from a backup",
				"there are more sealed bytes than committed");
	f->dirty = true;
	return write_at(f, bytes, err);
}

enum pv_code sealed_append(struct sealed *f, struct span bytes,
			   uint64_t *offset, struct err *err)
{
	enum pv_code rc = PV_OK;

	if (bytes.len > SEALED_LEN_MAX - f->len)
		return err_fail(err, PV_STORAGE, "store.full", NULL,
				SEALED_NAME " is full");
	if (bytes.len > STORE_SEALED_TXN_MAX - (f->len - f->committed))
		return err_fail(err, PV_INPUT, "store.size", NULL,
				"more than %u sealed bytes in one transaction",
				STORE_SEALED_TXN_MAX);
	if (!sealed_fits(f, bytes.len))
		rc = flush(f, err);
	if (rc == PV_OK && bytes.len > SEALED_GATHER_MAX) {
		f->dirty = true;
		rc = write_at(f, bytes, err);
	} else if (rc == PV_OK) {
		buf_put(&f->gather, bytes.p, bytes.len);
		rc = buf_check(&f->gather, err);
	}
	if (rc != PV_OK)
		return rc;
	*offset = f->len;
	f->len += bytes.len;
	return PV_OK;
}

enum pv_code sealed_past_end(struct err *err)
{
	return err_fail(err, PV_INTEGRITY, "store.sealed",
			"restore the store from a backup",
			"the row points past the end of " SEALED_NAME);
}

static enum pv_code read_file(struct sealed *f, uint64_t offset, uint8_t *to,
			      size_t len, struct err *err)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = pread(f->fd, to + done, len - done,
				  (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return io_fail(err, "read");
		if (n == 0)
			return err_fail(err, PV_INTEGRITY, "store.sealed",
					"restore the store from a backup",
					SEALED_NAME " was cut short");
		done += (size_t)n;
	}
	return PV_OK;
}

enum pv_code sealed_read(struct sealed *f, uint64_t offset, uint64_t len,
			 struct buf *out, struct err *err)
{
	uint64_t gathered = f->len - f->gather.len;
	uint8_t *to;
	enum pv_code rc = PV_OK;

	if (offset > f->len || len > f->len - offset ||
	    (offset < gathered && offset + len > f->written))
		return sealed_past_end(err);
	if (len == 0)
		return PV_OK;
	to = len <= SIZE_MAX ? buf_room(out, (size_t)len) : NULL;
	if (!to)
		return buf_check(out, err);
	if (offset >= gathered)
		memcpy(to, f->gather.data + (offset - gathered), (size_t)len);
	else
		rc = read_file(f, offset, to, (size_t)len, err);
	if (rc == PV_OK)
		buf_commit(out, (size_t)len);
	return rc;
}

enum pv_code sealed_sync(struct sealed *f, struct err *err)
{
	enum pv_code rc = flush(f, err);

	if (rc == PV_OK && fdatasync(f->fd) != 0)
		rc = io_fail(err, "sync");
	if (rc == PV_OK)
		f->dirty = false;
	return rc;
}

enum pv_code sealed_erase(struct sealed *f, uint64_t offset, uint64_t len,
			  struct err *err)
{
	static const uint8_t zeros[4096];

	if (offset > f->committed || len > f->committed - offset)
		return sealed_past_end(err);
	while (len > 0) {
		size_t part = len < sizeof(zeros) ? (size_t)len : sizeof(zeros);
		ssize_t n = pwrite(f->fd, zeros, part, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return io_fail(err, "erase bytes of");
		offset += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return PV_OK;
}

void sealed_punch(struct sealed *f, uint64_t offset, uint64_t len)
{
	/* Zeros are there already: what cannot be punched stays zeros. */
	if (len > 0)
		(void)fallocate(f->fd,
				FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				(off_t)offset, (off_t)len);
}
