/*
 * succession: which credential of a device follows which. The next one is
 * current as soon as it is made; the one before stays valid until the device
 * has said that it has the next, or until it is replaced for good, and is
 * revoked then as superseded. Inside the caller's transaction.
 *
 * Does not check: that a row agrees with the log (logged.h), who may.
 * Specification: policy.md, "rotation"; RFC 5280 5.3.1.
 */
#ifndef PV_FLOW_SUCCESSION_H
#define PV_FLOW_SUCCESSION_H

#include "lib/flow/due.h"
#include "lib/log/lifecycle.h"
#include "lib/store/store.h"

#define SUCCESSION_SUPERSEDED 4u /* RFC 5280 5.3.1 */

/* What all of them need; due keeps templates parsed. */
struct succession {
	struct store *store;
	struct due *due;
	struct log_who who; /* of the entries */
};

/* The number of the next bundle of d's device: above all there ever were, also
 * those of credentials that were taken back. d: the current one. */
PV_MUST enum pv_code succession_next_seq(struct store *store,
					 const struct store_device *d,
					 uint64_t *seq, struct err *err);
/* The device has said that it has something of that credential. */
PV_MUST enum pv_code succession_received(struct store *store, uint32_t number,
					 bool *received, struct err *err);
/* The end of its certificate, or STORE_NO_TIME. The certificate agrees with the
 * log: PV_INTEGRITY. */
PV_MUST enum pv_code succession_ends(struct store *store,
				     const struct store_device *d,
				     int64_t *not_after_s, struct err *err);
/*
 * Revokes all that d's device had before d and is valid yet; what has ended is
 * left as it is. It looks no further back than at one that superseded itself
 * what was before it: a rework, or one that was received. *n (may be NULL) gets
 * how many. PV_INTEGRITY, PV_STORAGE.
 */
PV_MUST enum pv_code succession_supersede(const struct succession *s,
					  const struct store_device *d,
					  uint32_t *n, struct err *err);
/*
 * Takes d back, the current one and rotated, of which nothing was received: it
 * is revoked, and the one before is the current one again. PV_CONFLICT:
 * "rotate.first" (nothing before it), "rotate.received", "rotate.pending" (it
 * is not finished), "device.revoked", "device.suspended" (people revoked or
 * hold it), "rotate.previous" (what was before is not valid any more).
 * PV_DENIED, "rotate.given": it has a bundle, which was given out when it was
 * made, and nobody said that the device has not installed it: not_installed, or
 * the device's receipt of a refusal. A device that has takes no older one.
 */
PV_MUST enum pv_code succession_back(const struct succession *s,
				     const struct store_device *d,
				     bool not_installed, struct err *err);
/* Whether succession_back() would take d back now; false, too, where d is not
 * the current one, and while nobody said that d is not installed.
 * PV_INTEGRITY, PV_STORAGE. */
PV_MUST enum pv_code succession_may_go_back(const struct succession *s,
					    const struct store_device *d,
					    bool *may, struct err *err);
/* The step that it ends with: before, which d is in place of, is current. */
PV_MUST enum pv_code succession_leave(const struct succession *s,
				      const struct store_device *d,
				      const struct store_device *before,
				      struct err *err);

/* ---- of an open intent (succession_open.c) ---- */

/*
 * Whether d, an open intent, may be finished: what it is in place of was
 * neither revoked since nor is on hold. PV_DENIED: "device.revoked",
 * "device.suspended", "device.retired". PV_INTEGRITY, PV_STORAGE.
 */
PV_MUST enum pv_code succession_stands(struct store *store,
				       const struct store_device *d,
				       struct err *err);
/* The open intent that is in place of d; *found false: there is none. */
PV_MUST enum pv_code succession_open(struct store *store,
				     const struct store_device *d,
				     struct store_device *open, bool *found,
				     struct err *err);
/*
 * Gives the open intent d up, which is in place of another credential: nobody
 * finishes it any more (quarantine.put with that rule), and the one before is
 * the current one again, whatever its state. PV_CONFLICT, "store.completed";
 * PV_INTEGRITY, PV_STORAGE.
 */
PV_MUST enum pv_code succession_give_up(const struct succession *s,
					const struct store_device *d,
					const char *rule, struct err *err);

#endif
