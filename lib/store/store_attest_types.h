/*
 * store_attest_types: rows of attestation as plain data. Strings and spans as
 * in store_types.h.
 */
#ifndef PV_STORE_ATTEST_TYPES_H
#define PV_STORE_ATTEST_TYPES_H

#include "lib/store/store_types.h"

#define STORE_UEID 33u /* bytes: RFC 9783 4.2.1 */

enum store_attkey_state {
	ATTKEY_PENDING,	 /* a TPM has yet to prove that the key is its own */
	ATTKEY_ENROLLED, /* what the device's evidence is verified with */
	ATTKEY_REPLACED	 /* another one, or it again, was enrolled after it */
};

struct store_attkey { /* what a device attests with */
	char device[STORE_ID_MAX + 1];
	enum store_attkey_state state; /* of a put: one of the first two */
	uint32_t format;	       /* enum evidence_format */
	bool mac;		       /* psa in COSE_Mac0 */
	/* SPKI DER; of a MAC key the sealed row (formats.md 9), empty once its
	 * device is retired. */
	struct span key;
	/* Of those bytes; of a MAC key what it makes of a constant. */
	uint8_t key_sha256[STORE_HASH];
	uint8_t instance[STORE_UEID];  /* psa: the ueid */
	size_t instance_len;	       /* 0: not psa */
	uint8_t ek_sha256[STORE_HASH]; /* tpm2: of the EK's SPKI */
	/* Of what the TPM has to give back; all zero unless it is pending. */
	uint8_t secret_sha256[STORE_HASH];
	uint64_t log_index; /* of its attest.enrol; filled by reads */
};

struct store_nonce {		  /* one that was handed out */
	uint8_t hash[STORE_HASH]; /* the nonce itself is not kept */
	char device[STORE_ID_MAX + 1];
	char stage[STORE_ID_MAX + 1];
	uint64_t issued_ms, until_ms;
	bool offline;
	/* Filled by reads; of its attest.challenge, and of the attest.verify
	 * or attest.withdraw that used it (0: not used). */
	uint64_t log_index, used_index;
};

enum store_evidence_state {
	EVIDENCE_VERIFIED,
	EVIDENCE_RELEASED, /* a bundle was sealed for it */
	EVIDENCE_FAILED
};

struct store_evidence {
	char device[STORE_ID_MAX + 1];
	char stage[STORE_ID_MAX + 1];
	enum store_evidence_state state; /* of a put: verified or failed */
	uint32_t format;		 /* enum evidence_format */
	uint8_t sha256[STORE_HASH];	 /* of its bytes */
	uint8_t nonce[STORE_HASH];	 /* SHA-256 of the nonce */
	/* The nonce. The device must repeat it in its receipt (claim 10). */
	uint8_t nonce_value[STORE_HASH];
	struct span seal_spki;	      /* sealing key, DER; empty: kind 2 */
	uint8_t manifest[STORE_HASH]; /* digest of its payload */
	uint64_t verified_ms;
	/* Of a put: the nonce is used with it. Always so when verified. */
	bool uses_nonce;
	char rule[STORE_ID_MAX + 1]; /* that refused it; "": verified */
	/* Filled by reads: of its attest.verify, and of the bundle.release
	 * (STORE_NO_INDEX: none). */
	uint64_t log_index, release_index;
};

#endif
