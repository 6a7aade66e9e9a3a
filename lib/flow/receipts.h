/*
 * receipts: what devices say of their bundles (formats.md 4), taken in: the
 * bundle is ours, the signature its device's, the claims the bundle's. With the
 * receipt of a rotated credential what it takes the place of is revoked
 * (succession.h), where the template keeps that until the receipt.
 *
 * A refusal of the device is taken in, too, and recorded with its code: nothing
 * is superseded by it, and what a rotation was in place of stays valid and may
 * be gone back to. That the bundle was installed after all may follow it.
 */
#ifndef PV_FLOW_RECEIPTS_H
#define PV_FLOW_RECEIPTS_H

#include "lib/flow/due.h"
#include "lib/flow/event.h"
#include "lib/hsm.h"
#include "lib/seal/receipt.h"

struct receipts { /* of one run; zero but store and hsm */
	struct store *store;
	struct hsm *hsm; /* NULL: no COSE_Mac0 is taken */
	struct due due;
	struct kdf *kdf;
	/* The generation of the KDF master that was asked last. */
	uint8_t master_id[STORE_UUID];
	struct hsm_key *master;
};
void receipts_release(struct receipts *r);

struct receipt_said {
	char device[STORE_ID_MAX + 1];
	char serial[2 * STORE_SERIAL_MAX + 1]; /* hex, of its credential */
	char bundle[2 * STORE_UUID + 1];
	char stage[STORE_ID_MAX + 1];
	uint64_t seq, result;
	bool existing; /* it was taken in before */
	bool left;     /* of a credential that is held or not valid any more */
	uint32_t superseded; /* credentials that were revoked with it */
	/* It was refused, and what the device had before is there to go back
	 * to (succession_back()). */
	bool may_go_back;
};

/* Its form asks for the token: COSE_Mac0. False for what is no receipt. */
PV_MUST bool receipts_need_token(struct span bytes);
/* Whether it may supersede other credentials, so that it needs a transaction of
 * its own: then nothing of it stays when it is refused half-way. */
PV_MUST bool receipts_supersede(struct receipts *r, struct span bytes);

/*
 * One receipt, inside the open write transaction. seal_key: SPKI DER of the
 * device's sealing key, which signs where the certified key is not P-256 and
 * which is asked for unless it is kept; may be empty. PV_INPUT "receipt.form";
 * PV_NOT_FOUND "receipt.bundle"; PV_INTEGRITY "receipt.signature",
 * "receipt.key", "receipt.claims", "store.edited"; PV_DENIED "device.retired",
 * "clock.*"; PV_HSM_*; PV_STORAGE. said names the device as far as it is known.
 */
PV_MUST enum pv_code receipts_take(struct receipts *r,
				   const struct event_who *who,
				   struct span bytes, struct span seal_key,
				   struct receipt_said *said, struct err *err);

#endif
