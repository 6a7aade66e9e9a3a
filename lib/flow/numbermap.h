/*
 * numbermap: a small number for each serial number of ours, in pages that are
 * made when one of their numbers is first set. Numbers that lie close together,
 * as ours do, cost four bytes each.
 */
#ifndef PV_FLOW_NUMBERMAP_H
#define PV_FLOW_NUMBERMAP_H

#include <stdint.h>

#include "lib/base/err.h"

struct numbermap { /* zeroed: empty */
	uint32_t **page;
	size_t n; /* pages that may be there */
};

void numbermap_release(struct numbermap *m);
/* 0: nothing was set, or it is no serial number of ours. */
PV_MUST uint32_t numbermap_get(const struct numbermap *m, uint32_t number);
/* Nothing for one that is none of ours. PV_INTERNAL without memory. */
PV_MUST enum pv_code numbermap_set(struct numbermap *m, uint32_t number,
				   uint32_t value, struct err *err);
/* Moves *number on to the first one, itself included, that has a value; false
 * at the end. *number starts at 0. */
PV_MUST bool numbermap_next(const struct numbermap *m, uint64_t *number,
			    uint32_t *value);

#endif
