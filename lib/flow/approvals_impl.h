/* approvals_impl: the request file, apart from the gate. Private to approvals,
 * but for approvals_fresh(), which judge.c asks again. */
#ifndef PV_FLOW_APPROVALS_IMPL_H
#define PV_FLOW_APPROVALS_IMPL_H

#include "lib/flow/approvals.h"

#define APPROVALS_PATH_MAX 4096

/*
 * Where a template wants approvals of a request that was made just now
 * (max_age_s), the log says when that was: what officers signed cannot, since
 * the text is made from a file that lies with whoever asks. So it does where
 * witnesses are required: a machine that was set back behind the request asks
 * with another nonce, and what was approved before is of no use to it.
 */
/* Logs that these approvals are asked for, in a transaction of its own. */
PV_MUST enum pv_code approvals_ask(struct store *store,
				   const struct approval *asked,
				   struct err *err);
/* *fresh: they were, by this requester, no more than max_age_s before now_s,
 * in an entry before that index (STORE_NO_INDEX: in any). */
PV_MUST enum pv_code approvals_fresh(struct store *store,
				     const struct approval *asked,
				     uint64_t now_s, uint32_t max_age_s,
				     uint64_t before, bool *fresh,
				     struct err *err);
/* By the log's clock, whatever expiry was signed: PV_DENIED, "approval.age". */
PV_MUST enum pv_code approvals_check_age(struct store *store,
					 const struct approvals *got,
					 uint64_t now_s, struct err *err);
/*
 * Makes sure that the request is there. asked: all but nonce and expiry, and
 * these, too, when known: then the file is written with them. Without, those of
 * a file that is still good are taken over, or made new. path gets its name.
 */
struct approvals_asking {
	const struct authority *a;
	struct store *store; /* NULL: there is none yet */
	const struct approvals_want *want;
	uint64_t now_s;
	uint32_t valid_s;   /* how long it is good at most */
	uint32_t max_age_s; /* 0: asking is no entry */
	bool known;
	struct approval *asked;
};
PV_MUST enum pv_code approvals_request(const struct approvals_asking *g,
				       char path[APPROVALS_PATH_MAX],
				       struct err *err);

#endif
