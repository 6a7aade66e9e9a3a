/*
 * orders_note: the text of the end of an order, which the log's keys sign
 * (formats.md 6, "provctl end-of-order/v1").
 */
#ifndef PV_FLOW_ORDERS_NOTE_H
#define PV_FLOW_ORDERS_NOTE_H

#include "lib/flow/checkpoint.h"

struct orders_note {
	const char *origin;
	uint8_t root[32];  /* SHA-256 of the root's SPKI */
	uint8_t order[32]; /* SHA-256 of the order's bytes */
	uint64_t issued, quantity, revoked, receipts;
	uint64_t first, last; /* entries */
	uint8_t certificates[LOG_HASH];
};

void orders_note_put(const struct orders_note *n, struct buf *out);
/* note is that text, with a true line of a key of the log and none of one that
 * is wrong. PV_INTEGRITY, "order.note"; PV_INTERNAL. */
PV_MUST enum pv_code orders_note_check(const struct checkpoint_base *base,
				       const struct orders_note *n,
				       struct span note, struct err *err);

#endif
