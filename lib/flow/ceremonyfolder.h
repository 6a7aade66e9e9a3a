/*
 * ceremonyfolder: ceremonies/<plan>-<version> below a home, and the plan's
 * bytes in it, which a run that goes on must bring again.
 */
#ifndef PV_FLOW_CEREMONYFOLDER_H
#define PV_FLOW_CEREMONYFOLDER_H

#include "lib/flow/ceremony.h"

#define CEREMONY_PLAN_FILE "plan.json"

/* Opened, and held by one run at a time: *fd is the caller's. PV_NOT_FOUND;
 * PV_CONFLICT, "ceremony.busy". */
PV_MUST enum pv_code ceremony_folder_open(int home_fd, const struct plan *plan,
					  int *fd, struct err *err);
/* PV_DENIED, "ceremony.other": text is not the plan that lies there. path: of
 * text, for the message. */
PV_MUST enum pv_code ceremony_folder_same(int fd, struct span text,
					  const char *path, struct err *err);
/* Its transcript's note is there: nothing comes behind that. */
PV_MUST bool ceremony_folder_ended(int fd);
/*
 * What the ceremonies of a home say that it is: *rehearsal when one of them was
 * a rehearsal. By the first line of each transcript; what cannot be read is
 * PV_INPUT, PV_INTEGRITY or PV_STORAGE.
 */
PV_MUST enum pv_code ceremony_folder_rehearsed(int home_fd, bool *rehearsal,
					       struct err *err);

#endif
