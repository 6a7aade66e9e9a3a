/*
 * attestkey: keys that devices attest with, enrolled (formats.md 8): which key
 * is whose, so that evidence of it is the device's. A psa or dice key is taken
 * on the word of whoever enrols it; a TPM proves that its attestation key is
 * its own (attestkey_tpm.h).
 *
 * A device has one key. Once the device is replaced (issue --replace, rework or
 * scrap: a decision that is counted and logged) it is in force no longer, until
 * one is enrolled for what is there now: another one, or after a rework the
 * same again. A scrapped board's key is nobody's any more. No key, instance or
 * TPM (by its EK) is ever that of two devices. Calls are made inside an open
 * write transaction.
 *
 * Does not check: who brings the key, that a dice key's chain leads to an
 * anchor (its evidence shows that).
 */
#ifndef PV_FLOW_ATTESTKEY_H
#define PV_FLOW_ATTESTKEY_H

#include "lib/flow/attested.h"
#include "lib/flow/event.h"
#include "lib/hsm.h"
#include "lib/store/store_attest.h"

#define ATTESTKEY_MAC_MIN 32u /* bytes: HMAC 256/256, RFC 9053 3.1 */
#define ATTESTKEY_MAC_MAX 64u
#define ATTESTKEY_ROW_MAX 1200u /* bytes of a key as it is kept */

struct attestkey_in { /* borrowed */
	const char *device;
	enum evidence_format format;
	struct span spki; /* DER; psa: P-256; empty with a MAC key */
	const struct secret *mac_key; /* psa in COSE_Mac0; else NULL */
	/* psa: the ueid, 33 bytes; empty: derived. A MAC key needs it. */
	struct span instance;
	const uint8_t *nonce; /* LOG_NONCE bytes, of its approval; NULL: none */
};

struct attestkey_said {
	char device[STORE_ID_MAX + 1];
	uint8_t key_sha256[32];
	bool existing; /* it was enrolled, or waits, already */
	bool replaced; /* an earlier one */
	bool renewed;  /* the same, for the device after its rework */
	/* As it was recorded, without its bytes; no device: nothing was. */
	struct store_attkey row;
};

/* "psa", "psa-mac0", "tpm2", "dice". */
const char *attestkey_format(const struct store_attkey *k);

/*
 * Enrols a psa or dice key. hsm: only for a MAC key, which is sealed by the
 * store key. PV_INPUT "evidence.key" (none, malformed, of the wrong kind),
 * "evidence.instance"; PV_DENIED "evidence.format" (the template does not take
 * it), "evidence.enrolled" (the device has another key), "evidence.owner" (the
 * key or instance is another device's, or was replaced by another key, or is
 * that of a board that was scrapped), "clock.*", key.*;
 * codes of attested_load(); PV_HSM_*; PV_STORAGE.
 */
PV_MUST enum pv_code
attestkey_enrol(const struct authority *a, struct store *store, struct hsm *hsm,
		const struct event_who *who, const struct attestkey_in *in,
		struct attestkey_said *said, struct err *err);

/*
 * The key that the device's evidence is verified with, held against the log;
 * its bytes are appended to room. PV_DENIED "evidence.unknown": none is
 * enrolled, or only that of before the device was replaced. PV_INTEGRITY
 * "store.edited", also when a newer one stood.
 */
PV_MUST enum pv_code attestkey_load(struct store *store, const char *device,
				    struct store_attkey *k, struct buf *room,
				    struct err *err);
/* The MAC key of such a row. PV_INTEGRITY "store.edited", PV_HSM_*. */
PV_MUST enum pv_code attestkey_open(const struct authority *a,
				    struct store *store, struct hsm *hsm,
				    const struct store_attkey *k,
				    struct secret *key, struct err *err);

#endif
