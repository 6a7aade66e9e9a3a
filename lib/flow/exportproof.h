/*
 * exportproof: one file that proves, beside a certificate and without the log,
 * that the certificate was logged (c2sp.org/tlog-proof@v1): its cert.issue
 * entry as extra data, the proof, and the last checkpoint signed; where
 * witnesses are required, the last that they cosigned. Who verifies
 * needs the certificate and the log's key: the SHA-256 of the DER is the
 * entry's fact "cert".
 *
 * What is given out was verified here first, against the log's own keys.
 */
#ifndef PV_FLOW_EXPORTPROOF_H
#define PV_FLOW_EXPORTPROOF_H

#include "lib/flow/checkpoint.h"
#include "lib/log/tlogproof.h"

struct export_entry { /* the cert.issue of a certificate */
	uint64_t index;
	char serial[2 * STORE_SERIAL_MAX + 1]; /* lower-case hex */
};

/*
 * Of a device's certificate, whatever became of it since; by id, or by serial
 * number in hex, a CA's too. PV_NOT_FOUND "device.unknown", "serial.unknown",
 * "cert.none"; PV_INPUT "device.id", "serial.form"; PV_INTEGRITY
 * "store.edited".
 */
PV_MUST enum pv_code export_entry_device(struct store *store,
					 const char *device,
					 struct export_entry *e,
					 struct err *err);
PV_MUST enum pv_code export_entry_serial(struct store *store, const char *hex,
					 struct export_entry *e,
					 struct err *err);
/* Of a CA's certificate, DER. PV_INTEGRITY "store.edited". */
PV_MUST enum pv_code export_entry_ca(struct store *store, struct span der,
				     struct export_entry *e, struct err *err);

struct export_proof { /* of entries under one checkpoint */
	struct store *store;
	struct checkpoint_base base;
	struct buf note;
	bool cosigned; /* it is what witnesses have seen, as it must be */
	struct log_hasher hasher;
};

/* Codes of checkpoint_last() and cosigned_note(). store is borrowed; release p
 * in any case. */
PV_MUST enum pv_code export_proof_load(const struct authority *a,
				       struct store *store,
				       struct export_proof *p, struct err *err);
void export_proof_release(struct export_proof *p);
/*
 * Appends the file to out. PV_NOT_FOUND "log.checkpoint": the checkpoint does
 * not cover the entry. PV_INTEGRITY "log.proof": what was made is not true.
 */
PV_MUST enum pv_code export_proof_put(struct export_proof *p,
				      const struct export_entry *e,
				      struct buf *out, struct err *err);

#endif
