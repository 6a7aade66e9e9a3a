/*
 * stationclaim: a station signs for a run of its own: for this order, this file
 * of requests or (of one device, of a stream) this run alone, now. The signed
 * note goes into the log (lib/log/claim.h) once the run was let in, and an
 * audit verifies it by the key that the order names for the station.
 *
 *   provctl station/v1
 *   log <origin>
 *   order <name>
 *   station <name>
 *   input sha256:<hex>      or: session <32 hex digits>
 *   time <RFC 3339, UTC>
 *
 * Does not check: that the order knows the key (who lets the run in does), that
 * nobody writes to the file of requests while it is read.
 * Specification: formats.md 6 (signed notes), policy.md, "Officers".
 */
#ifndef PV_FLOW_STATIONCLAIM_H
#define PV_FLOW_STATIONCLAIM_H

#include "lib/base/note.h"
#include "lib/flow/event.h"
#include "lib/log/claim.h"
#include "lib/store/store.h"
#include "policy/order.h"

struct stationclaim { /* zeroed: nothing was signed */
	bool made;
	bool session; /* for one run; else for a file */
	uint8_t input[32];
	uint8_t nonce[LOG_CLAIM_SESSION_LEN];
	struct note_key key;
	uint8_t text_sha256[32];
	struct buf note;
};
void stationclaim_release(struct stationclaim *c);

struct stationclaim_run {
	const char *log; /* the origin */
	const char *order, *station;
	int fd; /* of the requests, at their start, which is left there; below
		 * 0, or no regular file: the claim is for this run */
	bool stream;	      /* so it is, too */
	const uint8_t *input; /* the hash that is signed for; NULL: fd's */
};
/*
 * Signs and verifies. c is the caller's to release in any case. The signer's
 * codes; PV_STORAGE (requests that cannot be read); PV_DENIED, "clock.range";
 * PV_INTEGRITY for a wrong signature; PV_INTERNAL.
 */
PV_MUST enum pv_code stationclaim_make(const struct stationclaim_run *run,
				       const struct note_signer *signer,
				       struct stationclaim *c, struct err *err);
/*
 * key, with which the station signs (NULL: it does not), is the one that the
 * order names for it. PV_DENIED, "station.key".
 */
PV_MUST enum pv_code stationclaim_admit(const struct order *o,
					const struct note_key *key,
					const char *station, struct err *err);
/* Its entry, in the caller's transaction. */
PV_MUST enum pv_code stationclaim_append(struct store *store,
					 const struct event_who *who,
					 const struct stationclaim *c,
					 const char *order, const char *station,
					 struct err *err);
/* The same in a transaction of its own. Codes of event_now(). */
PV_MUST enum pv_code stationclaim_log(struct store *store,
				      const struct stationclaim *c,
				      const char *order, const char *station,
				      struct err *err);
/*
 * What a station.claim says is what its note says, for that log, and the
 * order's key of the station signed it; o is the order that it names.
 * PV_INTEGRITY, "audit.station".
 */
PV_MUST enum pv_code stationclaim_check(const struct log_entry *e,
					const char *log, const struct order *o,
					struct err *err);

#endif
