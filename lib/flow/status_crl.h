/*
 * status_crl: what status says of revocation lists and OCSP answers, from the
 * store's rows and entries alone: they are verified where they are given out. A
 * list that still names what is not held any more is not found here.
 */
#ifndef PV_FLOW_STATUS_CRL_H
#define PV_FLOW_STATUS_CRL_H

#include "lib/flow/publishaside.h"
#include "lib/store/store_crl.h"

#define STATUS_CRLS_MAX 512
/* Before nextUpdate; of short-lived ones half of their life. */
#define STATUS_CRL_WARN_S 86400
#define STATUS_CRL_LATE_S 3600
#define STATUS_CRL_RUN_S 600 /* a run that is at it makes a batch sooner */

struct status_crl { /* of one kind and one generation of a CA */
	enum store_crl_kind kind;
	char ca[STORE_ID_MAX + 1];
	uint32_t generation;
	uint32_t ca_shards; /* of that generation */
	uint64_t shards;    /* that have one */
	uint64_t number;    /* the highest */
	uint64_t pending;   /* recorded and not signed */
	uint64_t absent;    /* shards that have none */
	uint64_t behind;    /* shards with what the newest list lacks */
	bool cut; /* a run ended before all answers were made that were due */
	int64_t next_s;	      /* the soonest nextUpdate */
	bool ending, expired; /* within a day; by now */
	bool over;  /* the CA's certificate has ended: nobody asks any more */
	bool late;  /* what they lack was revoked an hour ago, or more */
	bool large; /* a list of more than half of what there may be */
};

struct status_crls {
	struct status_crl list[STATUS_CRLS_MAX];
	size_t n;
	int64_t hook_since_s; /* the hook is due since then; 0: it is not */
	char aside[ASIDE_NAME_MAX]; /* a list that the log does not know */
};

PV_MUST enum pv_code status_crls_load(const struct authority *a,
				      struct store *store, int64_t now_s,
				      struct status_crls *out, struct err *err);
/* PV_INTEGRITY "publish.aside", "crl.expired", "crl.behind" (what they lack was
 * revoked an hour ago, or more), PV_DENIED "status.crl" (one ends within a day,
 * waits for its signature, was never made, or is of a run that was cut off,
 * lacks what is revoked or has more than half of X509_CRL_MAX), PV_STORAGE
 * "publish.hook" (the hook is due for longer than a minute). */
PV_MUST enum pv_code status_crls_judge(const struct status_crls *c,
				       int64_t now_s, struct err *err);

#endif
