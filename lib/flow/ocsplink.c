#include "lib/flow/ocsplink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/flow/ocspmake.h"

#define REQUEST_MAX 128u /* bytes; RFC 5019 5: GET is for up to 255 encoded */
#define PATH_LEN (BASE64_LEN(REQUEST_MAX) + 1)
#define FOLDER_MODE 0755 /* as publishdir.c makes them */
#define STAGED ".link.tmp"

struct place { /* where the link is, and what it says */
	char name[PATH_LEN];
	char target[3 * PATH_LEN + OCSP_NAME_MAX];
	int folder;
};

static enum pv_code failed(const struct place *p, struct err *err)
{
	err_object(err, p->name);
	return err_errno(err, PV_STORAGE, "publish.link", NULL,
			 "cannot link an OCSP answer to its request");
}

static bool is_linked(const struct place *p, const char *name)
{
	char there[sizeof(p->target)];
	ssize_t n = readlinkat(p->folder, name, there, sizeof(there));

	return n >= 0 && (size_t)n == strlen(p->target) &&
	       memcmp(there, p->target, (size_t)n) == 0;
}

/* Whatever was there; the hook is due from before on. */
static enum pv_code put_link(const struct publish_dir *d, const struct place *p,
			     const char *name, struct err *err)
{
	enum pv_code rc = publish_hook_due(d->a, err);

	if (rc != PV_OK)
		return rc;
	if (unlinkat(p->folder, STAGED, 0) != 0 && errno != ENOENT)
		return failed(p, err);
	if (symlinkat(p->target, p->folder, STAGED) != 0 ||
	    renameat(p->folder, STAGED, p->folder, name) != 0)
		return failed(p, err);
	return PV_OK;
}

/* Down a folder for each slash; what is between two of them is none. */
static enum pv_code enter(struct place *p, char **name, struct err *err)
{
	char *slash;

	while ((slash = strchr(*name, '/')) != NULL) {
		int next = -1;
		enum pv_code rc = PV_OK;

		*slash = '\0';
		if (slash > *name) {
			rc = dir_make(p->folder, *name, FOLDER_MODE, err);
			if (rc == PV_OK)
				rc = dir_open(p->folder, *name, &next, err);
			if (rc != PV_OK)
				return rc;
			fd_cleanup(&p->folder);
			p->folder = next;
		}
		*name = slash + 1;
	}
	return PV_OK;
}

static void fill_target(struct place *p, struct span serial)
{
	char file[OCSP_NAME_MAX], *to = p->target;
	const char *at = p->name;

	for (const char *slash; (slash = strchr(at, '/')) != NULL;
	     at = slash + 1) {
		if (slash == at)
			continue;
		memcpy(to, "../", 3);
		to += 3;
	}
	ocsp_name(serial, file);
	memcpy(to, file, strlen(file) + 1);
}

static void place_release(struct place *p)
{
	fd_cleanup(&p->folder);
}

/* *none: the request is no file's name. */
static enum pv_code place_init(struct place *p, int folder,
			       const struct x509_ocsp_head *h,
			       struct span serial, bool *none, struct err *err)
{
	CLEANUP(buf_release) struct buf request;
	enum pv_code rc;

	buf_init(&request, REQUEST_MAX);
	rc = x509_ocsp_request(h, serial, &request, err);
	if (rc != PV_OK)
		return rc;
	base64_encode(request.data, request.len, p->name);
	fill_target(p, serial);
	*none = p->name[strlen(p->name) - 1] == '/';
	p->folder = fcntl(folder, F_DUPFD_CLOEXEC, 3);
	return p->folder < 0 ? failed(p, err) : PV_OK;
}

enum pv_code ocsp_link(const struct publish_dir *d, int folder,
		       const struct x509_ocsp_head *h, struct span serial,
		       struct err *err)
{
	CLEANUP(place_release) struct place p = { .folder = -1 };
	char path[PATH_LEN], *name = path;
	bool none = false;
	enum pv_code rc = place_init(&p, folder, h, serial, &none, err);

	/* Most are there: looked at without a step into folders. */
	if (rc != PV_OK || none || is_linked(&p, p.name))
		return rc;
	memcpy(path, p.name, sizeof(path));
	rc = enter(&p, &name, err);
	return rc == PV_OK ? put_link(d, &p, name, err) : rc;
}

enum pv_code ocsp_unlink(int folder, const struct x509_ocsp_head *h,
			 struct span serial, struct err *err)
{
	CLEANUP(place_release) struct place p = { .folder = -1 };
	bool none = false;
	enum pv_code rc = place_init(&p, folder, h, serial, &none, err);

	if (rc != PV_OK || none || !is_linked(&p, p.name))
		return rc;
	return unlinkat(p.folder, p.name, 0) == 0 ? PV_OK : failed(&p, err);
}
