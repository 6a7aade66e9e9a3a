#include "lib/store/filecheck.h"

#include <sys/stat.h>
#include <unistd.h>

enum pv_code filecheck_owner(int fd, const char *name, struct err *err)
{
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) != 0)
		return err_errno(err, PV_STORAGE, "store.io", NULL,
				 "cannot inspect %s", name);
	if (fd < 0 || !S_ISREG(st.st_mode))
		return err_fail(err, PV_DENIED, "file.type",
				"put the file itself there",
				"%s is a link or not a regular file", name);
	if ((st.st_uid != geteuid() && st.st_uid != 0) || (st.st_mode & 022))
		return err_fail(err, PV_DENIED, "file.writable",
				"let root or the caller own it, chmod 0600",
				"%s can be written by others", name);
	return PV_OK;
}
