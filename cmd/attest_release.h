/*
 * attest_release: seals what devices' evidence is for, as a run of the pipeline
 * (release.h). Whoever calls has neither store nor token open.
 */
#ifndef PV_CMD_ATTEST_RELEASE_H
#define PV_CMD_ATTEST_RELEASE_H

#include "cmd/app.h"
#include "lib/flow/release.h"

struct attest_release {
	const struct release_of *of;
	size_t n;
	const char *from;   /* what named them, for the summary; or NULL */
	const char *out;    /* --out DIR or NULL: lines are printed */
	const char *output; /* -o FILE, of one device; or NULL */
	uint64_t jobs;
};

/* PV_OK when each device has its bundle; else as issue_run(), and of one device
 * what refused it. */
PV_MUST enum pv_code attest_release(const struct app *app,
				    const struct attest_release *r,
				    struct err *err);

/* The same of what attest verify let pass: struct verify_passed, one behind the
 * other; of and n of r are not looked at. */
PV_MUST enum pv_code attest_release_passed(const struct app *app,
					   const struct attest_release *r,
					   struct span passed,
					   struct err *err);
/* What ends a run, and not only one device's part. */
PV_MUST bool attest_ends_all(enum pv_code rc);

#endif
