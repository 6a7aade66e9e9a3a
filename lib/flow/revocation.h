/*
 * revocation: one credential revoked, held, or let go of again: its row, its
 * cert.revoke, and the reasons by name. Inside the caller's write transaction.
 * The row is held against the log before anything is made of it.
 *
 * Does not check: who may, and who agreed (revoke.h).
 * Specification: RFC 5280 5.3.1, 5.3.2; formats.md 7.
 */
#ifndef PV_FLOW_REVOCATION_H
#define PV_FLOW_REVOCATION_H

#include "lib/flow/due.h"
#include "lib/log/lifecycle.h"
#include "lib/store/store.h"

/* "keyCompromise" and so on; "" for a number that is none of ours. */
const char *revocation_reason_name(uint32_t reason);
/* False, with *reason untouched, for a name that is none of them. */
PV_MUST bool revocation_reason_find(const char *name, uint32_t *reason);

struct revocation { /* what all that are made together have in common */
	struct store *store;
	struct due *due;
	struct log_who who;   /* of the entries */
	uint32_t reason;      /* RFC 5280; STORE_REASON_REMOVE: hold no more */
	int64_t invalidity_s; /* or STORE_NO_TIME */
	/* What the entries say of who agreed (lib/log/acts.h): the approvals'
	 * nonce, or the serial of what is in its place; or both NULL. */
	const uint8_t *nonce;
	const char *by;
};

enum revocation_done {
	REVOCATION_NOTHING, /* it is so already: nothing was written */
	REVOCATION_REVOKED,
	REVOCATION_HELD,
	REVOCATION_RELEASED
};

/* What would become of it. PV_CONFLICT: "revoke.open" (it has no result),
 * "revoke.final" (it is revoked for good, not held). Reads nothing. */
PV_MUST enum pv_code revocation_plan(uint32_t reason,
				     const struct store_device *d,
				     enum revocation_done *done,
				     struct err *err);
/* Does so. Also PV_INTEGRITY, "store.edited"; PV_STORAGE. */
PV_MUST enum pv_code revocation_make(const struct revocation *v,
				     const struct store_device *d,
				     enum revocation_done *done,
				     struct err *err);

#endif
