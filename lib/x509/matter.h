/*
 * matter: vendor and product ids in a Matter subject, either as attributes of
 * their own or inside a CN ("Mvid:FFF1 Mpid:8000"), never mixed. Four
 * upper-case hex digits each. Specification: Matter 1.x, 6.2.2; profiles.md.
 */
#ifndef PV_X509_MATTER_H
#define PV_X509_MATTER_H

#include "lib/base/buf.h"

struct matter_ids {
	char vid[5], pid[5];	   /* "" when absent */
	bool in_attributes, in_cn; /* where they were found */
	const char *bad;	   /* what is wrong, NULL: nothing */
};

/* Reads a whole Name. A Name without such ids gives empty ones. */
void matter_read(struct span name, struct matter_ids *ids);

#endif
