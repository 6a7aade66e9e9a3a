/*
 * claim: the entry of a run at a station that signed for itself: with the note,
 * so that whoever reads the log can verify it by the order's key of the
 * station. Constructor as in events.h.
 */
#ifndef PV_LOG_CLAIM_H
#define PV_LOG_CLAIM_H

#include "lib/log/entry.h"

#define LOG_STATION_CLAIM "station.claim"
#define LOG_CLAIM_ORDER "order"
#define LOG_CLAIM_INPUT "input"	    /* hash of the file of requests, or: */
#define LOG_CLAIM_SESSION "session" /* a nonce of this run */
#define LOG_CLAIM_SESSION_LEN 16u
#define LOG_NOTE "note" /* the bytes of it */

struct log_who;

struct log_claim {
	const char *station; /* the object */
	const char *order;
	const uint8_t *input;	/* 32 bytes; or NULL, and */
	const uint8_t *session; /* LOG_CLAIM_SESSION_LEN bytes */
	const uint8_t *text;	/* hash of the note's text */
	struct span note;
};
void log_station_claim(struct log_entry *e, const struct log_who *who,
		       const struct log_claim *c);

#endif
