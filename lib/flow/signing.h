/*
 * signing: what one signer process signs and seals with: keys found in the
 * token and compared with the ones the authority recorded, verifiers for what
 * the token answers, compiled configurations. Made after login, once a run.
 */
#ifndef PV_FLOW_SIGNING_H
#define PV_FLOW_SIGNING_H

#include "lib/flow/context.h"
#include "lib/hsm.h"
#include "lib/seal/bundle.h"
#include "lib/seal/content.h"
#include "lib/seal/escrow.h"
#include "lib/x509/cert.h"

struct signing { /* for one template, that is, one context */
	const struct issue_context *ctx;		   /* borrowed */
	const char *authority;				   /* name, borrowed */
	struct hsm *hsm;				   /* borrowed */
	struct hsm_key *issuer_key, *bundle_key, *kdf_key; /* hsm's or NULL */
	struct x509_verifier *issuer_verifier, *bundle_verifier;
	struct seal *seal;
	struct content_config *configs[TPL_COMPONENTS_MAX]; /* or NULL */
	struct escrow_to *escrow[TPL_ESCROW_MAX];
};

/*
 * Finds every key that ctx names. PV_HSM_FATAL when a key is missing, doubled
 * or not the one recorded, rule "hsm.key" (ownkey_find()).
 */
PV_MUST enum pv_code signing_open(const struct issue_context *ctx,
				  const char *authority, struct hsm *hsm,
				  struct signing *s, struct err *err);
void signing_close(struct signing *s);

#endif
