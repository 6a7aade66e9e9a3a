/*
 * inventory: one line a credential for dependants, JSON or CSV, and which of
 * them are asked for.
 */
#ifndef PV_CMD_INVENTORY_H
#define PV_CMD_INVENTORY_H

#include <stdio.h>

#include "lib/flow/crlword.h"
#include "lib/store/store_device.h"

struct inventory {
	struct store *store;
	struct crl_words words; /* of that store; the caller's to release */
	bool csv;
	/* Only these; NULL or -1: all. */
	const char *device, *state, *template, *order;
	int64_t since_s; /* made, revoked, held or retired since */
	FILE *to;
};

/* The first line of CSV. */
extern const char inventory_head[];

/* store_visit's fn.device, in one transaction; ctx is a struct inventory. A row
 * that does not agree with the log, or not with its last word on the
 * certificate, is PV_INTEGRITY. */
PV_MUST enum pv_code inventory_put(void *ctx, const struct store_device *d,
				   struct span der, struct err *err);

#endif
