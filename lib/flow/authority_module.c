/*
 * The module's code runs with the PIN: only root, or the user who runs it, may
 * put a file there. What that user can write is the authority's own module,
 * and has to be the recorded one (settings.h): whoever can write the home can
 * name such a file in provctl.json.
 */
#include "lib/flow/authority.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"

static enum pv_code look(struct authority *a, const char *folder,
			 struct err *err)
{
	struct stat st;

	if (stat(folder, &st) != 0)
		return err_errno(err, PV_STORAGE, "config.module", NULL,
				 "cannot inspect the module's folder");
	a->own_module |= st.st_uid != 0;
	/* In a sticky one nobody replaces what is another's (chmod(1)). */
	if ((st.st_uid == geteuid() || st.st_uid == 0) &&
	    (!(st.st_mode & 022) || (st.st_mode & S_ISVTX)))
		return PV_OK;
	err_object(err, a->module);
	return err_fail(err, PV_DENIED, "config.module",
			"install it where only root can write",
			"the module's folder %.200s can be written by others",
			folder);
}

/* All folders from the root on that path, absolute, leads through. */
static enum pv_code look_along(struct authority *a, const char *path,
			       struct err *err)
{
	char folder[PATH_MAX];
	const char *slash = path;
	enum pv_code rc = look(a, "/", err);

	while (rc == PV_OK && (slash = strchr(slash + 1, '/')) != NULL) {
		snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path),
			 path);
		rc = look(a, folder, err);
	}
	return rc;
}

enum pv_code authority_check_module(struct authority *a, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = -1;
	char path[PATH_MAX];
	struct stat st;
	enum pv_code rc = file_open(AT_FDCWD, a->module,
				    FILEIO_NOT_WRITABLE_BY_OTHERS, &fd, err);

	a->own_module = false;
	if (rc != PV_OK) {
		err_prefix(err, "module");
		return rc;
	}
	if (fstat(fd, &st) != 0 || !realpath(a->module, path))
		return err_errno(err, PV_STORAGE, "config.module", NULL,
				 "cannot resolve the module's path");
	a->own_module = st.st_uid != 0;
	/* As it is written, and where links lead. */
	rc = look_along(a, a->module, err);
	return rc == PV_OK ? look_along(a, path, err) : rc;
}
