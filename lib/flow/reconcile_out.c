/* Output folders: every file by its name and its bytes. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/pem.h"
#include "lib/base/sha256.h"
#include "lib/flow/reconcile_impl.h"
#include "lib/store/store_device.h"
#include "lib/flow/outlock.h"

#define NAME_CAP 256

/* One folder of files. */
struct folder {
	struct reconcile *r;
	int fd;
	const char *name; /* of the output folder */
};

static enum pv_code extra(const struct folder *f, const char *file,
			  const char *detail, struct err *err)
{
	return reconcile_found(f->r, RECONCILE_EXTRA, false, RECONCILE_OUT,
			       RECONCILE_STORE, "file", file, err, "%s: %s",
			       f->name, detail);
}

static enum pv_code other(const struct folder *f, const char *file,
			  const char *detail, struct err *err)
{
	return reconcile_found(f->r, RECONCILE_DIFFERENT, true, RECONCILE_OUT,
			       RECONCILE_STORE, "file", file, err, "%s: %s",
			       f->name, detail);
}

/* Name without suffix into base; false when it is not of that form. */
static bool take_suffix(const char *file, const char *suffix,
			char base[NAME_CAP])
{
	size_t len = strlen(file), tail = strlen(suffix);

	if (len <= tail || len >= NAME_CAP ||
	    strcmp(file + len - tail, suffix) != 0)
		return false;
	memcpy(base, file, len - tail);
	base[len - tail] = '\0';
	return true;
}

static enum pv_code find_device(struct reconcile *r, const char *id,
				struct store_device *d, bool *found,
				struct err *err)
{
	*found = false;
	if (!name_is_safe(id, strlen(id)))
		return PV_OK;
	return store_device_get(r->store, id, d, found, err);
}

/* Whole file; *usable false: no plain file, or longer than anything of ours. */
static enum pv_code read_file(const struct folder *f, const char *file,
			      bool *usable, struct err *err)
{
	struct err why;
	enum pv_code rc;

	err_init(&why);
	buf_reset(&f->r->file);
	rc = file_read(f->fd, file, FILEIO_NOFOLLOW, &f->r->file, &why);
	*usable = rc == PV_OK;
	if (rc != PV_OK && rc != PV_INPUT) {
		*err = why;
		return rc;
	}
	return PV_OK;
}

/* ---- certs/<device>.pem ---- */

static enum pv_code check_cert(struct folder *f, const char *file,
			       struct err *err)
{
	struct reconcile *r = f->r;
	char id[NAME_CAP];
	struct store_device d;
	uint8_t *flags;
	bool found = false, usable = false;
	enum pv_code rc;

	if (!take_suffix(file, ".pem", id))
		return extra(f, file, "not of a device", err);
	rc = find_device(r, id, &d, &found, err);
	flags = found ? reconcile_device(r, d.s.number) : NULL;
	if (rc == PV_OK && (!flags || !d.has_cert))
		return extra(f, file,
			     flags ? "its device has no certificate"
				   : "no such device",
			     err);
	if (rc != PV_OK)
		return rc;
	*flags |= DEVICE_CERT_OUT;
	buf_reset(&r->entry);
	buf_reset(&r->sealed);
	rc = store_cert_get(r->store, d.s.number, &r->entry, err);
	pem_encode(&r->sealed, "CERTIFICATE", buf_span(&r->entry));
	if (rc == PV_OK)
		rc = buf_check(&r->sealed, err);
	if (rc == PV_OK)
		rc = read_file(f, file, &usable, err);
	if (rc == PV_OK &&
	    (!usable || !span_equal(buf_span(&r->file), buf_span(&r->sealed))))
		rc = other(f, file, "not the recorded certificate", err);
	return rc;
}

/* ---- bundles/<device>.<stage>.pvb ---- */

struct match {
	const char *stage;
	uint8_t hash[SHA256_LEN]; /* of the file */
	bool usable;
	bool same;
	bool any; /* one of that stage is recorded */
	uint64_t same_index, newest_index;
};

static enum pv_code match_bundle(void *ctx, const struct store_bundle *b,
				 struct err *err)
{
	struct match *m = ctx;

	(void)err;
	if (strcmp(b->stage, m->stage) != 0)
		return PV_OK;
	m->any = true;
	m->newest_index = b->seal_index;
	if (m->usable && memcmp(b->container_sha256, m->hash, 32) == 0) {
		m->same = true;
		m->same_index = b->seal_index;
	}
	return PV_OK;
}

/* The rows of the device; a damaged one is found with the device. */
static enum pv_code match_rows(struct reconcile *r, uint32_t number,
			       struct match *m, struct err *err)
{
	const struct store_visit v = { .ctx = m, .fn.bundle = match_bundle };
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = store_bundle_each(r->store, number, &v, &why);
	if (rc == PV_OK || rc == PV_INTEGRITY)
		return PV_OK;
	*err = why;
	return rc;
}

static enum pv_code check_bundle(struct folder *f, const char *file,
				 struct err *err)
{
	struct reconcile *r = f->r;
	struct match m = { .usable = false };
	char id[NAME_CAP], *dot;
	struct store_device d;
	bool found = false;
	uint8_t *flags;
	enum pv_code rc;

	dot = take_suffix(file, ".pvb", id) ? strrchr(id, '.') : NULL;
	if (!dot)
		return extra(f, file, "not of a device and a stage", err);
	*dot = '\0';
	m.stage = dot + 1;
	rc = find_device(r, id, &d, &found, err);
	if (rc == PV_OK && !found)
		return extra(f, file, "no such device", err);
	if (rc == PV_OK)
		rc = read_file(f, file, &m.usable, err);
	if (rc == PV_OK && m.usable)
		rc = sha256(buf_span(&r->file), m.hash, err);
	if (rc == PV_OK)
		rc = match_rows(r, d.s.number, &m, err);
	if (rc != PV_OK)
		return rc;
	if (!m.any)
		return extra(f, file, "its device has no bundle of that stage",
			     err);
	flags = reconcile_entry(r, m.same ? m.same_index : m.newest_index);
	if (flags)
		*flags |= ENTRY_OUT;
	return m.same ? PV_OK : other(f, file, "not the recorded bundle", err);
}

/* ---- folders ---- */

/* Left by a run that was interrupted; the next one removes it. */
static bool is_staged(const char *file)
{
	char base[NAME_CAP];

	return file[0] == '.' && take_suffix(file, ".tmp", base);
}

static void dir_cleanup(DIR **d)
{
	if (*d)
		closedir(*d);
}

static enum pv_code each_file(struct folder *f,
			      enum pv_code (*check)(struct folder *f,
						    const char *file,
						    struct err *err),
			      struct err *err)
{
	CLEANUP(fd_cleanup) int own = fcntl(f->fd, F_DUPFD_CLOEXEC, 3);
	CLEANUP(dir_cleanup) DIR *d = own >= 0 ? fdopendir(own) : NULL;
	enum pv_code rc = PV_OK;
	struct dirent *e = NULL;

	if (d)
		(void)TAKE_FD(own);
	errno = d ? 0 : errno;
	while (rc == PV_OK && d && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0 && !is_staged(e->d_name)) {
			f->r->counts.files++;
			rc = check(f, e->d_name, err);
		}
		errno = 0;
	}
	if (rc == PV_OK && errno != 0)
		rc = err_errno(err, PV_STORAGE, "dir.read", NULL,
			       "cannot read a folder of %s", f->name);
	return rc;
}

/* *fd stays -1 when it is not there. */
static enum pv_code open_sub(int dir, const char *name, int *fd,
			     struct err *err)
{
	*fd = openat(dir, name,
		     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*fd >= 0 || errno == ENOENT)
		return PV_OK;
	err_object(err, name);
	return err_errno(err, errno == EACCES ? PV_DENIED : PV_INPUT,
			 "output.folder", "check the path and whose it is",
			 "cannot open %s", name);
}

enum pv_code reconcile_out(struct reconcile *r, int fd, const char *name,
			   struct err *err)
{
	CLEANUP(fd_cleanup) int certs = -1;
	CLEANUP(fd_cleanup) int bundles = -1;
	struct folder f = { .r = r, .name = name };
	enum pv_code rc = open_sub(fd, "certs", &certs, err);

	if (rc == PV_OK)
		rc = open_sub(fd, "bundles", &bundles, err);
	if (rc == PV_OK && certs < 0 && bundles < 0) {
		err_object(err, name);
		rc = err_fail(err, PV_NOT_FOUND, "output.folder",
			      "name a folder of issue --out",
			      "there is neither certs nor bundles in it");
	}
	if (rc != PV_OK)
		return rc;
	r->counts.folders++;
	f.fd = certs;
	if (certs >= 0)
		rc = each_file(&f, check_cert, err);
	f.fd = bundles;
	if (rc == PV_OK && bundles >= 0)
		rc = each_file(&f, check_bundle, err);
	return rc;
}

enum pv_code reconcile_hold(int fd, const char *name, struct err *err)
{
	return outlock_take(fd, OUTLOCK_READ, name, err);
}
