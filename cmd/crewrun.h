/*
 * crewrun: the pipeline of `issue' as a verb shows it: results as lines and
 * files, progress, what is said at the end. One run or several, with one set of
 * results.
 */
#ifndef PV_CMD_CREWRUN_H
#define PV_CMD_CREWRUN_H

#include "cmd/app.h"
#include "cmd/term.h"
#include "lib/flow/issue.h"
#include "lib/flow/results.h"

struct crewrun {
	const struct app *app;
	const char *label;  /* beside the progress */
	const char *out;    /* --out DIR or NULL: lines are printed */
	const char *output; /* -o FILE or NULL */
	bool one;	    /* a single device: no progress */
	uint64_t total;	    /* requests, for the progress; 0: not known */
	/* Filled here. */
	struct progress progress;
	struct results *results;
	struct issue_counts n;	  /* of all runs */
	struct issue_counts past; /* of the runs before the one under way */
};

PV_MUST enum pv_code crewrun_open(struct crewrun *c, struct err *err);
/* One run; its counts are added up. Codes of issue_run(). */
PV_MUST enum pv_code crewrun_go(struct crewrun *c, const struct authority *a,
				struct issue_opts *opts, struct err *err);
/* rc and err: how the runs ended; what fails late counts as one of them. */
PV_MUST enum pv_code crewrun_close(struct crewrun *c, enum pv_code rc,
				   struct err *err);
/* Takes one that was never opened. */
void crewrun_release(struct crewrun *c);

#endif
