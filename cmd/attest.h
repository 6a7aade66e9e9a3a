/*
 * attest: what `provctl attest' knows, one file a word (attest_<word>.c);
 * argv[0] is the word.
 */
#ifndef PV_CMD_ATTEST_H
#define PV_CMD_ATTEST_H

#include "cmd/app.h"

extern const char attest_help[];
extern const struct verb_part attest_parts[];

PV_MUST enum pv_code attest_run_challenge(const struct app *app, int argc,
					  char **argv, struct err *err);
PV_MUST enum pv_code attest_run_verify(const struct app *app, int argc,
				       char **argv, struct err *err);
PV_MUST enum pv_code attest_run_event(const struct app *app, int argc,
				      char **argv, struct err *err);
PV_MUST enum pv_code attest_run_key(const struct app *app, int argc,
				    char **argv, struct err *err);
/* receipt --missing: of that order. */
PV_MUST enum pv_code attest_run_missing(const struct app *app,
					const char *order, struct err *err);
PV_MUST enum pv_code attest_run_enrol(const struct app *app, int argc,
				      char **argv, struct err *err);
PV_MUST enum pv_code attest_run_receipt(const struct app *app, int argc,
					char **argv, struct err *err);

PV_MUST enum pv_code attest_run_release(const struct app *app, int argc,
					char **argv, struct err *err);

#endif
