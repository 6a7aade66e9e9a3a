/*
 * heldpath: whether only root and the user who runs provctl can put another
 * file where a path leads: all its folders, as it is written and where links
 * lead.
 *
 * Does not check: the file itself (file_open() does).
 */
#ifndef PV_FLOW_HELDPATH_H
#define PV_FLOW_HELDPATH_H

#include "lib/base/err.h"

/*
 * path: absolute; what: of people's, e.g. "the module". *own is set when a
 * folder is the user's own, and left as it is else. PV_DENIED, that rule: one
 * can be written by others; PV_STORAGE, that rule.
 */
PV_MUST enum pv_code heldpath_check(const char *path, const char *rule,
				    const char *what, bool *own,
				    struct err *err);

#endif
