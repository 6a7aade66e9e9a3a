/*
 * adopt: pins a template. Its bytes and digest go into the store, with the
 * certificates of its escrow targets and of attestation.trust, the bundle key
 * signs one manifest for each stage, and the whole is read back as issuing will
 * read it before the transaction commits (policy.md, "policy adopt"). Under a
 * roster it needs the quorum for it, or what the template itself or the version
 * in effect before it asks for, if that is more (raised.h).
 */
#ifndef PV_FLOW_ADOPT_H
#define PV_FLOW_ADOPT_H

#include "lib/flow/approvals.h"
#include "lib/hsm.h"
#include "lib/store/store.h"
#include "policy/template.h"

struct adopt_report {
	char name[TPL_NAME_MAX + 1];
	uint64_t version;
	uint8_t sha256[32];
	bool existing;	    /* these bytes were adopted before */
	uint64_t in_effect; /* the version that issue uses now */
	bool ca;
	size_t manifests;
	char persons[APPROVALS_PERSONS_MAX + 1]; /* who approved; "": nobody */
	struct template_warnings warnings;
};

/*
 * Adopts bytes, and keeps a copy as templates/<name>.<version>.json below the
 * home. want brings approvals and request_out (NULL: none), the rest of it is
 * filled in here. hsm may be NULL for a CA template, which has no manifest. The
 * same bytes again are fine, and need no approval. Codes of approvals_gate();
 * PV_INPUT (lint; "template.shard": its crlDistributionPoints do not tell the
 * shards of its CA apart; "template.places": they are more than a list names),
 * PV_CONFLICT "store.template" (version not above the adopted one),
 * PV_NOT_FOUND (no CA of that name, a key or stored secret that the template
 * needs), PV_HSM_*, PV_STORAGE; escrowcerts_read()'s and trustcerts_read()'s.
 * Nothing is kept after a failure.
 */
PV_MUST enum pv_code
adopt_template(const struct authority *a, struct store *store, struct hsm *hsm,
	       struct span bytes, const struct approvals_want *want,
	       struct adopt_report *report, struct err *err);
/*
 * Whether people have approved these bytes: asked as adopt_template() will ask,
 * and nothing is done or used up. *existing: they are adopted, and nobody is
 * asked. Codes of approvals_gate() and template_parse(); what the template
 * needs may not be there yet.
 */
PV_MUST enum pv_code adopt_template_ask(const struct authority *a,
					struct store *store, struct span bytes,
					const struct approvals_want *want,
					bool *existing, struct err *err);

#endif
