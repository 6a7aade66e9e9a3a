/*
 * revoke_ca: one generation of a CA revoked: its certificate on the list of the
 * CA above it, and the cross-certificates for its key on those of the
 * generations that signed them. Approved first, then in one transaction. From
 * then on nothing is issued under it (castand.h); the lists of what it issued
 * are made as before. A root is on no list: who trusts it must be told.
 *
 * Does not check: who asks. Lists that say so are made after: publish.h.
 * Specification: policy.md; formats.md 7; RFC 5280 5.3.
 */
#ifndef PV_FLOW_REVOKE_CA_H
#define PV_FLOW_REVOKE_CA_H

#include "lib/flow/approvals.h"

#define REVOKE_CA_MAX 8u /* certificates of one generation's key */

struct revoke_ca_job {
	const struct authority *a;
	struct store *store; /* outside a transaction */
	const char *ca;
	uint32_t generation; /* 0: the only one that it has */
	uint32_t reason;
	int64_t invalidity_s; /* or STORE_NO_TIME */
	bool dry_run;
	/* Of approvals: files, files_n and request_out are taken. */
	const struct approvals_want *want;
};

struct revoke_ca_one {
	char serial[2 * STORE_SERIAL_MAX + 1];
	char issuer[STORE_ID_MAX + 1]; /* whose list it is on */
	uint32_t issuer_generation;
	bool existing; /* it was revoked before: reason and date are those */
	uint32_t reason;
	uint64_t revoked_ms; /* 0: of a dry run */
};

struct revoke_ca_report {
	uint32_t generation;
	struct revoke_ca_one list[REVOKE_CA_MAX]; /* its own one first */
	size_t n, changed;
	char persons[APPROVALS_PERSONS_MAX + 1]; /* "": nobody was asked */
};

/*
 * Persons: the quorum of revoke or of rotate_ca, whichever is more, of the
 * roster or of the CA's template. PV_NOT_FOUND: "store.ca", "chain.generation";
 * PV_INPUT: "revoke.generation" (it has several, name one),
 * "revoke.invalidity"; PV_DENIED: "revoke.root", "revoke.reason" (hold and
 * removal), "revoke.parent" (who signed it signs no lists here); codes of
 * approvals_gate(); PV_INTEGRITY, "store.edited"; PV_STORAGE. What is revoked
 * already is no change and keeps its date.
 */
PV_MUST enum pv_code revoke_ca(const struct revoke_ca_job *job,
			       struct revoke_ca_report *report,
			       struct err *err);

#endif
