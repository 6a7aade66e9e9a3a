/*
 * idset: identifiers of several kinds, found in logarithmic time whoever chose
 * them, within a limit of memory. Compared byte by byte.
 */
#ifndef PV_FLOW_IDSET_H
#define PV_FLOW_IDSET_H

#include "lib/base/buf.h"

struct idset {
	void *root;	  /* of the tree; owned */
	size_t used, max; /* bytes, of tree and heap too */
};

void idset_init(struct idset *set, size_t max);
void idset_release(struct idset *set);
/* A copy of s; one that is there is fine. PV_INPUT, "audit.size", when it does
 * not fit; PV_INTERNAL out of memory. The set is then as before. */
PV_MUST enum pv_code idset_add(struct idset *set, int kind, struct span s,
			       struct err *err);
PV_MUST bool idset_has(const struct idset *set, int kind, struct span s);
void idset_remove(struct idset *set, int kind, struct span s);

#endif
