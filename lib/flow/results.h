/*
 * results: what a run leaves behind for the line: one JSON line for each
 * request (cli.md), certificates and bundles as files. Files of answers that
 * came together are made durable together. A file that is there with the same
 * bytes counts as done.
 */
#ifndef PV_FLOW_RESULTS_H
#define PV_FLOW_RESULTS_H

#include "lib/flow/issue.h"

struct results_opts {
	const char *out_dir;	 /* --out DIR; NULL: none */
	const char *bundle_file; /* -o FILE.pvb; NULL: none */
	/* Where lines go; NULL: only into out_dir's results.jsonl. */
	enum pv_code (*line)(void *ctx, struct span line, struct err *err);
	/* Called after lines were given and their files are durable. */
	enum pv_code (*flush)(void *ctx, const struct issue_counts *counts,
			      struct err *err);
	void *ctx;
};

struct results;

/*
 * Makes DIR, DIR/certs and DIR/bundles where missing. PV_CONFLICT, rule
 * "output.exists", when one of them or results.jsonl is a link or no folder.
 */
PV_MUST enum pv_code results_new(const struct results_opts *opts,
				 struct results **r, struct err *err);
/* The sink to give to issue_run(); valid as long as r. */
struct issue_sink results_sink(struct results *r);
/* Puts results.jsonl in place. Call when the run has ended, however. */
PV_MUST enum pv_code results_finish(struct results *r, struct err *err);
void results_free(struct results *r);

#endif
