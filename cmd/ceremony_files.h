/* The files of a ceremony as they are named on the command line, and checked.
 */
#ifndef PV_CMD_CEREMONY_FILES_H
#define PV_CMD_CEREMONY_FILES_H

#include "cmd/app.h"
#include "cmd/opts.h"
#include "lib/base/cleanup.h"
#include "lib/ceremony/ceremonycheck.h"

/* What is not given lies beside the transcript, or is not looked at. */
struct ceremony_named {
	const char *transcript, *note, *plan, *dir, *vkey;
	const char *mode; /* that it has to be of; NULL: "run" */
	bool unattended;
	struct opt_list witnesses;
	const char *log;	  /* folder of an exported one */
	struct opt_list log_keys; /* whom to trust for it; none: vkey, or those
				   * of the transcript */
};

struct ceremony_files {
	struct buf lines, note;
	struct plan *plan; /* NULL: none was given */
	int dir;
	struct note_key key, witnesses[OPTS_LIST_MAX];
};
#define CEREMONY_FILES CLEANUP(ceremony_files_release) struct ceremony_files

/* Reads and checks all of it. f need not be initialised; release it in any
 * case. Codes of ceremonycheck() and of reading. */
PV_MUST enum pv_code ceremony_files_check(const struct ceremony_named *in,
					  struct ceremony_files *f,
					  struct ceremonycheck_report *r,
					  struct err *err);
void ceremony_files_release(struct ceremony_files *f);
/* What the exported log has of the ceremony that r says was checked, into the
 * empty p. vkey: in->vkey parsed. Codes of audit_tiles() and
 * ceremony_points_take(). */
PV_MUST enum pv_code ceremony_read_log(const struct ceremony_named *in,
				       const struct ceremonycheck_report *r,
				       const struct note_key *vkey,
				       struct ceremony_points *p,
				       struct err *err);
#define CEREMONY_PATH_MAX 4096
/* The transcript that is named: path itself, or what lies in that folder. */
const char *ceremony_transcript(const char *path, char room[CEREMONY_PATH_MAX]);
/* What was found in that transcript, in lines for people. */
PV_MUST enum pv_code ceremony_found(const struct ceremonycheck_report *r,
				     struct span transcript, struct buf *out,
				     struct err *err);
/* The same to standard output, or with --json. */
PV_MUST enum pv_code ceremony_print(const struct app *app,
				    const struct ceremonycheck_report *r,
				    struct span transcript, struct err *err);

#endif
