/*
 * facts: what a decision looks at besides template and order: the request as
 * it came, and what signer and writer found out about it. Plain data; strings
 * are borrowed for the call. Specification: policy.md, "Deciding".
 */
#ifndef PV_POLICY_FACTS_H
#define PV_POLICY_FACTS_H

#include "lib/base/err.h"
#include "policy/parts.h"

struct policy_field {
	const char *name, *value; /* UTF-8, NUL-terminated */
};

struct policy_request {
	const char *type;    /* NULL: "issue", the only known one */
	const char *request; /* request id */
	const char *device;
	const char *role; /* NULL: the template's only role */
	const struct policy_field *fields;
	size_t fields_n;
	bool csr, host_key;	      /* which key was presented or asked for */
	enum tpl_algorithm algorithm; /* of the CSR's key; NONE: unsupported */
	bool seal_key;		      /* a sealing key was given */
	bool seal_sig;		      /* with a signature over it */
	const char *replace; /* "rework", "scrap"; NULL: not a replacement */
	bool key_sig;	     /* with that key's signature by the one before */
	bool rotate;	     /* a new credential for a device in the field */
	bool renewed;	     /* for the certified key that it has, without CSR;
				counts as one */
	bool parts;	     /* components only, no new credential */
	bool release;	     /* the bundle of a stage that asks for evidence */
	const char *order;   /* order id asked for, NULL: none */
	bool batch;	     /* part of a batch or stream: may wait */
	bool offline;	     /* made for an offline line */
};

enum policy_owner { /* whom the store knows a key of */
		    POLICY_OWNER_NONE,
		    POLICY_OWNER_SAME_DEVICE,
		    POLICY_OWNER_OTHER_DEVICE,
		    POLICY_OWNER_AUTHORITY /* one of our own keys */
};

enum policy_state {
	POLICY_STATE_NONE,    /* device unknown */
	POLICY_STATE_PENDING, /* intent without result: to be completed */
	POLICY_STATE_ISSUED,
	POLICY_STATE_SUSPENDED,
	POLICY_STATE_REVOKED,
	POLICY_STATE_RETIRED
};

/* What a device has shown of itself for a stage. */
enum policy_evidence {
	POLICY_EVIDENCE_NONE, /* nothing, or nothing that was believed */
	POLICY_EVIDENCE_VERIFIED,
	POLICY_EVIDENCE_RELEASED /* a bundle was sealed for it */
};

struct policy_facts {
	uint64_t now_ms, last_event_ms; /* since the epoch; last 0: none yet */
	uint64_t clock_max_step_s;	/* 0: not limited */
	uint64_t witness_ms;	   /* what witnesses vouch for; 0: nothing */
	bool key_ok;		   /* lib/x509 key check; true without CSR */
	const struct err *key_err; /* its cause when !key_ok, may be NULL */
	bool csr_signature_ok;	   /* proof of possession */
	bool csr_within;	   /* asks for nothing the template lacks */
	const char *csr_excess;	   /* what it asks for too much, may be NULL */
	bool seal_key_ok,
		seal_sig_ok;	/* P-256 on curve; certified key's signature */
	bool seal_is_certified; /* both keys are one */
	enum policy_owner
		key_authority; /* AUTHORITY or NONE: known to signers too */

	bool held_later; /* a signer: what limits.on_anomaly quarantines is
			    for the writer to hold, or to let through */

	bool store_known;    /* the rest was read from the store */
	const char *actor;   /* roster name or "os:<uid>" */
	const char *station; /* NULL: none named */
	bool station_signed; /* by its key of the order */
	enum policy_owner spki_owner, seal_owner;
	enum policy_state state; /* of request.device */
	bool same_spki; /* certified and sealing key as stored; true when the
			   request brings none */
	bool same_rest; /* body but for the keys as stored, under the template
			   digest stored */
	bool request_of_other_device; /* request id known with another device */
	bool same_request; /* the stored answer is of this request id */
	bool key_proved;   /* a rotation: the stored certificate's key signed
			      the new one */
	bool renewal;	   /* the stored one is in place of another */
	bool received;	   /* the device said that it has the stored one */
	bool due;	   /* its time to be renewed has come */
	bool quarantined; /* the token signed wrongly for the device: it is held
			   */
	bool held;	  /* this very request waits for people */
	/* Of a release: the evidence that it names. Of a rotation: whether
	   there is any, and when the newest was verified. */
	enum policy_evidence evidence;
	uint64_t evidence_ms;	 /* when it was verified */
	bool evidence_manifest;	 /* it names the manifest that is in effect */
	bool evidence_recipient; /* it binds the key that is sealed to */
	bool in_field; /* a release: the device had its bundle before, or was
			  rotated: what was ordered does not bind it */
	/* Rules that people let this very request through by (a release);
	   they count for a device that is not there yet. */
	const char *const *released;
	size_t released_n;
	uint64_t issued_last_hour; /* under this template */
	uint64_t order_issued;	   /* under the order, without replacements */
	uint64_t order_reworked;   /* replacements under the order */
};

#endif
