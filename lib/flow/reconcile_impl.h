/* reconcile_impl: what the parts share. Included by reconcile*.c only. */
#ifndef PV_FLOW_RECONCILE_IMPL_H
#define PV_FLOW_RECONCILE_IMPL_H

#include "lib/flow/due.h"
#include "lib/flow/quota.h"
#include "lib/flow/reconcile.h"
#include "lib/log/entry.h"
#include "lib/store/store_types.h"

#define RECONCILE_TEXT_MAX 256
#define RECONCILE_LIST_MAX 4096 /* CAs, templates, keys: each */

/* Of each serial ever lent. */
enum {
	DEVICE_CERT_OUT = 1, /* a certificate's file of its device is there */
	DEVICE_REPORTED = 2,
	DEVICE_REPORTED_PLAIN = 4, /* by a line that names no bundle */
	DEVICE_FAILED = 8,
	DEVICE_RESPONDER = 16 /* of no device: it signs OCSP answers */
};

/* Of each entry of the log. */
enum {
	ENTRY_DUE = 1, /* an intent, issue or seal that no row has claimed */
	/* Of the bundle that this bundle.seal is of. */
	ENTRY_EXPORTED = 2,
	ENTRY_OUT = 4,
	ENTRY_REPORTED = 8,
	ENTRY_OTHER_OUT = 16 /* in its place one of another credential */
};

struct reconcile_ca {
	char serial[2 * STORE_SERIAL_MAX + 1];
};

struct reconcile {
	const struct authority *a;
	struct store *store;
	struct store_txn txn;
	struct reconcile_opts opts;
	struct reconcile_counts counts;
	enum pv_code verdict;

	uint64_t first, numbers; /* serials lent */
	uint8_t *devices;
	uint64_t log_size;
	uint8_t *entries;
	uint64_t done, total; /* for progress */

	struct quota quota; /* of orders */
	struct due due;	    /* templates, parsed */

	struct reconcile_ca *cas;
	size_t cas_n;
	uint8_t (*receipts)[STORE_HASH]; /* templates that ask for one */
	size_t receipts_n;

	struct buf entry, sealed, file; /* used again and again */
};

void reconcile_step(struct reconcile *r);
/*
 * Counts, judges and tells. integrity: more than a matter of the line. object
 * is made fit for a terminal here.
 */
PV_MUST PV_PRINTF(9, 10) enum pv_code
	reconcile_found(struct reconcile *r, enum reconcile_kind kind,
			bool integrity, enum reconcile_source in,
			enum reconcile_source not_in, const char *what,
			const char *object, struct err *err, const char *fmt,
			...);

/* NULL: no such serial was ever lent; no such entry. */
uint8_t *reconcile_device(struct reconcile *r, uint32_t number);
uint8_t *reconcile_entry(struct reconcile *r, uint64_t index);
/* "device (stage)" into out. */
void reconcile_bundle_name(char out[RECONCILE_TEXT_MAX], const char *device,
			   const char *stage);
/* An intent without result, held or not. */
PV_MUST bool reconcile_is_open(const struct store_device *d);

/* *damaged: its row cannot be read, which is found with its device. */
PV_MUST enum pv_code reconcile_find_bundle(struct reconcile *r,
					   const uint8_t id[STORE_UUID],
					   struct store_bundle *b, bool *found,
					   bool *damaged, struct err *err);

/* Every entry of the log: what is due, what was exported. */
PV_MUST enum pv_code reconcile_read_log(struct reconcile *r, struct err *err);
/* Every device's rows against their entries, folders and reports. */
PV_MUST enum pv_code reconcile_devices(struct reconcile *r, struct err *err);
/* Entries that no row has claimed. */
PV_MUST enum pv_code reconcile_left(struct reconcile *r, struct err *err);

#endif
