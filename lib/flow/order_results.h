/*
 * order_results: holds answers back until those of earlier lines came, so that
 * results leave in request order. Bounded by what the pipeline has under way.
 */
#ifndef PV_FLOW_ORDER_RESULTS_H
#define PV_FLOW_ORDER_RESULTS_H

#include "lib/base/buf.h"

struct held_result;

struct order_results {
	struct held_result **ring; /* by line modulo size */
	size_t size;		   /* a power of two, grows */
	uint64_t next;		   /* line to give out next, from 1 */
	size_t held;
};

PV_MUST enum pv_code order_results_init(struct order_results *o,
					struct err *err);
void order_results_release(struct order_results *o);

/* True: the line is the next in order, is now given out by the caller, and is
 * not held. */
PV_MUST bool order_results_pass(struct order_results *o, uint64_t line);
/* Copies the record of one line in. PV_INTERNAL when the line came before. */
PV_MUST enum pv_code order_results_put(struct order_results *o, uint64_t line,
				       struct span record, struct err *err);
/*
 * The next record in order; false when it is not there. With skip, lines that
 * never came (a process died) are passed over. *record is valid until the next
 * call.
 */
PV_MUST bool order_results_take(struct order_results *o, bool skip,
				struct span *record);

#endif
