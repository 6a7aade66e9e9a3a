/*
 * sqlite: the store in one SQLite file (WAL, synchronous FULL) and, beside it,
 * "sealed.dat", the append-only file of sealed bytes: one store a folder. Both
 * are of mode 0600.
 */
#ifndef PV_STORE_SQLITE_H
#define PV_STORE_SQLITE_H

#include "lib/store/store.h"

/*
 * Makes a new store, whole or not at all, beside nothing else. PV_CONFLICT,
 * "store.exists", when either file is there already; PV_STORAGE.
 */
PV_MUST enum pv_code store_sqlite_create(const char *path,
					 const struct store_meta *meta,
					 struct err *err);
/*
 * Opens an existing one. PV_NOT_FOUND; PV_DENIED, "file.writable" (others may
 * write it) or "file.type" (a link); PV_INTEGRITY, "store.format" (not ours)
 * or "store.corrupt"; PV_STORAGE, "store.version" (of another version).
 */
PV_MUST enum pv_code store_sqlite_open(const char *path, struct store **store,
				       struct err *err);

#endif
