/* approvals_impl: the request file, apart from the gate. Private to approvals.
 */
#ifndef PV_FLOW_APPROVALS_IMPL_H
#define PV_FLOW_APPROVALS_IMPL_H

#include "lib/flow/approvals.h"

#define APPROVALS_PATH_MAX 4096

static inline uint32_t approvals_valid_s(const struct approvals_want *want)
{
	return want->valid_s ? want->valid_s : APPROVALS_VALID_S;
}
/*
 * Makes sure that the request is there. asked: all but nonce and expiry, and
 * these, too, when known: then the file is written with them. Without, those of
 * a file that is still good are taken over, or made new. path gets its name.
 */
PV_MUST enum pv_code
approvals_request(const struct authority *a, struct store *store,
		  const struct approvals_want *want, uint64_t now_s, bool known,
		  struct approval *asked, char path[APPROVALS_PATH_MAX],
		  struct err *err);

#endif
