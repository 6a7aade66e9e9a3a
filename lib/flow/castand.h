/*
 * castand: whether a CA of ours stands, or it, or one above it, was revoked
 * (revoke_ca.h). What is revoked issues nothing any more; its lists go on.
 *
 * Does not check: dates and signatures (cachain.h).
 * Specification: RFC 5280 6.1.3 (a)(3).
 */
#ifndef PV_FLOW_CASTAND_H
#define PV_FLOW_CASTAND_H

#include "lib/flow/authority.h"
#include "lib/flow/cachain.h"

/*
 * Is that certificate of a CA (DER) revoked? Its row is held against the log
 * then. PV_INTEGRITY, "store.edited"; PV_STORAGE.
 */
PV_MUST enum pv_code ca_is_revoked(struct store *store, struct span cert,
				   struct store_revocation *r, bool *revoked,
				   struct err *err);
/* n certificates, the issuer's first, without a root, which is on no list.
 * PV_DENIED, "ca.revoked", names the CA; codes as above. */
PV_MUST enum pv_code ca_stands(struct store *store, const struct span *certs,
			       size_t n, struct err *err);
/* Whether the chain's first may issue, by our own word and by the lists of
 * authorities elsewhere. Codes of ca_stands() and calist_chain(). */
PV_MUST enum pv_code ca_chain_stands(const struct authority *a,
				     struct store *store,
				     const struct ca_chain *chain,
				     int64_t now_s, struct err *err);
/* ca_stands() of a CA's generation and all above it. Codes of
 * ca_chain_load_generation(), too. */
PV_MUST enum pv_code ca_generation_stands(struct store *store, const char *ca,
					  uint32_t generation, struct err *err);

#endif
