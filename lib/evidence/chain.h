/*
 * chain: certificates of devices up to an anchor (RFC 5280 6): signatures,
 * validity at a given time, basic constraints and path length, name
 * constraints, key usage, no critical extension that nobody understands.
 *
 * Does not check: revocation; what the certificates are for.
 */
#ifndef PV_EVIDENCE_CHAIN_H
#define PV_EVIDENCE_CHAIN_H

#include "lib/base/buf.h"

#define EVIDENCE_CHAIN_MAX 8	/* certificates below the anchor */
#define EVIDENCE_CERT_MAX 4096	/* bytes of one */
#define EVIDENCE_CHAIN_TEXT 128 /* of what is wrong, with its NUL */

struct evidence_chain {		  /* DER, borrowed */
	const struct span *certs; /* from the end entity up, no gap */
	size_t certs_n;
	const struct span *anchors; /* trusted, self-signed or not */
	size_t anchors_n;
	uint64_t now_s; /* since the epoch */
};

/*
 * *below is how many of certs stand below the anchor: all, or all but the last,
 * which is then the anchor itself. PV_INPUT: a certificate does not parse, or
 * there are none or too many; PV_INTEGRITY: the chain is wrong; both with the
 * reason in why and no cause in err. PV_INTERNAL, with a cause in err.
 */
PV_MUST enum pv_code evidence_chain_verify(const struct evidence_chain *chain,
					   size_t *below,
					   char why[EVIDENCE_CHAIN_TEXT],
					   struct err *err);

#endif
