/*
 * crlrow: a revocation list, or a batch of OCSP answers, as the store has it,
 * held against its log entries and against the CA's key before anything relies
 * on it (policy.md, "Trusting the store").
 */
#ifndef PV_FLOW_CRLROW_H
#define PV_FLOW_CRLROW_H

#include "lib/flow/crlissuer.h"
#include "lib/store/store_crl.h"

struct crl_row {
	bool found;
	struct store_crl row; /* its spans point into bytes */
	struct buf bytes;     /* what was signed */
	struct x509_crl crl;  /* of a list; points into bytes */
	uint64_t upto;	      /* of answers: struct log_crl's; 0: none */
	bool more;	      /* the same: others were due, too */
};
#define CRL_ROW CLEANUP(crl_row_release) struct crl_row
void crl_row_release(struct crl_row *r);

/*
 * The newest signed list of that shard, decoded: its hash is the one that
 * crl.issue records, its crl.intent is that of its number and dates, the
 * signature is the CA's. PV_INTEGRITY, "store.edited",
 * "crl.foreign" or "signature.wrong". r is zeroed or released before; release
 * it in any case.
 */
PV_MUST enum pv_code crl_row_newest(struct store *store,
				    const struct crl_issuer *i, uint32_t shard,
				    struct crl_row *r, struct err *err);
/* The newest batch of OCSP answers: only its bytes and entries. */
PV_MUST enum pv_code ocsp_row_newest(struct store *store,
				     const struct crl_issuer *i, uint32_t shard,
				     struct crl_row *r, struct err *err);

#endif
