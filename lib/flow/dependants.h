/*
 * dependants: do the places that others fetch from show what is published:
 * files, plain http addresses, OCSP responders. Each is asked for its list or
 * its answer, which is verified with the CA's key and held against the store.
 *
 * A line of JSON a place: {"name":N, "ca":CA, and one of "file":PATH,
 * "url":"http://...", "ocsp":"http://..."}; "shard": the list's number in its
 * URL (0 when absent); "serial": a certificate whose state is told (needed with
 * "ocsp").
 */
#ifndef PV_FLOW_DEPENDANTS_H
#define PV_FLOW_DEPENDANTS_H

#include "lib/flow/authority.h"
#include "lib/store/store.h"

#define DEPENDANTS_MAX 1000u
#define DEPENDANTS_BYTES_MAX (1u << 30) /* of all places of a file together */

enum dependant_verdict {
	DEPENDANT_CURRENT,
	DEPENDANT_BEHIND,  /* an older list, or another state */
	DEPENDANT_EXPIRED, /* it shows what has ended */
	DEPENDANT_OTHER,   /* another shard's list of this CA */
	DEPENDANT_AWAY,	   /* no answer, or none that can be read */
	DEPENDANT_NEWER,   /* than the store's: an alarm */
	DEPENDANT_FOREIGN  /* another CA's or key's: an alarm */
};
/* "current", "behind" and so on. */
const char *dependant_verdict_name(enum dependant_verdict v);

struct dependant {
	const char *name, *place; /* borrowed while told */
	enum dependant_verdict verdict;
	uint64_t shown, newest; /* numbers of the list; 0: unknown */
	int64_t shard;		/* whose list it shows instead; -1 */
	int64_t since_s;	/* behind since then; -1: not, or unknown */
	int64_t next_s;		/* of what it shows; -1: unknown */
	const char *state;	/* that it shows of the serial; NULL */
	struct err why;		/* of DEPENDANT_AWAY */
};

struct dependants_job {
	const struct authority *a;
	struct store *store;
	struct span list; /* the lines */
	enum pv_code (*told)(void *ctx, const struct dependant *d,
			     struct err *err);
	void *ctx;
};

/*
 * PV_OK when all are current; else the worst: PV_INTEGRITY "dependant.alarm",
 * PV_DENIED "dependant.behind". PV_INPUT "dependant.line" before anything is
 * asked; PV_INTEGRITY and PV_STORAGE of our own lists.
 */
PV_MUST enum pv_code dependants_check(const struct dependants_job *job,
				      struct err *err);

#endif
