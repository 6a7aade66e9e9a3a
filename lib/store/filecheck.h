/* filecheck: a store's file is a regular one that only its owner may write. */
#ifndef PV_STORE_FILECHECK_H
#define PV_STORE_FILECHECK_H

#include "lib/base/err.h"

/*
 * Of an open descriptor, or -1 for one that could not be opened because it is
 * a symbolic link. PV_DENIED, rule "file.type" or "file.writable".
 */
PV_MUST enum pv_code filecheck_owner(int fd, const char *name, struct err *err);

#endif
