/*
 * app: what every verb gets from main. A verb parses its options into a local
 * const struct, calls one coordinator of lib/flow and prints; it returns a
 * code and never exits. Errors are printed by main alone.
 */
#ifndef PV_CMD_APP_H
#define PV_CMD_APP_H

#include "lib/flow/backends.h"

struct app {
	const char *home; /* -C, $PROVCTL_HOME or "." */
	bool json;	  /* --json: machine output and errors */
	bool quiet, verbose;
	const char *verb; /* its name */
	/* --as, --key, --pin-source: the officer who acts; NULL: nobody says */
	const char *as, *key, *pin_source;
	const char *softhsm_conf; /* SOFTHSM2_CONF that we were started with */
	const struct backends *backends;
	struct guard *guard; /* guard.h; NULL where a verb needs none */
};

struct verb_part { /* of a verb that is many: `audit show' */
	const char *name, *help;
};

struct verb {
	const char *name;
	const char *summary; /* one line for the list of verbs */
	const char *help;    /* one screen with an example */
	const struct verb_part
		*parts; /* with a help each, ended by NULL; NULL: none */
	bool token;	/* uses the token in its own process: guard.h */
	bool (*token_of)(const char *word); /* or: whether with that word */
	enum pv_code (*run)(const struct app *app, int argc, char **argv,
			    struct err *err);
};

extern const struct verb verb_init, verb_policy, verb_issue, verb_export,
	verb_secret, verb_audit, verb_clock, verb_config, verb_status,
	verb_officer, verb_approve, verb_order, verb_quarantine, verb_revoke,
	verb_rotate, verb_attest, verb_ceremony;

#endif
