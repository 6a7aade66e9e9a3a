/*
 * filesweep: what file_write() of one file left, beside it, in a process that
 * has ended since: for a file whose bytes may not lie about, in a folder that
 * is not ours alone.
 *
 * Does not check: whether the process lives in another PID namespace.
 */
#ifndef PV_BASE_FILESWEEP_H
#define PV_BASE_FILESWEEP_H

#include "lib/base/err.h"

/* name: the file's, without a folder. What cannot be removed stays. */
void file_sweep(int dirfd, const char *name);
/* file_group_sweep() for who has the folder alone, and writes no file of it
 * now: whatever process has the number by now, as after a restart of the
 * machine. It tells of each file that it removed; told may be NULL. PV_STORAGE,
 * "dir.read": the folder could not be read, or not to its end. */
PV_MUST enum pv_code file_sweep_told(int dirfd,
				     void (*told)(void *ctx, const char *file),
				     void *ctx, struct err *err);

#endif
