/*
 * store_lifecycle_types: rows of what happens to credentials and CAs after they
 * were made, as plain data. Strings and spans as in store_types.h.
 */
#ifndef PV_STORE_LIFECYCLE_TYPES_H
#define PV_STORE_LIFECYCLE_TYPES_H

#include "lib/store/store_types.h"

#define STORE_REASON_HOLD 6u   /* RFC 5280 5.3.1: certificateHold */
#define STORE_REASON_REMOVE 8u /* removeFromCRL: in the log only */
#define STORE_REASON_MAX 10u
#define STORE_NO_TIME INT64_MIN

struct store_revocation { /* of a credential, in force now */
	uint32_t number;
	/* Its issuer, whose lists name it; "": it has no certificate, or one
	 * that no list is for (RFC 9608). */
	char ca[STORE_ID_MAX + 1];
	uint32_t generation;  /* of the issuer; 0 without */
	uint32_t shard;	      /* serial mod the CA's shards */
	uint32_t reason;      /* RFC 5280; 0: unspecified */
	uint64_t revoked_ms;  /* of a hold also once it is for good */
	int64_t invalidity_s; /* since the epoch, or STORE_NO_TIME */
	int64_t not_after_s;  /* of the certificate, or STORE_NO_TIME */
	uint8_t serial[STORE_SERIAL_MAX];
	size_t serial_len;
	uint64_t log_index; /* of its newest cert.revoke; filled by reads */
};

/* What is signed to say which certificates are revoked. */
enum store_crl_kind { STORE_CRL, STORE_OCSP };
enum store_crl_which {
	STORE_CRL_ALL,
	STORE_CRL_NEWEST, /* of each shard, the newest that is signed */
	STORE_CRL_PENDING, /* recorded, to be signed */
	STORE_CRL_LAST	   /* the highest number; of store_crl_get() alone */
};

/* One CRL, or one batch of OCSP answers that are signed ahead. */
struct store_crl {
	enum store_crl_kind kind;
	char ca[STORE_ID_MAX + 1];
	uint32_t generation; /* of that CA */
	uint32_t shard;	     /* of OCSP: which batch */
	uint64_t number;     /* 1, 2, ... of this shard */
	int64_t this_s, next_s;
	uint64_t entries; /* certificates that it speaks of */
	struct span tbs;  /* what is signed; empty once it is */
	struct span der;  /* signed; empty unless it is the newest */
	/* Filled by reads; STORE_NO_INDEX: not yet. */
	uint64_t intent_index, issue_index;
};

struct store_receipt {
	uint32_t number;    /* of the credential */
	uint64_t seq;	    /* of the bundle */
	uint64_t result;    /* 0: installed (formats.md 4) */
	uint64_t log_index; /* of its receipt entry; filled by reads */
};

struct store_ending {  /* when a credential's certificate ends */
	int64_t end_s; /* since the epoch */
	uint32_t number;
};

/* One generation of a CA, signed by another one's key. */
struct store_crosscert {
	char ca[STORE_ID_MAX + 1];
	uint32_t signer;      /* generation that signed it */
	uint32_t subject;     /* generation whose key is in it */
	struct span cert;     /* DER */
	uint64_t issue_index; /* of its cert.issue */
};

#endif
