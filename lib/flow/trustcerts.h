/*
 * trustcerts: the certificates that evidence and endorsement keys go back to,
 * attestation.trust of a template. As escrowcerts.h: files of the home when the
 * template is adopted, from then on bytes of the store whose hash stands in the
 * template.adopt entry; under a roster the template says which they are.
 *
 * Does not check: whose they are, dates, that they are CAs (chain.h does, of
 * evidence).
 * Specification: policy.md, "Template".
 */
#ifndef PV_FLOW_TRUSTCERTS_H
#define PV_FLOW_TRUSTCERTS_H

#include "lib/evidence/chain.h"
#include "lib/flow/authority.h"
#include "lib/store/store.h"
#include "policy/template.h"

/*
 * Appends the DER of each, in the template's order. PV_NOT_FOUND and PV_DENIED
 * (files); PV_INPUT, "trust.certificate" (it is none), "escrow.digest" (another
 * than the template says) or "template.trust_unpinned" (the template says none,
 * and a roster is in force); PV_INTEGRITY; PV_STORAGE.
 */
PV_MUST enum pv_code trustcerts_read(const struct authority *a,
				     struct store *store,
				     const struct template *t, struct buf *all,
				     struct err *err);
/* The n that t names, from its row's bytes, which was held against the log.
 * PV_INTEGRITY, "store.edited". */
PV_MUST enum pv_code trustcerts_take(const struct template *t, struct span all,
				     struct span out[TPL_LIST_MAX], size_t *n,
				     struct err *err);

#endif
