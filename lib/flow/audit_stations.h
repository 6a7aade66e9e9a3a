/*
 * audit_stations: what stations signed for themselves (stationclaim.h): each
 * station.claim of the log says what its note says, signed by the key that the
 * order names for the station, and no device counts as signed for by a station
 * that signed nothing under its order before. A factory event that one signed
 * for is what its newest claim was about.
 *
 * Does not check: which run of the station's it was; the order's row
 * (governance_walk()).
 */
#ifndef PV_FLOW_AUDIT_STATIONS_H
#define PV_FLOW_AUDIT_STATIONS_H

#include "lib/log/entry.h"
#include "lib/store/store.h"

struct audit_stations {	     /* zeroed: nothing was taken yet */
	uint8_t (*list)[32]; /* of order and station: who signed */
	size_t n, room;
	size_t last; /* asked for */
	/* The newest claim: whose, and the hash that was signed for; all zero:
	 * it was for a run. */
	uint8_t pair[32], input[32];
};

/* The next entry, in the log's order, of the log of that origin. Orders are
 * read from store. PV_INTEGRITY, "audit.station". */
PV_MUST enum pv_code audit_stations_take(struct audit_stations *a,
					 struct store *store, const char *log,
					 const struct log_entry *e,
					 struct err *err);
void audit_stations_release(struct audit_stations *a);

#endif
