/*
 * The module's code runs with the PIN: only root, or the user who runs it, may
 * put a file there. What that user can write is the authority's own module,
 * and has to be the recorded one (settings.h): whoever can write the home can
 * name such a file in provctl.json.
 */
#include "lib/flow/authority.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/flow/heldpath.h"

enum pv_code authority_check_module(struct authority *a, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = -1;
	struct stat st;
	struct err why;
	enum pv_code rc;

	a->own_module = false;
	err_init(&why);
	rc = file_open(AT_FDCWD, a->module, FILEIO_NOT_WRITABLE_BY_OTHERS, &fd,
		       &why);
	if (rc == PV_NOT_FOUND) {
		err_object(err, a->module);
		return err_fail(err, PV_HSM_FATAL, "hsm.module",
				"install it where only root can write, or "
				"name another in provctl.json",
				"the PKCS#11 module is not there");
	}
	if (rc != PV_OK) {
		*err = why;
		err_prefix(err, "module");
		return rc;
	}
	if (fstat(fd, &st) != 0)
		return err_errno(err, PV_STORAGE, "config.module", NULL,
				 "cannot inspect the module");
	a->own_module = st.st_uid != 0;
	return heldpath_check(a->module, "config.module", "the module",
			      &a->own_module, err);
}
