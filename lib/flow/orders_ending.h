/*
 * orders_ending: who may end an order. One that is finished, its quantity taken
 * or its window over, is ended by one who has the role; before that, and where
 * devices are given up that wait for their result, people decide as they did
 * when it was opened: the quorum of "order", or more where its template says
 * so. Before the first roster nobody is asked. What counts is the log, and the
 * time of the entry of its end.
 *
 * Does not check: the role (the caller does).
 * Specification: policy.md, "Orders".
 */
#ifndef PV_FLOW_ORDERS_ENDING_H
#define PV_FLOW_ORDERS_ENDING_H

#include "lib/flow/orders_close.h"

/* At that time, in seconds, of what was taken of the log under it. */
PV_MUST bool orders_ending_finished(const struct order *o,
				    const struct quota_order *taken,
				    uint64_t time_s);
/* Devices are given up with it, or were before. */
PV_MUST bool orders_ending_gives_up(const struct orders_end *e);
/*
 * Before an order is ended that was counted. *asked: people have to agree, and
 * did; got is theirs. approvals_gate()'s codes. Release got in any case.
 */
PV_MUST enum pv_code orders_ending_gate(const struct authority *a,
					struct store *store,
					const struct orders_end *e,
					const struct approvals_want *from,
					struct approvals *got, bool *asked,
					struct err *err);

#endif
