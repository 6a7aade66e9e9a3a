/*
 * audit: log, store and sealed file held against each other, in one consistent
 * view. Memory grows by five bits a serial only (serialset.h): 6 MiB for
 * 10,000,000 of them, beside 4 MiB whatever the log.
 *
 * - the tree over all entries, computed anew, has the kept size, root and tiles
 * - every kept checkpoint is signed by a log key of ours and has that tree's
 *   root at its size, and so has HOME/checkpoint, outside of the database; an
 *   older database, or another, is found by that
 * - entries are well formed; every serial has one intent, and one issue at
 *   most, after it
 * - every device row agrees with its cert.intent and cert.issue entries, its
 *   certificate with the issue entry's hash and its TBS with the intent's
 * - of an open intent TBS and sealed secrets are the ones logged, its data key
 *   is there and nothing of its result is
 * - every bundle row agrees with its bundle.seal entry, container and escrow in
 *   the sealed file with their hashes there; manifest and descriptor are signed
 *   by a bundle key of ours
 * - what is revoked, held or retired is so by its entries and by nothing else;
 *   of a retired device nothing sealed is left; receipts and rollbacks have
 *   their entries
 * - rates and counts of orders are what the devices give
 * - what people decided is one chain, the store's list of it is all of it, and
 *   every roster, approval, order, stored secret and held request is as logged
 * - revocation lists and OCSP answers of each shard are counted up by one, each
 *   recorded before it was signed; rows agree with that, and the newest list is
 *   the CA's and has all that was revoked before it
 * - every CA, key and template row agrees with its entry, manifests and chain
 *   verify; no entry of a device, CA or bundle is without its row
 *
 * Does not check: the MAC of a mac0 descriptor (its key is in the token; the
 * hash covers its bytes), what witnesses saw (the whole machine may have been
 * set back, file and database together), that revocation was published.
 */
#ifndef PV_FLOW_AUDIT_H
#define PV_FLOW_AUDIT_H

#include "lib/flow/authority.h"
#include "lib/store/store.h"

struct audit_counts {
	uint64_t entries, certificates, cas, bundles, templates, keys;
	uint64_t devices, credentials; /* ids; rows, one or more of each */
	uint64_t open_intents;
	uint64_t quarantined; /* intents that are held */
	uint64_t revoked;     /* certificates, also those that are on hold */
	uint64_t retired;     /* devices */
	uint64_t checkpoints; /* kept in the store */
	uint64_t uncovered;   /* entries that no checkpoint covers yet */
	uint8_t root[STORE_HASH];
};

struct audit_opts {
	/* Told of each intent without a result. May be NULL. */
	void (*open_intent)(const void *ctx, const char *device,
			    const char *serial_hex);
	/* done of total log entries and devices. May be NULL. */
	void (*progress)(const void *ctx, uint64_t done, uint64_t total);
	const void *ctx;
};

/*
 * PV_INTEGRITY with the object and a rule "audit.*", "log.*", "store.*" or
 * "chain.*" at the first thing that does not fit; PV_STORAGE.
 */
PV_MUST enum pv_code audit_verify(const struct authority *a,
				  struct store *store,
				  const struct audit_opts *opts,
				  struct audit_counts *counts, struct err *err);

#endif
