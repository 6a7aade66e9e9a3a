/* The files of a ceremony as they are named on the command line, and checked.
 */
#ifndef PV_CMD_CEREMONY_FILES_H
#define PV_CMD_CEREMONY_FILES_H

#include "cmd/app.h"
#include "cmd/opts.h"
#include "lib/base/cleanup.h"
#include "lib/flow/ceremonycheck.h"

/* What is not given lies beside the transcript, or is not looked at. */
struct ceremony_named {
	const char *transcript, *note, *plan, *dir, *vkey;
	const char *mode; /* that it has to be of; NULL: "run" */
	bool unattended;
	struct opt_list witnesses;
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
/* For people, or with --json. */
PV_MUST enum pv_code ceremony_print(const struct app *app,
				    const struct ceremonycheck_report *r,
				    struct err *err);

#endif
