#include "lib/flow/outlock.h"

#include <errno.h>
#include <sys/file.h>

enum pv_code outlock_take(int fd, enum outlock how, const char *name,
			  struct err *err)
{
	int kind = how == OUTLOCK_READ ? LOCK_SH : LOCK_EX;

	if (flock(fd, kind | LOCK_NB) == 0)
		return PV_OK;
	err_object(err, name);
	if (errno != EWOULDBLOCK)
		return err_errno(err, PV_STORAGE, "output.lock", NULL,
				 "cannot lock the output folder");
	return err_fail(err, PV_CONFLICT, "output.busy",
			how == OUTLOCK_READ
				? "wait for it, or leave the folder out"
				: "wait for it or use another output folder",
			how == OUTLOCK_READ ? "a run writes into this folder"
					    : "another run writes into this "
					      "folder");
}
