/*
 * crlrecord: how revocation lists and batches of OCSP answers are recorded
 * before and after they are signed (promise 1), the same for both.
 *
 * What a run before this one recorded and did not sign is never signed: the row
 * and its entry are anybody's who can write the database. It is given up: its
 * number is used (RFC 5280 5.2.3 allows gaps), and the next is made from what
 * the store says now.
 *
 * Does not check: what the bytes say (lib/x509 lints them).
 */
#ifndef PV_FLOW_CRLRECORD_H
#define PV_FLOW_CRLRECORD_H

#include "lib/flow/crlissuer.h"
#include "lib/flow/event.h"
#include "lib/store/store_crl.h"

struct crl_record { /* of which shard */
	struct store *store;
	enum store_crl_kind kind;
	const struct crl_issuer *i;
	uint32_t shard; /* 0 for answers */
};

/*
 * Inside the caller's transaction: gives up what waits for its signature
 * (*gave_up), with its crl.void or ocsp.void. *number: the next one's.
 * PV_STORAGE, PV_INTEGRITY.
 */
PV_MUST enum pv_code crl_record_next(const struct crl_record *r,
				     const struct event_who *who,
				     uint64_t *number, bool *gave_up,
				     struct err *err);

/*
 * Inside the caller's transaction: what will be signed: number, dates, entries
 * and tbs of row, the rest is filled in here. upto, more: struct log_crl's.
 * Once that is committed the token may be asked for a signature on just these
 * bytes. Codes of store_crl_reserve().
 */
PV_MUST enum pv_code crl_record_intent(const struct crl_record *r,
				       const struct event_who *who,
				       const struct store_crl *row,
				       uint64_t upto, bool more,
				       struct err *err);

/* In a transaction of its own, committed when PV_OK: what was signed. Codes of
 * store_crl_complete(). */
PV_MUST enum pv_code crl_record_issue(const struct crl_record *r,
				      uint64_t number, struct span der,
				      struct err *err);

#endif
