/* audit_impl: what the passes of an audit share. Included by audit*.c only. */
#ifndef PV_FLOW_AUDIT_IMPL_H
#define PV_FLOW_AUDIT_IMPL_H

#include "lib/flow/audit.h"
#include "lib/flow/audit_actors.h"
#include "lib/flow/audit_stations.h"
#include "lib/flow/audit_entries.h"
#include "lib/flow/checkpoint.h"
#include "lib/flow/due.h"
#include "lib/x509/cert.h"

#define AUDIT_SIGNERS_MAX 64 /* generations of the bundle key */

struct audit_signer { /* a bundle key's public half, as recorded */
	uint8_t kid[8];
	struct x509_verifier *verifier;
};

struct audit {
	const struct authority *a;
	struct store *store;
	const struct audit_opts *opts;
	struct audit_counts *counts;
	uint64_t total, done; /* for progress */

	struct audit_entries log; /* what the entries say, all of them */
	struct audit_actors actors;
	struct audit_stations stations;
	struct checkpoint_base base; /* our log keys, and HOME/checkpoint */
	uint64_t open;		     /* devices with an intent, held ones too */
	uint64_t receipts, rollbacks; /* rows */
	uint64_t endings;	      /* of certificates that were seen */

	struct audit_signer signers[AUDIT_SIGNERS_MAX];
	size_t signers_n;
	/* What was verified last: many bundles share a signature. */
	uint8_t manifest_digest[32], batch_digest[32];
	uint8_t manifest_sig[64], batch_sig[64];

	struct buf entry, sealed; /* used again and again */
	uint64_t released; /* bundles, for evidence */
	struct due due;
};

/*
 * First pass: every entry of the log, the store's tiles and checkpoints, and
 * HOME/checkpoint. What does not fit is named "log entry N" or "log entries N
 * to M": nothing smaller can be said of bytes that still are an entry.
 */
PV_MUST enum pv_code audit_log(struct audit *au, struct err *err);
/* Second: devices with their certificates and bundles. */
PV_MUST enum pv_code audit_devices(struct audit *au, struct err *err);
/* The bundles of one device; *stages gets due_bit() of each. */
PV_MUST enum pv_code audit_bundles(struct audit *au,
				   const struct store_device *d,
				   unsigned *stages, struct err *err);
/* What became of one credential; and all rows of that counted. */
PV_MUST enum pv_code audit_ends(struct audit *au, const struct store_device *d,
				const char *serial, struct err *err);
/* When a certificate (DER) ends, where it is rotated; and no other end is
 * listed. */
PV_MUST enum pv_code audit_ending(struct audit *au,
				  const struct store_device *d, struct span der,
				  struct err *err);
PV_MUST enum pv_code audit_endings_counted(struct audit *au, struct err *err);
/* No row says of a serial that it is revoked which the log does not. */
PV_MUST enum pv_code audit_revocations(struct audit *au, struct err *err);
PV_MUST enum pv_code audit_ends_counted(struct audit *au, struct err *err);
/* Attestation keys, nonces, evidence. */
PV_MUST enum pv_code audit_attest(struct audit *au, struct err *err);
/* The recorded bundle keys, for signatures; before the second pass. */
PV_MUST enum pv_code audit_signers(struct audit *au, struct err *err);
/* Third: CAs, keys, templates, and entries that are left over. */
PV_MUST enum pv_code audit_authority(struct audit *au, struct err *err);

/* Fourth: what people decided. */
PV_MUST enum pv_code audit_people(struct audit *au, struct err *err);
/* Fifth: the notes of orders that ended are signed, and say what the log does.
 */
PV_MUST enum pv_code audit_orders(struct audit *au, struct err *err);

void audit_progress(struct audit *au);
/* The entry at index, of that type and object; PV_INTEGRITY "audit.entry". */
PV_MUST enum pv_code audit_entry(struct audit *au, uint64_t index,
				 const char *type, const char *object,
				 struct log_entry *e, struct err *err);

#endif
