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
#include "lib/store/store_history.h"
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

/* ---- certs/<device>.pem: of any credential that the device had ---- */

struct cert_match {
	struct reconcile *r;
	bool usable; /* the file */
	bool known;  /* a credential of the device has a number of ours */
	bool any;    /* and a certificate */
	bool same;
};

static enum pv_code match_cert(void *ctx, const struct store_device *d,
			       struct span cert, struct err *err)
{
	struct cert_match *m = ctx;
	struct reconcile *r = m->r;
	uint8_t *flags = reconcile_device(r, d->s.number);
	enum pv_code rc;

	(void)cert;
	m->known |= flags != NULL;
	if (!flags || !d->has_cert)
		return PV_OK;
	m->any = true;
	*flags |= DEVICE_CERT_OUT;
	if (!m->usable || m->same)
		return PV_OK;
	buf_reset(&r->entry);
	buf_reset(&r->sealed);
	rc = store_cert_get(r->store, d->s.number, &r->entry, err);
	if (rc != PV_OK)
		return rc;
	pem_encode(&r->sealed, "CERTIFICATE", buf_span(&r->entry));
	m->same = span_equal(buf_span(&r->file), buf_span(&r->sealed));
	return buf_check(&r->sealed, err);
}

static enum pv_code check_cert(struct folder *f, const char *file,
			       struct err *err)
{
	struct cert_match m = { .r = f->r };
	const struct store_visit v = { .ctx = &m, .fn.device = match_cert };
	char id[NAME_CAP];
	struct store_device d;
	bool found = false;
	enum pv_code rc;

	if (!take_suffix(file, ".pem", id))
		return extra(f, file, "not of a device", err);
	rc = find_device(f->r, id, &d, &found, err);
	if (rc == PV_OK && found)
		rc = read_file(f, file, &m.usable, err);
	if (rc == PV_OK && found)
		rc = store_history_each(f->r->store, id, &v, err);
	if (rc != PV_OK)
		return rc;
	if (!m.any)
		return extra(f, file,
			     m.known ? "its device has no certificate"
				     : "no such device",
			     err);
	return m.same ? PV_OK
		      : other(f, file, "not the recorded certificate", err);
}

/* ---- bundles/<device>.<stage>.pvb: likewise ---- */

struct match {
	struct reconcile *r;
	const char *stage;
	uint8_t hash[SHA256_LEN]; /* of the file */
	bool usable;
	bool same;
	bool any; /* one of that stage is recorded */
	uint32_t current;
	uint64_t current_index; /* newest of the current credential's */
	/* Of one credential. */
	bool row_any, row_same;
	uint64_t same_index, newest_index;
};

static enum pv_code match_bundle(void *ctx, const struct store_bundle *b,
				 struct err *err)
{
	struct match *m = ctx;

	(void)err;
	if (strcmp(b->stage, m->stage) != 0)
		return PV_OK;
	m->row_any = true;
	m->newest_index = b->seal_index;
	if (m->usable && memcmp(b->container_sha256, m->hash, 32) == 0) {
		m->row_same = true;
		m->same_index = b->seal_index;
	}
	return PV_OK;
}

/* One credential's; a damaged row is found with the device. */
static enum pv_code match_rows(void *ctx, const struct store_device *d,
			       struct span cert, struct err *err)
{
	struct match *m = ctx;
	const struct store_visit v = { .ctx = m, .fn.bundle = match_bundle };
	struct err why;
	uint8_t *flags;
	enum pv_code rc;

	(void)cert;
	err_init(&why);
	m->row_any = m->row_same = false;
	rc = store_bundle_each(m->r->store, d->s.number, &v, &why);
	if (rc != PV_OK && rc != PV_INTEGRITY) {
		*err = why;
		return rc;
	}
	if (!m->row_any)
		return PV_OK;
	m->any = true;
	m->same |= m->row_same;
	if (d->s.number == m->current)
		m->current_index = m->newest_index;
	flags = reconcile_entry(m->r,
				m->row_same ? m->same_index : m->newest_index);
	if (flags)
		*flags |= m->row_same ? ENTRY_OUT : ENTRY_OTHER_OUT;
	return PV_OK;
}

static enum pv_code check_bundle(struct folder *f, const char *file,
				 struct err *err)
{
	struct match m = { .r = f->r, .current_index = STORE_NO_INDEX };
	const struct store_visit v = { .ctx = &m, .fn.device = match_rows };
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
	rc = find_device(f->r, id, &d, &found, err);
	if (rc != PV_OK)
		return rc;
	if (!found)
		return extra(f, file, "no such device", err);
	m.current = d.s.number;
	rc = read_file(f, file, &m.usable, err);
	if (rc == PV_OK && m.usable)
		rc = sha256(buf_span(&f->r->file), m.hash, err);
	if (rc == PV_OK)
		rc = store_history_each(f->r->store, id, &v, err);
	if (rc != PV_OK)
		return rc;
	if (!m.any)
		return extra(f, file, "its device has no bundle of that stage",
			     err);
	if (m.same)
		return PV_OK;
	flags = reconcile_entry(f->r, m.current_index);
	if (flags)
		*flags |= ENTRY_OUT;
	return other(f, file, "not the recorded bundle", err);
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
