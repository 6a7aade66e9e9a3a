/*
 * audit_crl: what a log says by itself of revocation lists and batches of OCSP
 * answers: of each shard they count up by one, each is recorded before it is
 * signed, and the next one only after that. Then the store's rows against it.
 */
#ifndef PV_FLOW_AUDIT_CRL_H
#define PV_FLOW_AUDIT_CRL_H

#include "lib/flow/crlissuer.h"
#include "lib/log/entry.h"

struct audit_crl { /* one shard, of one kind */
	char object[CRL_OBJECT_MAX];
	bool ocsp, open;	  /* the newest waits for its signature */
	uint64_t number;	  /* of the newest */
	uint64_t issued;	  /* number of the newest that was signed */
	uint64_t rows;		  /* of the store, in the second pass */
	uint8_t tbs[32], der[32]; /* of the open one; of the signed one */
};

struct audit_crls { /* zeroed: nothing was taken yet; sorted */
	struct audit_crl *list;
	size_t n, room;
	uint64_t lists, batches; /* that were signed */
};
void audit_crls_release(struct audit_crls *c);

/* An entry of one of the six types. PV_INTEGRITY "audit.crl". */
PV_MUST enum pv_code audit_crls_take(struct audit_crls *c,
				     const struct log_entry *e,
				     struct err *err);

/*
 * Rows against entries; the newest list of every shard is the CA's, and has
 * what was revoked before it.
 */
PV_MUST enum pv_code audit_crls_rows(struct audit_crls *c,
				     const struct authority *a,
				     struct store *store, struct err *err);

#endif
