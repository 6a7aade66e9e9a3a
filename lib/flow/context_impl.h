/* context_impl: for who fills a context in, from the store or from a record. */
#ifndef PV_FLOW_CONTEXT_IMPL_H
#define PV_FLOW_CONTEXT_IMPL_H

#include "lib/flow/context.h"

/* A copy of from that lives as long as ctx. */
PV_MUST enum pv_code issue_context_copy(struct issue_context *ctx,
					struct span from, struct span *to,
					struct err *err);

#endif
