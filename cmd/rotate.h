/*
 * rotate: what `provctl rotate' knows, one file a word (rotate_<word>.c);
 * argv[0] is the word. What is common to all is cmd_rotate.c.
 */
#ifndef PV_CMD_ROTATE_H
#define PV_CMD_ROTATE_H

#include "cmd/app.h"

extern const char rotate_help[];	      /* one screen: rotate_help.c */
extern const struct verb_part rotate_parts[]; /* rotate_keys_help.c */

/* Revocation lists and OCSP answers that are due, and what is published. */
PV_MUST enum pv_code rotate_run_crl(const struct app *app, int argc,
				    char **argv, struct err *err);
PV_MUST enum pv_code rotate_run_ca(const struct app *app, int argc, char **argv,
				   struct err *err);
/* bundle, kdf, store, event, log, log-ecdsa, ocsp: argv[0] is the purpose. */
PV_MUST enum pv_code rotate_run_key(const struct app *app, int argc,
				    char **argv, struct err *err);
PV_MUST enum pv_code rotate_run_pin(const struct app *app, int argc,
				    char **argv, struct err *err);
PV_MUST enum pv_code rotate_run_device(const struct app *app, int argc,
				       char **argv, struct err *err);
/* Its --rollback, and whether there is --not-installed, too. */
PV_MUST enum pv_code rotate_run_back(const struct app *app, const char *device,
				     bool not_installed, struct err *err);
PV_MUST enum pv_code rotate_run_due(const struct app *app, int argc,
				    char **argv, struct err *err);

#endif
