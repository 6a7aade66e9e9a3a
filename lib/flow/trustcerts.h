/*
 * trustcerts: the certificates that evidence and endorsement keys go back to,
 * and the CRLs that say which of what they issued is revoked: attestation.trust
 * of a template. As escrowcerts.h: files of the home when the template is
 * adopted, from then on bytes of the store whose hash stands in the
 * template.adopt entry; under a roster the template says which they are. Newer
 * CRLs come with a newer version of the template: once one is over, what it is
 * needed for is refused.
 *
 * Does not check: whose they are, dates of certificates, that they are CAs, who
 * signed a CRL (chain.h does, of evidence).
 * Specification: policy.md, "Template".
 */
#ifndef PV_FLOW_TRUSTCERTS_H
#define PV_FLOW_TRUSTCERTS_H

#include "lib/evidence/chain.h"
#include "lib/flow/authority.h"
#include "lib/store/store.h"
#include "policy/template.h"

#define TRUSTCERTS_MAX (TPL_LIST_MAX * (size_t)EVIDENCE_CRL_MAX)

/*
 * Appends the DER of each, in the template's order. PV_NOT_FOUND and PV_DENIED
 * (files); PV_INPUT, "trust.certificate" (it is none), "trust.crl" (it is none,
 * or over), "escrow.digest" (another than the template says) or
 * "template.trust_unpinned" (the template says none, and a roster is in force);
 * PV_INTEGRITY; PV_STORAGE.
 */
PV_MUST enum pv_code trustcerts_read(const struct authority *a,
				     struct store *store,
				     const struct template *t, struct buf *all,
				     struct err *err);
struct trustcerts { /* borrowed, DER */
	struct span certs[TPL_LIST_MAX], crls[TPL_LIST_MAX];
	size_t certs_n, crls_n;
};
/* Those that t names, from its row's bytes, which was held against the log.
 * PV_INTEGRITY, "store.edited". */
PV_MUST enum pv_code trustcerts_take(const struct template *t, struct span all,
				     struct trustcerts *out, struct err *err);

#endif
