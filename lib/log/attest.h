/*
 * attest: the entries of attestation: constructors as in events.h. Object and
 * facts: formats.md 7. Hashes are SHA-256, 32 bytes.
 */
#ifndef PV_LOG_ATTEST_H
#define PV_LOG_ATTEST_H

#include "lib/log/events.h"

#define LOG_ATTEST_ENROL "attest.enrol"
#define LOG_ATTEST_CHALLENGE "attest.challenge"
#define LOG_ATTEST_VERIFY "attest.verify"
#define LOG_ATTEST_WITHDRAW "attest.withdraw"

/* Of a template.adopt: the certificates of attestation.trust, DER, one behind
 * the other. */
#define LOG_TRUST "trust"
/* Of an attest.enrol that a TPM's answer made: the index of the one that the
 * offer was, which is approved where people have to. */
#define LOG_OFFER "offer"
#define LOG_NO_OFFER UINT64_MAX
#define LOG_VERIFIED "ok" /* the result of evidence that passed */

struct log_enrol {
	const char *device; /* the object */
	const char *format; /* "psa", "psa-mac0", "tpm2", "dice" */
	const uint8_t *key; /* hash of the SPKI; of a MAC key its check value */
	const uint8_t *instance; /* optional */
	size_t instance_len;
	const uint8_t *ek;	/* hash of the EK certificate; optional */
	const uint8_t *pending; /* hash of what the TPM gives back; optional */
	/* Of the template whose trust anchors were gone by; with pending. */
	const uint8_t *template_hash;
	uint64_t offer;	      /* LOG_NO_OFFER: none */
	const uint8_t *nonce; /* of its approval (acts.h); optional */
};
void log_attest_enrol(struct log_entry *e, const struct log_who *who,
		      const struct log_enrol *x);

struct log_challenge {
	const char *device; /* the object */
	const char *stage;
	const uint8_t *nonce; /* hash */
	uint64_t until_ms;
	bool offline;
};
void log_attest_challenge(struct log_entry *e, const struct log_who *who,
			  const struct log_challenge *x);

void log_attest_withdraw(struct log_entry *e, const struct log_who *who,
			 const char *device, const uint8_t nonce[static 32]);

struct log_verify {
	const char *device; /* the object */
	const char *stage;
	const char *format;
	const char *result; /* LOG_VERIFIED, or the rule that refused it */
	const uint8_t *evidence, *nonce, *manifest; /* hashes */
	const uint8_t *nonce_value; /* 32 bytes; NULL: the nonce is not used */
	const uint8_t *seal;	    /* hash of the sealing key; optional */
	const uint8_t *template_hash;
	const char *order; /* optional */
	const char *lot;   /* the device's field of that name; optional */
};
void log_attest_verify(struct log_entry *e, const struct log_who *who,
		       const struct log_verify *x);

#endif
