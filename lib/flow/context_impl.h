/* context_impl: for who fills a context in, from the store or from a record. */
#ifndef PV_FLOW_CONTEXT_IMPL_H
#define PV_FLOW_CONTEXT_IMPL_H

#include "lib/flow/context.h"

/* A copy of from that lives as long as ctx. */
PV_MUST enum pv_code issue_context_copy(struct issue_context *ctx,
					struct span from, struct span *to,
					struct err *err);

/* Every key of the authority, by store_key_each(). */
enum pv_code issue_context_take_key(void *ctx, const struct store_key *key,
				    struct err *err);
/* NULL when there is none. */
const struct issue_key *
issue_context_find_label(const struct issue_context *ctx, const char *label);
/* Those that provctl.json names. */
PV_MUST enum pv_code issue_context_choose_keys(struct issue_context *ctx,
					       const struct authority *a,
					       struct err *err);
/* Those that making a device of the template will ask for. */
PV_MUST enum pv_code issue_context_check_needs(const struct issue_context *ctx,
					       struct err *err);

#endif
