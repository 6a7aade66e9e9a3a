/*
 * orders_close: the end of an order. Nothing is issued under it any more, and
 * a signed note says what was (formats.md 6, "provctl end-of-order/v1"): more
 * certificates than it counts show that somebody made them elsewhere, which
 * no token prevents.
 *
 * A device has its receipt when it said of any bundle that it is installed; of
 * the one that its evidence is for, where its template asks for that
 * (attestation.require_receipt).
 * Specification: policy.md, "Orders".
 */
#ifndef PV_FLOW_ORDERS_CLOSE_H
#define PV_FLOW_ORDERS_CLOSE_H

#include "lib/flow/checkpoint.h"
#include "lib/flow/due.h"
#include "lib/flow/orders_scan.h"
#include "lib/store/store_device.h"

#define ORDERS_MISSING_MAX (128u * 1024u * 1024u) /* bytes of ids */

struct orders_end {
	struct order order;
	struct orders_row row;
	struct orders_scan scan;   /* names order.id: e stays where it is */
	uint64_t issued, reworked; /* devices, and replacements, with result */
	uint64_t unfinished;	   /* intents that wait for theirs */
	uint64_t revoked, receipts;
	uint64_t first, last; /* entries that all of it lies in */
	uint8_t certificates[LOG_HASH];
	uint64_t certificates_n;
	uint64_t missing_n;
	struct buf missing; /* devices without receipt, one a line */
	struct buf note;    /* of the end; empty while it is open */
	struct due due;	    /* templates of its devices */
};

/*
 * What there is of an order now: counted from the log, and each device's row
 * held against it. e need not be initialised; release it in any case.
 * orders_load()'s codes; PV_INTEGRITY, "store.edited".
 */
PV_MUST enum pv_code orders_count(struct store *store, const char *name,
				  struct orders_end *e, struct err *err);
/*
 * Closes. A closed order gives the note that it ended with. give_up: intents
 * that wait for their result are held for good (quarantine.put,
 * "order.closed"), in the transaction of the end; without it they are
 * PV_CONFLICT, "order.unfinished". Of want only files and request_out are
 * taken: orders_ending.h says when people have to agree; PV_CONFLICT,
 * "order.clock": they have to after all, since the clock went back. store:
 * outside a transaction. *existing: it was closed before.
 */
PV_MUST enum pv_code
orders_close(const struct authority *a, struct store *store, struct hsm *hsm,
	     const struct checkpoint_base *base, const char *name, bool give_up,
	     const struct approvals_want *want, struct orders_end *e,
	     bool *existing, struct err *err);
void orders_end_release(struct orders_end *e);

/* ---- orders_count.c: to orders_close.c ---- */

/* The device of a number whose flags (quota.h) the log gave; its row fits. */
PV_MUST enum pv_code orders_device(struct store *store, const char *name,
				   uint32_t number, uint32_t flags,
				   struct store_device *d, struct err *err);

#endif
