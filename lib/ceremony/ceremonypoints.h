/*
 * ceremonypoints: what the log says of a ceremony's transcript. Each
 * ceremony.step has the number of lines that were durable before it and the
 * SHA-256 of the last of them, so a transcript that was cut, written anew or
 * taken away between two steps does not fit its log any more; and it has the
 * mode, and which steps were done.
 *
 * Does not check: that the log is the authority's (checkpoint.h,
 * audit_tiles.h); lines behind the last point: no entry vouches for them yet.
 * Specification: formats.md 7.
 */
#ifndef PV_CEREMONY_CEREMONYPOINTS_H
#define PV_CEREMONY_CEREMONYPOINTS_H

#include "lib/log/govern.h"
#include "lib/log/transcript.h"
#include "lib/store/store.h"
#include "policy/plan.h"

struct ceremony_points {
	uint8_t plan[32]; /* SHA-256 of the bytes of the one that they are of */
	/* Of each: number of lines (be64), head, and whether "shown". */
	struct buf list;
	size_t met;	/* bytes of it that lines were held against */
	uint64_t lines; /* of the last; 0: the log has none */
	size_t n;	/* points */
	char mode[16];
	uint64_t began_s;   /* of its ceremony.begin; 0: the log has none */
	/* Of it, hex: the roster in force before, the text that was approved;
	 * "": the log says nothing. */
	char roster[65], subject[65];
	bool asked; /* people, */
	uint8_t nonce[LOG_NONCE];
	char rehearsed[65]; /* as the line "begin" has it; "": says nothing */
	char persons[TRANSCRIPT_VALUE_MAX +
		     1];	   /* who approved it; "": nobody */
	bool done[PLAN_STEPS_MAX];  /* from step 1 */
	bool shown[PLAN_STEPS_MAX]; /* people said yes to what it took or signs */
	uint64_t ended;		   /* its last line; 0: it did not end */
	bool unshown; /* a line "sign" was read, and no "shown" met since */
};
/* Release p in any case. */
void ceremony_points_init(struct ceremony_points *p, const uint8_t plan[32]);
void ceremony_points_release(struct ceremony_points *p);

/* An entry of the log, in its order; others than ceremony.begin and
 * ceremony.step of the plan say nothing. PV_INTEGRITY, "log.entry";
 * "ceremony.transcript": it does not follow the one before; "ceremony.mode". */
PV_MUST enum pv_code ceremony_points_take(struct ceremony_points *p,
					  struct span entry, struct err *err);
/* Of all entries from that index on. */
PV_MUST enum pv_code ceremony_points_load(struct ceremony_points *p,
					  struct store *store, uint64_t from,
					  struct err *err);

/*
 * Told of the head of each line in turn, and at the end of no further one.
 * PV_INTEGRITY, "ceremony.transcript": another line stands there, or none.
 */
PV_MUST enum pv_code ceremony_points_meet(struct ceremony_points *p,
					  const struct transcript_head *head,
					  struct err *err);
PV_MUST enum pv_code ceremony_points_end(const struct ceremony_points *p,
					 struct err *err);
/*
 * A line "begin", "approvals", "done" or "end": the log says so, too; of a mode
 * as far as it says anything. A certificate, a request or a list behind a line
 * "sign": the log says "shown" between the two. PV_INTEGRITY, "ceremony.mode",
 * "ceremony.transcript".
 */
PV_MUST enum pv_code ceremony_points_line(struct ceremony_points *p,
					  const struct transcript_line *line,
					  struct err *err);

#endif
