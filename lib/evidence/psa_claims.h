/*
 * psa_claims: the claims of a PSA attestation token (RFC 9783 4 and 5.1, with
 * RFC 9711's labels), taken apart. What a claim has to be is checked here: each
 * one of the RFC's, missing, doubled or of another type, length or range, is
 * refused with the rule "evidence.claim.<name>". Claims that the RFC does not
 * name are ignored, as RFC 9711 4 asks; keys of a software component are not.
 *
 * Does not check: whether the values are the right ones for the device.
 */
#ifndef PV_EVIDENCE_PSA_CLAIMS_H
#define PV_EVIDENCE_PSA_CLAIMS_H

#include "lib/evidence/evidence_impl.h"

#define PSA_COMPONENTS_MAX 32
#define PSA_PROFILE "tag:psacertified.org,2023:psa#tfm" /* RFC 9783 5.2 */

struct psa_component { /* RFC 9783 4.4.1; len 0: absent, but value and signer */
	struct span type, value, version, signer, description;
};

struct psa_claims {	   /* spans point into the payload */
	struct span nonce; /* 32, 48 or 64 bytes */
	struct span ueid;  /* EVIDENCE_UEID_LEN bytes, the first is 01 */
	struct span implementation;
	struct span boot_seed, certification, verifier; /* p NULL: absent */
	int64_t client;
	uint64_t lifecycle; /* in one of the RFC's ranges */
	struct psa_component component[PSA_COMPONENTS_MAX];
	size_t component_n;
};

/* PV_INPUT, rule "evidence.form" or "evidence.claim.<name>". */
PV_MUST enum pv_code psa_claims_parse(struct evidence_run *run,
				      struct span payload,
				      struct psa_claims *claims);
/* Name of a lifecycle's state (evidence.h); NULL: not in a range of the RFC. */
const char *psa_lifecycle_name(uint64_t lifecycle);

#endif
