/*
 * serialset: what a log said of each serial number, five bits a number (an
 * audit's are enum serial_mark; others name their own), in
 * small pages that are made when one of their numbers is first marked. Numbers
 * that lie close together, as ours do, cost five bits each; one that lies
 * alone costs a page, less than twice the bytes of the entry that names it.
 */
#ifndef PV_FLOW_SERIALSET_H
#define PV_FLOW_SERIALSET_H

#include <stdint.h>

#include "lib/base/err.h"

#define SERIALSET_PAGE 512u /* numbers of one page */
#define SERIALSET_MARKS 5u

enum serial_mark {
	SERIAL_INTENT,
	SERIAL_ISSUE,
	SERIAL_HELD,	/* in quarantine */
	SERIAL_REVOKED, /* also while it is on hold */
	SERIAL_ON_HOLD
};

struct serialset_page {
	uint8_t bits[SERIALSET_MARKS][SERIALSET_PAGE / 8];
};

struct serialset { /* zeroed: no numbers */
	uint64_t first, n;
	struct serialset_page **page;
	uint64_t end; /* no page is made from here on */
};

/* The number that a serial of ours begins with: 4 octets of it. */
uint32_t serialset_number(const uint8_t serial[static 4]);

/* For the numbers first to first + n - 1. PV_INTERNAL. */
PV_MUST enum pv_code serialset_init(struct serialset *s, uint64_t first,
				    uint64_t n, struct err *err);
void serialset_release(struct serialset *s);

PV_MUST bool serialset_holds(const struct serialset *s, uint64_t number);
/* False also for a number that s does not hold. */
PV_MUST bool serialset_get(const struct serialset *s, uint64_t number,
			   unsigned mark);
/* number must be one that s holds. PV_INTERNAL without memory. */
PV_MUST enum pv_code serialset_set(struct serialset *s, uint64_t number,
				   unsigned mark, struct err *err);
/* Does nothing where nothing is. */
void serialset_clear(struct serialset *s, uint64_t number, unsigned mark);
/*
 * Moves *number on to the first one, itself included, that has an intent or an
 * issue; false at the end.
 */
PV_MUST bool serialset_next(const struct serialset *s, uint64_t *number);

#endif
