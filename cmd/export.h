/*
 * export: what `provctl export` can give; one function each, argv[0] is the
 * name of what is exported.
 */
#ifndef PV_CMD_EXPORT_H
#define PV_CMD_EXPORT_H

#include <sys/types.h>

#include "cmd/app.h"
#include "cmd/session.h"

extern const char export_help[]; /* one screen: export_help.c */
extern const struct verb_part export_parts[];

/* About one device: export_device.c. */
PV_MUST enum pv_code export_run_bundle(const struct app *app, int argc,
				       char **argv, struct err *err);
PV_MUST enum pv_code export_run_segment(const struct app *app, int argc,
					char **argv, struct err *err);
PV_MUST enum pv_code export_run_escrow(const struct app *app, int argc,
				       char **argv, struct err *err);
/* Over a link: export_stream.c. */
PV_MUST enum pv_code export_run_stream(const struct app *app, int argc,
				       char **argv, struct err *err);
struct export_bundle;
/* export_bundle_load(), and whether the one who acts may have it. */
PV_MUST enum pv_code export_bundle_of(const struct session *s,
				      const char *device, const char *stage,
				      struct export_bundle *b, struct err *err);
struct seal_container_view;
/* A JSON line for each item: its number, kind, component, length. */
PV_MUST enum pv_code export_items(const struct seal_container_view *view,
				  struct err *err);

/* About the authority: export_authority.c, export_chain.c. */
PV_MUST enum pv_code export_run_chain(const struct app *app, int argc,
				      char **argv, struct err *err);
PV_MUST enum pv_code export_run_key(const struct app *app, int argc,
				    char **argv, struct err *err);
PV_MUST enum pv_code export_run_kek(const struct app *app, int argc,
				    char **argv, struct err *err);

/* What is revoked: export_crl.c, export_ocsp.c. */
PV_MUST enum pv_code export_run_crl(const struct app *app, int argc,
				    char **argv, struct err *err);
PV_MUST enum pv_code export_run_ocsp(const struct app *app, int argc,
				     char **argv, struct err *err);

/* About all devices: export_inventory.c. */
PV_MUST enum pv_code export_run_inventory(const struct app *app, int argc,
					  char **argv, struct err *err);

/* About the log: export_log.c. */
PV_MUST enum pv_code export_run_log(const struct app *app, int argc,
				    char **argv, struct err *err);
PV_MUST enum pv_code export_run_proof(const struct app *app, int argc,
				      char **argv, struct err *err);
/* Chains into a folder, each certificate as NAME.pem and NAME.tlog-proof; of a
 * later generation NAME-2, of a cross-certificate NAME-2-by-1. about: in the
 * log. */
struct export_chain_of;
PV_MUST enum pv_code export_chain_proofs(const struct app *app,
					 struct session *s,
					 const struct export_chain_of *of,
					 const char *about, const char *dir,
					 struct err *err);

/* --since. PV_USAGE. */
PV_MUST enum pv_code export_since(const char *text, int64_t *since_s,
				  struct err *err);

/* Where an export goes, as its log entry names it: never a whole path. */
const char *export_to(const char *path);

/*
 * Bytes to the file path ("-": standard output), logged as an export of what
 * about object: once nothing stands in the file's way, and before it is there.
 */
PV_MUST enum pv_code export_give(const struct app *app, struct session *s,
				 const char *object, const char *what,
				 const char *path, mode_t mode,
				 struct span bytes, struct err *err);
/* The same, but the file that is there, a regular one, is replaced. */
PV_MUST enum pv_code export_renew(const struct app *app, struct session *s,
				  const char *object, const char *what,
				  const char *path, mode_t mode,
				  struct span bytes, struct err *err);

#endif
