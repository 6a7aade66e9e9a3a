/*
 * issue: the coordinator of one run: loads the context, forks writer, signers
 * and reader, hands the PIN down, puts results in order and watches over the
 * processes. One device, a batch and a co-process are the same pipeline.
 *
 *     reader -> signers (one per job) -> writer -> parent
 *                  ^ token                 ^ store and log
 *
 * The caller has opened neither token nor store in this process.
 * Specification: cli.md, "issue"; performance.md, "Shape that follows".
 */
#ifndef PV_FLOW_ISSUE_H
#define PV_FLOW_ISSUE_H

#include "lib/flow/actor.h"
#include "lib/flow/backends.h"
#include "lib/flow/reader.h"
#include "lib/flow/records.h"

struct stationclaim;

#define ISSUE_JOBS_MAX 64

struct issue_opts {
	const char *template_name;
	const char *order;   /* its name; NULL: without an order */
	const char *station; /* NULL: none named */
	/* What the station proves; made is false: it only claims. */
	const struct stationclaim *station_claim;
	unsigned jobs; /* 0: as configured, else one per core */
	bool rotate;   /* what is known gets the next credential */
	bool release;  /* or the bundle that its evidence is for (release.h) */
	bool batch;    /* several requests: a reached rate waits */
	bool in_order; /* results in request order; else as durable */
	const struct actor_claim *claim; /* who says to act */
	/* Where requests come from; signers are filled in here. */
	struct reader_opts source;
	/* Told once, at the first signal; NULL: nobody is. */
	void (*interrupted)(const void *ctx);
	const void *interrupted_ctx;
};

struct issue_counts {
	uint64_t issued, existing, denied, quarantined, failed;
	uint64_t conflicts;  /* issued or existing, but an output was in the way
			      */
	uint64_t superseded; /* credentials revoked: what lists say is behind */
	struct err switched; /* why a signer went on with the next token */
	bool unlocked; /* a signer's memory for secrets could not be locked */
};

/* What happens to results, in the parent. */
struct issue_sink {
	void *ctx;
	/* One answer; o lasts until the call returns. */
	enum pv_code (*result)(void *ctx, const struct record_out *o,
			       struct err *err);
	/* No more results wait right now: make durable what was given. */
	enum pv_code (*flush)(void *ctx, const struct issue_counts *counts,
			      struct err *err);
};

/*
 * Runs to the end of the input. PV_OK when every request is issued or
 * existing; else the first of 7, 6, 8, 5, 9, 4, 3 that occurred, and
 * PV_INTERRUPTED after SIGINT or SIGTERM: finished devices are durable and the
 * same run resumes. err then holds what ended the run, or the refusal of the
 * only request; a batch with refused lines says how many.
 */
PV_MUST enum pv_code issue_run(const struct authority *a,
			       const struct backends *backends,
			       const struct issue_opts *opts,
			       const struct issue_sink *sink,
			       struct issue_counts *counts, struct err *err);

#endif
