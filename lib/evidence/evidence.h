/*
 * evidence: what a device attests with, verified (formats.md 8). Three formats:
 * the PSA attestation token (RFC 9783, an EAT of RFC 9711, in COSE_Sign1 or
 * COSE_Mac0), a TPM 2.0 quote (TCG TPM 2.0 Library, Part 2, 10.12), a DICE
 * certificate chain with DiceTcbInfo (TCG DICE Attestation Architecture 1.0,
 * 6.1.1) whose alias key signs. Pure: bytes in, verdict out; no clock, no file.
 *
 * Does not check: whether a nonce was handed out, is fresh or was used; which
 * key is enrolled; whether the reference values are good ones.
 */
#ifndef PV_EVIDENCE_EVIDENCE_H
#define PV_EVIDENCE_EVIDENCE_H

#include "lib/base/buf.h"
#include "lib/base/secret.h"

/* Bytes. TF-M's PSA_INITIAL_ATTEST_MAX_TOKEN_SIZE is at most 2,048; a quote
 * with 24 PCRs has at most 1,600; a chain 8 certificates of up to 4 KiB. */
#define EVIDENCE_PSA_MAX 4096
#define EVIDENCE_TPM2_MAX 4096
#define EVIDENCE_DICE_MAX 34816
#define EVIDENCE_MAX EVIDENCE_DICE_MAX /* what a caller has to read */
#define EVIDENCE_NONCE_LEN 32
#define EVIDENCE_UEID_LEN 33 /* 01, then 32 bytes (RFC 9783 4.2.1) */
#define EVIDENCE_CHECKS_MAX 64

enum evidence_format { EVIDENCE_PSA, EVIDENCE_TPM2, EVIDENCE_DICE };

/* "psa", "tpm2" or "dice"; false: there is no such format. */
const char *evidence_format_name(enum evidence_format format);
PV_MUST bool evidence_format_find(const char *name, enum evidence_format *out);

/*
 * One value that a component may have. Several of one name are alternatives.
 * psa: the name is the measurement type ("BL", "PRoT"); tpm2: "pcr0" to
 * "pcr23", SHA-256 bank; dice: "layer0" and so on, by DiceTcbInfo's layer, or
 * where it has none by how many DiceTcbInfo come before it from the root. What
 * the evidence has beside them is refused: but psa and dice without any.
 */
struct evidence_reference {
	const char *component;
	uint8_t digest[32]; /* SHA-256 */
};

/* All that is expected; everything in it is borrowed. */
struct evidence_want {
	enum evidence_format format;
	uint8_t a[32];	    /* evidence_a() */
	const char *device; /* its id, for messages */
	/* Enrolled key as SPKI DER, P-256: psa with COSE_Sign1, tpm2 (the AK).
	 * dice: of any kind, and one that a certificate of the chain must have:
	 * the DeviceID's. Anchors alone vouch for no one device. */
	struct span key;
	const struct secret *mac_key; /* psa with COSE_Mac0, else NULL */
	/* psa: the enrolled ueid; empty: derived from the key, as H(IAK) or
	 * H(H(IAK)) (PSA Attestation API 2.0, table 4). */
	struct span instance;
	const struct span *anchors, *crls; /* dice: DER; chain.h */
	size_t anchors_n, crls_n;
	const struct evidence_reference *reference;
	size_t reference_n;
	/* Names of states that pass; none: "secured". psa: "unknown",
	 * "assembly-and-test", "psa-rot-provisioning", "secured",
	 * "non-psa-rot-debug", "recoverable-psa-rot-debug", "decommissioned"
	 * (RFC 9783 4.3.1). dice: "not-configured", "not-secure", "recovery",
	 * "debug", or "secured" where no flag is set. tpm2 has none. */
	const char *const *lifecycle;
	size_t lifecycle_n;
	/* 0: not asked. psa: the number that each component's version begins
	 * with; dice: svn of each layer; a quote has none and is refused. */
	uint32_t min_svn;
	uint64_t now_s; /* dice: for validity, seconds since the epoch */
};

/* What --explain shows. Texts are fit for a terminal. */
struct evidence_check {
	const char *rule; /* static */
	bool passed;
	char expected[128], found[128];
};

struct evidence_report {
	struct evidence_check list[EVIDENCE_CHECKS_MAX];
	size_t n;
};

/*
 * A = SHA-256("provctl-att/1" || 00 || nonce || SHA-256(sealing SPKI) ||
 * manifest digest); an empty SPKI (recipient kdf) stands as 32 zero bytes.
 * PV_INTERNAL when OpenSSL fails.
 */
PV_MUST enum pv_code evidence_a(const uint8_t nonce[static EVIDENCE_NONCE_LEN],
				struct span sealing_spki,
				const uint8_t manifest_digest[static 32],
				uint8_t out[static 32], struct err *err);

/*
 * Verifies bytes against want. report (may be NULL) gets each check made. PV_OK
 * only when all of them passed. Nothing that the evidence says is compared
 * before its signature is right; then everything is, and the first failure
 * gives code and rule:
 *   PV_INPUT      evidence.size, evidence.form, evidence.key (want's key is
 *                 none), evidence.claim.<name>, evidence.tcb, evidence.quote
 *   PV_INTEGRITY  evidence.type, evidence.algorithm, evidence.chain,
 *                 evidence.signature
 *   PV_DENIED     evidence.nonce, evidence.identity, evidence.lifecycle,
 *                 evidence.debug, evidence.measurement, evidence.svn
 *   PV_INTERNAL   OpenSSL fails, no memory
 */
PV_MUST enum pv_code evidence_verify(struct span bytes,
				     const struct evidence_want *want,
				     struct evidence_report *report,
				     struct err *err);

#endif
