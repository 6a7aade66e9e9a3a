/*
 * drift: which devices have a bundle that was sealed under another version of
 * its template than the one in effect (`policy drift`). A device without
 * bundles counts with the version that it was certified under. A device counts
 * once, by its current credential, when that is issued or suspended; what is
 * open, held, revoked or retired does not. Rows are held against the log as
 * they are read.
 *
 * Memory grows with the number of adopted versions, not of devices.
 */
#ifndef PV_FLOW_DRIFT_H
#define PV_FLOW_DRIFT_H

#include "lib/store/store.h"

#define DRIFT_VERSIONS_MAX 65536u /* adopted, of all templates */

struct drift_version {
	char name[STORE_ID_MAX + 1];
	uint64_t version;
	uint8_t sha256[STORE_HASH];
	uint64_t in_effect; /* the version of that name that issue uses */
	uint64_t devices;   /* whose newest bundle is of this version */
};

struct drift_visit { /* any code but PV_OK ends the walk and is returned */
	void *ctx;
	/* A device that is behind, in order of its number. */
	enum pv_code (*device)(void *ctx, const char *device,
			       const struct drift_version *v, struct err *err);
	/* After them: each version, by name and version. */
	enum pv_code (*version)(void *ctx, const struct drift_version *v,
				struct err *err);
};

/*
 * One view of the store, outside of a transaction. name: of one template, or
 * NULL for all. PV_NOT_FOUND, "store.template" (nothing of that name was
 * adopted); PV_INTEGRITY (a row does not agree with the log); PV_STORAGE.
 */
PV_MUST enum pv_code drift_walk(struct store *store, const char *name,
				const struct drift_visit *v, struct err *err);

#endif
