/*
 * record_context: what a run loaded, on its way to signers that were forked
 * before: the log's last point and keys, the order, and contexts. It comes from
 * the parent, which has verified it: signatures are not verified again, and
 * plain data crosses as it lies in memory, since both ends are one program.
 */
#ifndef PV_FLOW_RECORD_CONTEXT_H
#define PV_FLOW_RECORD_CONTEXT_H

#include "lib/flow/checkpoint.h"
#include "lib/flow/wire.h"
#include "policy/order.h"
#include "policy/roster.h"

void record_put_log(struct wire *w, const struct checkpoint_base *log);
PV_MUST enum pv_code record_get_log(struct wire_rec *rec,
				    struct checkpoint_base *log,
				    struct err *err);

/* Who acts: a name of ROSTER_NAME_MAX bytes at most. */
void record_put_actor(struct wire *w, const char *actor);
PV_MUST enum pv_code record_get_actor(struct wire_rec *rec,
				      char actor[ROSTER_NAME_MAX + 1],
				      struct err *err);

struct order_use {	     /* what a run issues under; plain data */
	struct order order;  /* id "": without an order */
	bool station_signed; /* its station has proved that it is it */
};
void record_put_order(struct wire *w, const struct order_use *use);
PV_MUST enum pv_code record_get_order(struct wire_rec *rec,
				      struct order_use *use, struct err *err);

void record_put_context(struct wire *w, const struct issue_context *ctx);
/* *out is the caller's. PV_INTERNAL for a record that does not hold together.
 */
PV_MUST enum pv_code record_get_context(struct wire_rec *rec,
					struct issue_context **out,
					struct err *err);

#endif
