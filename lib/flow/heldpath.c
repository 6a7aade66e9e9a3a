#include "lib/flow/heldpath.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct looking {
	const char *path, *rule, *what;
	bool *own;
};

static enum pv_code look(const struct looking *l, const char *folder,
			 struct err *err)
{
	struct stat st;

	if (stat(folder, &st) != 0)
		return err_errno(err, PV_STORAGE, l->rule, NULL,
				 "cannot inspect a folder of %s", l->what);
	*l->own |= st.st_uid != 0;
	/* In a sticky one nobody replaces what is another's (chmod(1)). */
	if ((st.st_uid == geteuid() || st.st_uid == 0) &&
	    (!(st.st_mode & 022) || (st.st_mode & S_ISVTX)))
		return PV_OK;
	err_object(err, l->path);
	return err_fail(err, PV_DENIED, l->rule,
			"install it where only root can write",
			"%s is in a folder that others can write: %.200s",
			l->what, folder);
}

/* All folders from the root on that path, absolute, leads through. */
static enum pv_code look_along(const struct looking *l, const char *path,
			       struct err *err)
{
	char folder[PATH_MAX];
	const char *slash = path;
	enum pv_code rc = look(l, "/", err);

	while (rc == PV_OK && (slash = strchr(slash + 1, '/')) != NULL) {
		snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path),
			 path);
		rc = look(l, folder, err);
	}
	return rc;
}

enum pv_code heldpath_check(const char *path, const char *rule,
			    const char *what, bool *own, struct err *err)
{
	const struct looking l = { path, rule, what, own };
	char real[PATH_MAX];
	enum pv_code rc;

	if (!realpath(path, real))
		return err_errno(err, PV_STORAGE, rule, NULL,
				 "cannot resolve the path of %s", what);
	rc = look_along(&l, path, err);
	return rc == PV_OK ? look_along(&l, real, err) : rc;
}
