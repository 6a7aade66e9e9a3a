/*
 * lifecycle: the entries of what happens to credentials and keys once they are
 * made: constructors as in events.h. Object and facts: formats.md 7. Hashes are
 * SHA-256, 32 bytes; serials lower-case hex.
 */
#ifndef PV_LOG_LIFECYCLE_H
#define PV_LOG_LIFECYCLE_H

#include "lib/log/acts.h"
#include "lib/log/events.h"

#define LOG_BUNDLE_RELEASE "bundle.release"
#define LOG_CERT_REVOKE "cert.revoke"
#define LOG_CRL_INTENT "crl.intent"
#define LOG_CRL_ISSUE "crl.issue"
#define LOG_CRL_VOID "crl.void"
#define LOG_OCSP_INTENT "ocsp.intent"
#define LOG_OCSP_ISSUE "ocsp.issue"
#define LOG_OCSP_VOID "ocsp.void"
#define LOG_RECEIPT "receipt"
#define LOG_DEVICE_RETIRE "device.retire"
#define LOG_DEVICE_ROLLBACK "device.rollback"
#define LOG_KEY_ROTATE "key.rotate"
#define LOG_KEY_RESTORE "key.restore"
#define LOG_KEY_DESTROY "key.destroy"
#define LOG_PIN_ROTATE "pin.rotate"
#define LOG_CA_IMPORT "ca.import"
#define LOG_CA_LIST "ca.list"
/* One more fact of a CA's cert.intent: hash of the request (DER) that it was
 * signed for, whose key is another authority's. */
#define LOG_CA_CSR "csr"

#define LOG_NO_TIME INT64_MIN

/* Of a bundle whose stage asks for evidence (seal->evidence): it may leave. */
void log_bundle_release(struct log_entry *e, const struct log_who *who,
			const struct log_seal *seal);

struct log_revoke {
	const char *serial; /* the object */
	const char *device;
	uint64_t reason; /* RFC 5280; 8: it is not held any more */
	const char *ca;	 /* its issuer; NULL: it has no certificate */
	uint64_t generation, shard; /* of that CA; serial mod its shards */
	int64_t invalidity;	    /* s, 0 or later; or LOG_NO_TIME */
	int64_t ends;		    /* its certificate, s; or LOG_NO_TIME */
	uint64_t since_ms; /* when it was held, now that it is for good; or 0 */
	const uint8_t *nonce; /* of its approvals (acts.h); or NULL */
	const char *by;	      /* serial of what is in its place; or NULL */
};
void log_cert_revoke(struct log_entry *e, const struct log_who *who,
		     const struct log_revoke *r);

struct log_crl {
	const char *object; /* "CA/number" of a shard, or of an OCSP batch */
	uint64_t number;
	const uint8_t *tbs; /* of all TBS, where there are several */
	int64_t this_s, next_s;
	uint64_t entries; /* revoked certificates; answers */
	/* Of answers: those before that size of the log are taken in, by this
	 * batch and those before it. more: they are not all of what was due. */
	uint64_t upto;
	bool more;
};
/* type: LOG_CRL_INTENT or LOG_OCSP_INTENT. */
void log_crl_intent(struct log_entry *e, const struct log_who *who,
		    const char *type, const struct log_crl *c);
/* type: LOG_CRL_ISSUE or LOG_OCSP_ISSUE; hash: of all that was signed. */
void log_crl_issue(struct log_entry *e, const struct log_who *who,
		   const char *type, const char *object, uint64_t number,
		   const uint8_t *hash);

/* type: LOG_CRL_VOID or LOG_OCSP_VOID: it was not signed, and will not be. */
void log_crl_void(struct log_entry *e, const struct log_who *who,
		  const char *type, const char *object, uint64_t number);

void log_receipt(struct log_entry *e, const struct log_who *who,
		 const char *device, const uint8_t *bh, uint64_t seq,
		 uint64_t result);
/* How many credentials it had, and how much sealed for it was deleted. */
void log_device_retire(struct log_entry *e, const struct log_who *who,
		       const char *device, uint64_t serials, uint64_t bundles,
		       uint64_t escrow);
/* from: serial of the credential that is left; to: of the one before it. */
void log_device_rollback(struct log_entry *e, const struct log_who *who,
			 const char *device, const char *from, const char *to);
/* As log_key_generate(), with the label of the key whose place it takes, or "":
 * it is the first of its purpose, and later than init; with a fact "ends" once
 * that one signs no more beside it. */
void log_key_rotate(struct log_entry *e, const struct log_who *who,
		    const struct log_key *key, const char *from);
/* As log_key_generate(), of the key as the token of that serial number reads it
 * back, which did not make it. */
void log_key_restore(struct log_entry *e, const struct log_who *who,
		     const struct log_key *key, const char *token);
/* A CA's certificate that another authority signed. */
struct log_import {
	const char *ca;	    /* its name here: the object */
	const char *parent; /* name of the CA above; NULL: a root */
	const char *key;    /* label of its key; NULL: that is elsewhere */
	const char *from;   /* the authority that gave it */
	const uint8_t *cert, *spki;
	const uint8_t *template_hash; /* NULL: it has none here */
	uint64_t shards;
	uint64_t generation, active_ms; /* 0 of the latter: at once */
};
void log_ca_import(struct log_entry *e, const struct log_who *who,
		   const struct log_import *i);
/* The revocation list of a CA whose key is elsewhere (the object), as it was
 * taken; hash: of its DER. */
void log_ca_list(struct log_entry *e, const struct log_who *who, const char *ca,
		 uint64_t number, const uint8_t *hash);
/* As log_key_generate(): it is on no token any more. */
void log_key_destroy(struct log_entry *e, const struct log_who *who,
		     const struct log_key *key);
/* The user's PIN of that token (a URI, never a PIN). */
void log_pin_rotate(struct log_entry *e, const struct log_who *who,
		    const char *token);

#endif
