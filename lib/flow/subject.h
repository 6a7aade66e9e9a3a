/*
 * subject: the texts that officers approve where it is no file that they
 * approve (approvals.h), and what an entry of the log says was approved: the
 * same bytes again, so that an approval is for exactly what was logged.
 *
 * Does not check: that the texts may stand in a note (names are safe, rules and
 * requests are our own).
 */
#ifndef PV_FLOW_SUBJECT_H
#define PV_FLOW_SUBJECT_H

#include "lib/log/events.h"

#define SUBJECT_MAX 1024u /* bytes of one of these texts */

/* A version of a stored secret: value is what its maker is bound to
 * (secretsalt.h). type: LOG_SECRET_ADD or _ROTATE. */
void subject_secret(struct buf *out, struct span type, struct span name,
		    uint64_t version, const uint8_t value[static 32]);
/* newest 0: that version. Else all of count that are left, up to newest. */
void subject_destroy(struct buf *out, struct span name, uint64_t version,
		     uint64_t newest, uint64_t count);
/* PV_INPUT, "clock.until": a time that is none. */
PV_MUST enum pv_code subject_clock(struct buf *out, uint64_t newest_s,
				   uint64_t until_s, struct err *err);

/* The end of an order that is not finished, by the hash of the order's bytes;
 * gives_up: what waits for its result is held for good. */
void subject_order_end(struct buf *out, struct span name,
		       const uint8_t sha256[static 32], bool gives_up);

struct subject_held {
	bool release; /* else reject */
	uint64_t number;
	struct span request, device, rule; /* device: may be empty */
	const uint8_t *bytes;		   /* their hash */
};
void subject_held(struct buf *out, const struct subject_held *h);

/*
 * The hash of what has to be approved for the decision e, of which n entries
 * were made at once (secret.destroy; 1 for all others). *says is false when e
 * does not say it. PV_INTERNAL.
 */
PV_MUST enum pv_code subject_of(const struct log_entry *e, uint64_t n,
				uint8_t hash[static 32], bool *says,
				struct err *err);

#endif
