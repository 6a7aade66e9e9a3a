/*
 * audit: the parts of `provctl audit` that have files of their own. argv[0] is
 * the name of the part, but for verify, whose options may stand before it.
 */
#ifndef PV_CMD_AUDIT_H
#define PV_CMD_AUDIT_H

#include "cmd/app.h"

/* audit_help.c: what there is, and one screen for each. */
extern const char audit_help[];
extern const struct verb_part audit_parts[];

/* The log, in the store or exported: audit_verify.c, audit_folder.c. */
PV_MUST enum pv_code audit_run_verify(const struct app *app, int argc,
				      char **argv, struct err *err);
struct opt_list;
struct note_key;
/* keys has room for OPTS_LIST_MAX. PV_INPUT, "note.key". */
PV_MUST enum pv_code audit_take_vkeys(const struct opt_list *list,
				      struct note_key *keys, struct err *err);
/* keys, witnesses: vkeys. Without keys, those of the authority at hand. */
PV_MUST enum pv_code audit_folder(const struct app *app, const char *folder,
				  const struct opt_list *keys,
				  const struct opt_list *witnesses,
				  struct err *err);
/* Entries of the log: audit_show.c. */
PV_MUST enum pv_code audit_run_show(const struct app *app, int argc,
				    char **argv, struct err *err);
/* What the log shows that no single request does: audit_anomalies.c. */
PV_MUST enum pv_code audit_run_anomalies(const struct app *app, int argc,
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
