/*
 * manifests: one signed manifest for each stage of a template (formats.md 2):
 * its components and roles of that stage, digests of the clear ones, signed by
 * the bundle key and verified. Stores nothing.
 */
#ifndef PV_FLOW_MANIFESTS_H
#define PV_FLOW_MANIFESTS_H

#include "lib/flow/context.h"

struct manifest_signed {
	const char *name; /* of the stage; static */
	uint64_t sequence;
	struct buf message; /* COSE_Sign1 */
};

struct manifests {
	struct manifest_signed stage[TPL_STAGES_MAX];
	size_t n;
};

/*
 * now_s is the not-before of templates that start at adoption. PV_INPUT (a
 * clear component larger than its max_size), PV_NOT_FOUND (bundle key or CA),
 * PV_HSM_*. Release m in any case.
 */
PV_MUST enum pv_code manifests_sign(const struct authority *a,
				    struct store *store, struct hsm *hsm,
				    struct template *t, int64_t now_s,
				    struct manifests *m, struct err *err);
void manifests_release(struct manifests *m);

/*
 * Appends the payload that stage number stage of ctx->tmpl has; of ctx only
 * tmpl and anchors are read. not_before_s counts only where the template leaves
 * it to adoption.
 */
PV_MUST enum pv_code manifests_payload(const struct issue_context *ctx,
				       size_t stage, const char *origin,
				       uint64_t not_before_s,
				       struct buf *payload, struct err *err);

#endif
