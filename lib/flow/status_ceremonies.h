/*
 * status_ceremonies: later plans that were begun in a home and have not ended:
 * their folder has a plan, and no note over its transcript.
 *
 * Does not check: that the log says the same, which is held against the folder
 * when the plan goes on or is run again (later.h).
 */
#ifndef PV_FLOW_STATUS_CEREMONIES_H
#define PV_FLOW_STATUS_CEREMONIES_H

#include "lib/flow/status.h"

/* Into st->ceremonies, the first ones by their names. PV_STORAGE. */
PV_MUST enum pv_code status_ceremonies_look(const struct authority *a,
					    struct status *st, struct err *err);

#endif
