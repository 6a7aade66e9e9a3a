/*
 * events: the entries of the log, one constructor a type, facts and keys as in
 * the table of formats.md 7. Each fills *e, which borrows every argument until
 * it is encoded. Hashes are SHA-256, 32 bytes. Arguments said to be optional
 * may be NULL: their fact is left out. What people decided: govern.h.
 */
#ifndef PV_LOG_EVENTS_H
#define PV_LOG_EVENTS_H

#include "lib/log/govern.h"

#define LOG_CERT_INTENT "cert.intent"
#define LOG_CERT_ISSUE "cert.issue"
#define LOG_BUNDLE_SEAL "bundle.seal"
#define LOG_EXPORT "export"
#define LOG_REQUEST_DENY "request.deny"
#define LOG_QUARANTINE_PUT "quarantine.put"
#define LOG_KEY_GENERATE "key.generate"
#define LOG_APPROVAL_ASK "approval.ask"
#define LOG_CEREMONY_STEP "ceremony.step"

struct log_intent {
	const char *serial; /* lower-case hex: the object */
	const char *device;
	const uint8_t *template_hash;
	const char *order;   /* optional */
	const uint8_t *tbs;  /* optional: no certificate */
	const uint8_t *spki; /* optional: no key pair */
	const char *request; /* optional: it is the device's id */
	const char *role;    /* optional, and all below: a CA has none */
	const char *station;
	const uint8_t *body;	/* hash of the request's body */
	const uint8_t *seal;	/* of the second key's SPKI */
	const uint8_t *kept;	/* of what is kept of its request */
	const uint8_t *secrets; /* of the sealed row that is kept meanwhile */
	uint64_t created_ms;	/* of the row; 0: none */
	uint64_t seq;		/* of the bundles to come; 0: none */
	uint64_t shards;	/* of a CA's CRL; 0: no CA */
	const char *stored;	/* optional: "NAME/VERSION ...", secrets.h */
	const char *replaces;	/* serial of the one before it; optional */
	const char *why;	/* "rework", "scrap", "rotate"; optional */
	const char *changed;	/* of it: "role", fields, by commas; optional */
	uint64_t generation;	/* of the issuing CA; up to 1: not said */
	bool station_signed;	/* the station proved that it is it */
};
#define LOG_CA_PREFIX "ca/"	/* of a CA's name, in place of a device */
#define LOG_OCSP_PREFIX "ocsp/" /* of the CA that it answers for, likewise */
/* More facts, of a CA's: of its own key, when above 1 or a cross-certificate's;
 * when it takes over (ms; absent: at once); 1 for a cross-certificate. */
#define LOG_CA_GENERATION "ca generation"
#define LOG_CA_ACTIVE "active"
#define LOG_CA_CROSS "cross"
void log_cert_intent(struct log_entry *e, const struct log_who *who,
		     const struct log_intent *intent);
void log_cert_issue(struct log_entry *e, const struct log_who *who,
		    const char *serial, const uint8_t *cert);

struct log_seal {
	const char *bundle; /* bundle-id, lower-case hex: the object */
	const char *device, *stage;
	uint64_t seq;
	const uint8_t *bh, *evidence; /* what it was released for; optional */
	const uint8_t *payload;	      /* hash of the descriptor payload */
	const uint8_t *container;     /* hash of the whole .pvb */
	const uint8_t *escrow;	      /* hash; optional: none */
	const uint8_t *template_hash;
	const char *serial;	/* where there is no cert.issue; optional */
	const uint8_t *anchors; /* hashes of its trust anchors (DER) */
	size_t anchors_n;	/* 0: none */
	const char *components, *stored; /* asked for alone; optional */
};
void log_bundle_seal(struct log_entry *e, const struct log_who *who,
		     const struct log_seal *seal);
/* what was exported to whom: a file's name, a certificate's hash in hex. */
void log_export(struct log_entry *e, const struct log_who *who,
		const char *object, const char *what, const char *to);
/* device and bytes (hash of the request's bytes) are optional. */
void log_request_deny(struct log_entry *e, const struct log_who *who,
		      const char *request, const char *device, const char *rule,
		      const uint8_t *bytes);
struct log_quarantine {
	const char *request; /* the object */
	const char *device;
	const char *rule;
	const uint8_t *bytes; /* hash of what was wrong; optional */
	const char *serial;   /* of the intent that is held; optional */
	const char *key;      /* label, of a wrong signature; optional */
	uint64_t held;	      /* number of the row that keeps it; 0: none */
	const char *source;   /* where that came from; optional */
};
void log_quarantine_put(struct log_entry *e, const struct log_who *who,
			const struct log_quarantine *q);
/* escrow: hash of its targets' certificates, DER, one behind the other;
 * optional. persons: comma-separated, optional. One of govern.h's chain. */
void log_template_adopt(struct log_entry *e, const struct log_who *who,
			const char *name, uint64_t version, const uint8_t *hash,
			const uint8_t *escrow, const char *persons);

struct log_key {
	const char *label; /* the object */
	const char *purpose;
	uint64_t generation;
	const uint8_t *spki; /* hash of the SPKI; NULL for secret keys */
	const uint8_t *id;   /* CKA_ID */
	size_t id_len;
	const uint8_t *attributes; /* hash of the attributes read back */
	const char *kind;	   /* ownkey_kind_name() */
	bool generated;		   /* on the token, by its own word */
};
void log_key_generate(struct log_entry *e, const struct log_who *who,
		      const struct log_key *key);
/* Approvals are asked for now: of whom asks (the actor), for that subject
 * (hash), with that nonce of 16 bytes. operation: the object. */
void log_approval_ask(struct log_entry *e, const struct log_who *who,
		      const char *operation, const uint8_t *subject,
		      const uint8_t *nonce);
void log_ceremony_step(struct log_entry *e, const struct log_who *who,
		       const char *object, const char *plan, const char *step,
		       const char *result);
#endif
