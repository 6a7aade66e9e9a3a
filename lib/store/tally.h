/*
 * tally: counts that one transaction adds to, gathered so that a group of
 * devices is one write a name, with the answer last read kept beside them.
 */
#ifndef PV_STORE_TALLY_H
#define PV_STORE_TALLY_H

#include "lib/store/store_types.h"

#define TALLY_MAX 16u

struct tally_line {
	char name[STORE_ID_MAX + 1];
	uint64_t bucket; /* 0 where there are none */
	uint64_t n;
};

struct tally {
	struct tally_line line[TALLY_MAX]; /* not yet in the database */
	size_t n;
	struct tally_line cached; /* n: what the database says; "" is none */
};

/* Forgets everything. */
void tally_clear(struct tally *t);
/* Room for one more name and bucket; else flush first. */
PV_MUST bool tally_fits(const struct tally *t, const char *name,
			uint64_t bucket);
void tally_add(struct tally *t, const char *name, uint64_t bucket);
/* Gathered under name in buckets from since on. */
PV_MUST uint64_t tally_sum(const struct tally *t, const char *name,
			   uint64_t since);
/* What the database was found to say of name since that bucket. */
PV_MUST bool tally_cached(const struct tally *t, const char *name,
			  uint64_t since, uint64_t *n);
void tally_cache(struct tally *t, const char *name, uint64_t since, uint64_t n);

#endif
