/*
 * chain: certificates of devices up to an anchor (RFC 5280 6): signatures,
 * validity at a given time, basic constraints and path length, name
 * constraints, key usage, no critical extension that nobody understands. Where
 * lists are given (RFC 5280 5 and 6.3) each certificate has to be on none of
 * its issuer's, and the list has to be in force.
 *
 * Does not check: revocation where no list is given; what the certificates are
 * for.
 */
#ifndef PV_EVIDENCE_CHAIN_H
#define PV_EVIDENCE_CHAIN_H

#include "lib/base/buf.h"

#define EVIDENCE_CHAIN_MAX 8	/* certificates below the anchor */
#define EVIDENCE_CERT_MAX 4096	/* bytes of one */
#define EVIDENCE_CRL_MAX 65536	/* bytes of a list: 1,700 serials of TPMs */
#define EVIDENCE_CHAIN_TEXT 128 /* of what is wrong, with its NUL */

struct evidence_chain {		  /* DER, borrowed */
	const struct span *certs; /* from the end entity up, no gap */
	size_t certs_n;
	const struct span *anchors; /* trusted, self-signed or not */
	size_t anchors_n;
	uint64_t now_s; /* since the epoch */
	/* Lists, complete ones (no delta, no indirect ones). 0: revocation is
	 * not looked at; else the issuer of each certificate from revocable on
	 * has one, and it is in force. An anchor needs none: RFC 5280 6.1.1
	 * (d). */
	const struct span *crls;
	size_t crls_n;
	size_t revocable; /* of certs: those before it issue to themselves */
};

struct evidence_path { /* as it was found */
	size_t below;  /* of certs, those that stand below the anchor */
	uint8_t anchor_sha256[32]; /* of its DER */
};

/*
 * path->below is all of certs, or all but the last, which is then the anchor
 * itself. PV_INPUT: a certificate or list does not parse, or there are none or
 * too many; PV_INTEGRITY: the chain is wrong, one of it is revoked, or its
 * issuer's list is missing or over; both with the reason in why and no cause in
 * err. PV_INTERNAL, with a cause in err. path is zeroed on failure.
 */
PV_MUST enum pv_code evidence_chain_verify(const struct evidence_chain *chain,
					   struct evidence_path *path,
					   char why[EVIDENCE_CHAIN_TEXT],
					   struct err *err);

/* Whether der is one list that says when the next one comes, and that is after
 * now_s; *why, static, if not. Who signed it is not looked at. */
PV_MUST bool evidence_crl_good(struct span der, uint64_t now_s,
			       const char **why);

#endif
