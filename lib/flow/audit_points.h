/*
 * audit_points: the checkpoints that the store keeps, by size, a few at a time
 * and each verified. Included by audit_log.c only.
 */
#ifndef PV_FLOW_AUDIT_POINTS_H
#define PV_FLOW_AUDIT_POINTS_H

#include "lib/flow/checkpoint.h"

#define AUDIT_POINTS 256u /* read at a time */

struct audit_points {
	struct store *store;
	const struct checkpoint_base *base;
	uint64_t from; /* size of the next row to be read, or more */
	bool end;      /* no row is left to be read */
	size_t at, n;
	struct log_point point[AUDIT_POINTS];
};

/* Starts before the first; store and base must outlive p. */
void audit_points_start(struct audit_points *p, struct store *store,
			const struct checkpoint_base *base);
/*
 * Borrows the one it stands at, NULL at the end. PV_INTEGRITY with object
 * "checkpoint of N entries": "log.checkpoint" or "note.signature" (not signed
 * by a log key of ours), "audit.checkpoint" (its row has another size).
 */
PV_MUST enum pv_code audit_points_peek(struct audit_points *p,
				       const struct log_point **point,
				       struct err *err);
void audit_points_skip(struct audit_points *p);

#endif
