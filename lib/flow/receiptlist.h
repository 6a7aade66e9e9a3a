/*
 * receiptlist: which devices of an order have not said that they have what was
 * made for them, and which of them said that they could not take it.
 *
 * Does not check: why; what counts as missing is orders_count()'s to say.
 * Specification: formats.md 4; policy.md, "Orders".
 */
#ifndef PV_FLOW_RECEIPTLIST_H
#define PV_FLOW_RECEIPTLIST_H

#include "lib/store/store.h"

struct receiptlist_line {
	const char *device;
	char serial[2 * STORE_SERIAL_MAX + 1]; /* hex, of its credential */
	/* Its last receipt is of a refusal, with that number and that code of
	 * the device. */
	bool failed;
	uint64_t seq, result;
	bool may_go_back; /* succession_may_go_back() */
};

/*
 * Tells of each, in the order of orders_count(). store: outside a transaction.
 * Codes of orders_count(), logged_device(); what told returns ends it.
 */
PV_MUST enum pv_code receiptlist_each(
	struct store *store, const char *order,
	enum pv_code (*told)(void *ctx, const struct receiptlist_line *line,
			     struct err *err),
	void *ctx, struct err *err);

#endif
