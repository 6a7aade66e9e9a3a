/*
 * outlock: one run at a time writes into an output folder; who reads it keeps
 * runs out meanwhile. The kernel lets go of a lock when fd is closed.
 */
#ifndef PV_FLOW_OUTLOCK_H
#define PV_FLOW_OUTLOCK_H

#include "lib/base/err.h"

enum outlock { OUTLOCK_WRITE, OUTLOCK_READ };

/*
 * Does not wait. name is the folder as it was given. PV_CONFLICT,
 * "output.busy"; PV_STORAGE, "output.lock".
 */
PV_MUST enum pv_code outlock_take(int fd, enum outlock how, const char *name,
				  struct err *err);

#endif
