/*
 * workers: threads that each carry one piece of work at a time through the
 * token, so that as many calls are in flight as there are sessions. Without
 * threads the caller does the work itself, piece by piece, in the same order.
 *
 * A piece is a pointer that the caller owns; what the work changed in it may
 * be read once workers_done() or its own atomic mark has told that it ended.
 * Does not check: that two pieces do not share what they change.
 */
#ifndef PV_FLOW_WORKERS_H
#define PV_FLOW_WORKERS_H

#include <stddef.h>

#include "lib/base/err.h"

#define WORKERS_MAX 96	      /* threads: 64 sessions and half as many more */
#define WORKERS_QUEUE_MAX 256 /* pieces that wait or are under way */

struct workers;

/* The work: worker is 0 to n - 1, and 0 for the caller itself. */
typedef void workers_fn(void *ctx, size_t worker, void *piece);

/* n: threads, 0 for none; at most WORKERS_MAX. PV_INTERNAL. */
PV_MUST enum pv_code workers_start(size_t n, workers_fn *run, void *ctx,
				   struct workers **w, struct err *err);
/* Queues a piece; PV_INTERNAL when WORKERS_QUEUE_MAX are under way. */
PV_MUST enum pv_code workers_put(struct workers *w, void *piece,
				 struct err *err);
/* Without threads: does the piece queued first. False when there is none. */
PV_MUST bool workers_help(struct workers *w);
/* Without threads: how many wait, and the first max of them, in turn. */
PV_MUST size_t workers_waiting(const struct workers *w, void **pieces,
			       size_t max);
/* Drops what waits and returns when nothing is under way any more. */
void workers_drop(struct workers *w);
/* Returns when every piece that was put has ended: without threads, does it. */
void workers_drain(struct workers *w);
/* How many pieces ended since the last call; clears workers_fd(). */
PV_MUST size_t workers_done(struct workers *w);
/* Readable when a piece has ended; -1 without threads. */
int workers_fd(const struct workers *w);
/* Ends the threads after what each is doing; what waits is dropped. */
void workers_stop(struct workers *w);

#endif
