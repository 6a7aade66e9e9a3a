/*
 * export: what others need of an authority, read from the store: sealed
 * bundles and their segments, escrowed secrets (sealed to their backend),
 * chains, public keys, KEKs for a chip programmer (sealed to its certificate),
 * the list of devices. Nothing leaves in the clear that is secret.
 *
 * Callers log each export (event_export) before its bytes leave, and once
 * nothing stands in their way: what is refused is no entry.
 */
#ifndef PV_FLOW_EXPORT_H
#define PV_FLOW_EXPORT_H

#include "lib/flow/approvals.h"
#include "lib/hsm.h"
#include "lib/flow/crlword.h"
#include "lib/store/store.h"

struct export_bundle {
	struct store_device device; /* whose it is */
	struct store_bundle row;    /* newest of that stage; spans are empty */
	struct buf bytes;	    /* the .pvb file */
};

/*
 * The newest bundle of a device and stage; stage NULL: its only stage, else
 * PV_USAGE "export.stage". PV_NOT_FOUND "device.unknown", "bundle.none";
 * PV_DENIED "device.revoked". Rows and bytes are checked against the log, and
 * by words, whose store it is, against its last word on the certificate:
 * PV_INTEGRITY, "store.edited". Release in any case.
 */
PV_MUST enum pv_code export_bundle_load(struct crl_words *words,
					const char *device, const char *stage,
					struct export_bundle *b,
					struct err *err);
void export_bundle_release(struct export_bundle *b);

/* CMS of the device's escrowed values of that bundle into the empty out, of b
 * only device and row are read; PV_NOT_FOUND "escrow.none", PV_INTEGRITY
 * "store.edited". */
PV_MUST enum pv_code export_escrow(struct store *store,
				   const struct export_bundle *b,
				   struct buf *out, struct err *err);

/*
 * PEM of the SPKI of the key of a purpose as the store recorded it (generation
 * 0: the one that provctl.json names), or its verifier key line (vkey), under
 * the log's origin or, of the event key, ORIGIN/event. PV_NOT_FOUND; PV_INPUT
 * "export.key" for a secret key.
 */
PV_MUST enum pv_code export_key(const struct authority *a, struct store *store,
				const char *purpose, unsigned generation,
				bool vkey, struct buf *out, struct err *err);

/* KEK, auth and receipt keys of devices, for one recipient. */
struct export_kek;
/* cert: PEM or DER of the programmer. PV_INPUT "escrow.certificate", codes of
 * ownkey_find() for the KDF master. */
PV_MUST enum pv_code export_kek_new(const struct authority *a,
				    struct store *store, struct hsm *hsm,
				    struct span cert, struct export_kek **k,
				    struct err *err);
/* Whose keys go to whom. */
struct export_kek_whose {
	struct span cert;	    /* as above */
	const char *const *devices; /* devices_n */
	size_t devices_n;
	struct span list; /* one id a line; p NULL: no list */
};
/*
 * Appends what officers approve of that: the certificate's hash, subject and
 * key, how many devices, the first and the last, and each that is named or the
 * hash of their list. PV_INPUT "escrow.certificate", "device.id" (one that is
 * none, no device at all).
 */
PV_MUST enum pv_code export_kek_subject(const struct export_kek_whose *w,
					struct buf *out, struct err *err);
/* The ids of such a list, which is cut apart in place: *ids, n, is the caller's
 * to free(), and borrows from list. PV_INPUT, "device.id": a NUL byte. */
PV_MUST enum pv_code export_kek_split(struct buf *list, const char ***ids,
				      size_t *n, struct err *err);
/* One device more; its id is checked. One that has a bundle stays with the
 * generation of the KDF master that this names. PV_INPUT "device.id"; PV_DENIED
 * "device.retired"; PV_INTEGRITY, "store.edited"; PV_HSM_*. */
PV_MUST enum pv_code export_kek_add(struct export_kek *k, const char *device,
				    struct err *err);
/* Appends the CMS. */
PV_MUST enum pv_code export_kek_finish(struct export_kek *k, struct buf *out,
				       struct err *err);
struct export_kek_logged {
	const char *const *ids; /* n, in the order of the subject */
	size_t n;
	const char *to; /* hash of the certificate's file, in hex */
	struct span subject;
};
/* An entry for each, and what was approved of them, in one transaction: before
 * anything leaves. Codes of decision_on_acts(). */
PV_MUST enum pv_code export_kek_log(struct store *store,
				    const struct export_kek_logged *l,
				    const struct approvals *got,
				    struct err *err);
void export_kek_free(struct export_kek *k);

/* "reserved", "issued" and so on. */
const char *export_state_name(enum store_state state);
/* The device's row, not held against the log. PV_INPUT "device.id",
 * PV_NOT_FOUND "device.unknown". */
PV_MUST enum pv_code export_device_find(struct store *store, const char *device,
					struct store_device *d,
					struct err *err);

#endif
