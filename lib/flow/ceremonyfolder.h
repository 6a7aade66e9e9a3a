/*
 * ceremonyfolder: ceremonies/<plan>-<version> below a home, and the plan's
 * bytes in it, which a run that goes on must bring again; how far it came.
 */
#ifndef PV_FLOW_CEREMONYFOLDER_H
#define PV_FLOW_CEREMONYFOLDER_H

#include "lib/base/fileio.h"
#include "lib/log/transcript.h"
#include "policy/plan.h"

#define CEREMONY_FOLDER "ceremonies"
#define CEREMONY_NAME_MAX (sizeof(CEREMONY_FOLDER) + PLAN_NAME_MAX + 16)
#define CEREMONY_PLAN_FILE "plan.json"
/* Of a first plan: what the home's provctl.json will say, but for its keys. */
#define CEREMONY_HOME_FILE "home.json"
/* Of a run: the head of the rehearsal's transcript in hex, for who goes on. */
#define CEREMONY_REHEARSED_FILE "rehearsed"
/* Where people approved its plan: the signed note, what it is of
 * (subject_plan.h), and the roster whose people they are. */
#define CEREMONY_APPROVALS_FILE "approvals.note"
#define CEREMONY_APPROVED_FILE "approved.txt"
#define CEREMONY_ROSTER_FILE "roster.json"

/* Of a later plan that sets a roster: that one, for who goes on. */
#define CEREMONY_NEXT_ROSTER_FILE "roster-next.json"

/* ceremonies/<plan>-<version>: below the home. */
void ceremony_folder(const struct plan *plan, char name[CEREMONY_NAME_MAX]);
/* Opened, and held by one run at a time: *fd is the caller's. PV_NOT_FOUND;
 * PV_CONFLICT, "ceremony.busy". */
PV_MUST enum pv_code ceremony_folder_open(int home_fd, const struct plan *plan,
					  int *fd, struct err *err);
/* PV_DENIED, "ceremony.other": text is not the plan that lies there. path: of
 * text, for the message. */
PV_MUST enum pv_code ceremony_folder_same(int fd, struct span text,
					  const char *path, struct err *err);
/* SHA-256 of its home.json. Codes of file_read(). */
PV_MUST enum pv_code ceremony_folder_home(int fd, char hex[65],
					  struct err *err);
/* What a run keeps, for who goes on and who verifies. */
struct ceremony_kept {
	struct span plan;
	struct span approved;	       /* what approvals are of */
	struct span roster, approvals; /* empty: there are none */
	struct span next;	       /* the roster that a later plan sets */
	const struct transcript_head *rehearsed; /* NULL: none was needed */
};
/* Adds them to g, the plan as the last one to get its name: with it all are
 * there. Codes of file_group_add(). */
PV_MUST enum pv_code ceremony_folder_keep(int fd, const struct ceremony_kept *k,
					  struct file_group *g,
					  struct err *err);
/* PV_DENIED, "plan.rehearsed": it says of no rehearsal. */
PV_MUST enum pv_code
ceremony_folder_take_rehearsed(int fd, struct transcript_head *head,
			       struct err *err);
/* Its transcript's note is there: nothing comes behind that. */
PV_MUST bool ceremony_folder_ended(int fd);
/* Transcript and note, into buffers that need not be initialised; release both
 * in any case. Codes of file_read(). */
PV_MUST enum pv_code ceremony_folder_read(int fd, struct buf *lines,
					  struct buf *note, struct err *err);
/* The last step that its transcript began, from 1; 0: none, or there is no
 * transcript. Codes of transcript_read(). */
PV_MUST enum pv_code ceremony_folder_reached(int fd, uint32_t *reached,
					     struct err *err);

#endif
