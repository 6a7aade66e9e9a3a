/*
 * program: the three symmetric keys of a device in one step. program.new holds
 * all of them and is there or not; kek.hex, auth.hex and receipt.hex follow.
 */
#ifndef PV_CMD_PROVDEV_PROGRAM_H
#define PV_CMD_PROVDEV_PROGRAM_H

#include "lib/base/err.h"

/*
 * Writes what program.new says and removes it; nothing when it is not there.
 * The caller holds the device. PV_INTEGRITY for a broken or another's file.
 */
PV_MUST enum pv_code program_resume(int dirfd, const char *id, struct err *err);

#endif
