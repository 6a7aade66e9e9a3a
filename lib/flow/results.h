/*
 * results: what a run leaves behind for the line: one JSON line for each
 * request (cli.md), certificates and bundles as files. Files of answers that
 * came together are made durable together. A file that is there with the same
 * bytes counts as done. results.jsonl is of the last run that gave results: it
 * is written beside and replaces the former one when it is whole.
 */
#ifndef PV_FLOW_RESULTS_H
#define PV_FLOW_RESULTS_H

#include "lib/flow/issue.h"

struct results_opts {
	const char *out_dir; /* --out DIR; NULL: none */
	/* -o FILE.pvb; NULL: none. Several bundles: FILE.<stage>.pvb. */
	const char *bundle_file;
	/* Where lines go; NULL: only into out_dir's results.jsonl. */
	enum pv_code (*line)(void *ctx, struct span line, struct err *err);
	/* Called after lines were given and their files are durable. */
	enum pv_code (*flush)(void *ctx, const struct issue_counts *counts,
			      struct err *err);
	void *ctx;
};

struct results;

/*
 * Makes DIR, DIR/certs and DIR/bundles where missing, and holds a lock on DIR
 * until results_free(). PV_CONFLICT, rule "output.exists", when one of them is
 * a link or no folder or results.jsonl no file; "output.busy" when another run
 * writes there.
 */
PV_MUST enum pv_code results_new(const struct results_opts *opts,
				 struct results **r, struct err *err);
/* The sink to give to issue_run(); valid as long as r. */
struct issue_sink results_sink(struct results *r);
/*
 * Puts results.jsonl in place, unless there was no result or something could
 * not be written: then the former one stands. Call when the run has ended,
 * however.
 */
PV_MUST enum pv_code results_finish(struct results *r, struct err *err);
void results_free(struct results *r);

#endif
