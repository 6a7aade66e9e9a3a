/*
 * audit: the parts of `provctl audit` that have files of their own. argv[0] is
 * the name of the part.
 */
#ifndef PV_CMD_AUDIT_H
#define PV_CMD_AUDIT_H

#include "cmd/app.h"

extern const char audit_help[]; /* one screen: audit_help.c */

/* Entries of the log: audit_show.c. */
PV_MUST enum pv_code audit_run_show(const struct app *app, int argc,
				    char **argv, struct err *err);
/* Everything against everything: audit_reconcile.c. */
PV_MUST enum pv_code audit_run_reconcile(const struct app *app, int argc,
					 char **argv, struct err *err);

/* Whoever watches the log: audit_witness.c. */
PV_MUST enum pv_code audit_run_witness(const struct app *app, int argc,
				       char **argv, struct err *err);
/* And what they answered: audit_cosign.c. */
PV_MUST enum pv_code audit_run_cosign(const struct app *app, int argc,
				      char **argv, struct err *err);

#endif
