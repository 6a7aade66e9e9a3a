/*
 * factoryevent: a signed statement of what happened where in a factory, for a
 * device or an order, signed by the event key and recorded (formats.md 6,
 * "provctl event/v1"). A station that signs proves with its key, by its order's
 * "station_keys", that the statement is its own: a station.claim over the
 * statement's hash stands before the entry, and an audit verifies it.
 *
 * Does not check: that what is stated happened; that a device was made under
 * the order; whether the order is still open.
 * Specification: formats.md 6 and 7; policy.md, "Officers".
 */
#ifndef PV_FLOW_FACTORYEVENT_H
#define PV_FLOW_FACTORYEVENT_H

#include "lib/flow/authority.h"
#include "lib/flow/stationclaim.h"
#include "lib/hsm.h"
#include "lib/store/store.h"

#define FACTORYEVENT_PURPOSE "event"
#define FACTORYEVENT_CHECKED_MAX 32 /* items */
#define FACTORYEVENT_NOTE_MAX 8192u /* bytes */

struct factoryevent { /* all of it borrowed */
	const char *type, *station;
	const char *order, *device; /* at least one; the other NULL */
	const char *checked;	    /* items, comma-separated; NULL: none */
	/* The station's; NULL: its name is a claim. */
	const struct note_signer *station_key;
};

struct factoryevent_made { /* zeroed: nothing was signed */
	struct buf note;
	struct stationclaim claim; /* where the station signed */
	uint8_t hash[32];	   /* of the note's text */
	/* What the text says of the store: held again when it is recorded. */
	uint8_t root[32], order_sha256[32];
};
void factoryevent_release(struct factoryevent_made *made);

/*
 * Signs what happens now. made need not be initialised; release it in any case.
 * Nothing may leave before it is recorded. store: outside a transaction.
 * PV_INPUT "event.type", "event.station", "event.checked", "event.subject"
 * (neither order nor device), "device.id"; PV_NOT_FOUND "order.unknown",
 * "device.unknown" (without an order), "authority.key"; PV_DENIED "station.key"
 * (not the order's key of that station, or none where it asks for keys),
 * "clock.range"; PV_INTEGRITY; PV_HSM_*; PV_STORAGE.
 */
PV_MUST enum pv_code factoryevent_sign(const struct authority *a,
				       struct store *store, struct hsm *hsm,
				       const struct factoryevent *what,
				       struct factoryevent_made *made,
				       struct err *err);
/* Its entry, and the station's, in one transaction that looks up again what the
 * note says. Codes of factoryevent_sign() and event_now(); PV_CONFLICT
 * "event.changed": the order is another one by now. */
PV_MUST enum pv_code factoryevent_record(struct store *store,
					 const struct factoryevent *what,
					 const struct factoryevent_made *made,
					 struct err *err);

/* The name that a key of that purpose signs notes under: the log's origin, and
 * for the event key ORIGIN/event. PV_INPUT, "note.name": it is too long. */
PV_MUST enum pv_code factoryevent_key_name(const char *origin,
					   const char *purpose,
					   char out[NOTE_NAME_MAX + 1],
					   struct err *err);

#endif
