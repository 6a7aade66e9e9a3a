/*
 * canewest: whether the authority has a CA of a name, and what the row of its
 * newest generation says.
 *
 * Does not check: the row (logged_authority.h); whether it issues, or was
 * withdrawn (cachain.h).
 */
#ifndef PV_FLOW_CANEWEST_H
#define PV_FLOW_CANEWEST_H

#include "lib/store/store.h"

struct ca_newest {
	uint32_t generation;		 /* 0: there is no CA of that name */
	char label[STORE_LABEL_MAX + 1]; /* of its key; "": elsewhere */
	char parent[STORE_ID_MAX + 1];	 /* "" for a root */
	bool imported; /* another authority gave us its certificate */
};

/* PV_STORAGE, PV_INTEGRITY. */
PV_MUST enum pv_code ca_newest(struct store *store, const char *ca,
			       struct ca_newest *out, struct err *err);

#endif
