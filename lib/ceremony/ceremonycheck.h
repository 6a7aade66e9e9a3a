/*
 * ceremonycheck: a ceremony's transcript held against its note, its plan and
 * its files, offline: no authority, no token.
 *
 *   the chain (transcript.h) · begin first, end last · the plan's steps in its
 *   order, within its dates, each done, with the key, certificate or list that it is about · in a
 *   run, what people in the room said yes to (askcheck.h) · the
 *   note is over this head and plan · a true line of each log key of the
 *   transcript, or of the key that is known from elsewhere · each witness has
 *   signed · each file that the transcript names has its hash; a certificate, a
 *   backup and a transport file say what their lines say of them, and a
 *   certificate, list or request is what people were shown before it was signed,
 *   by the key that they were shown (ceremonycheck_shown.h) · keys are generated
 *   in the token, and the same ones all through (keyseen.h) · the token is one ·
 *   a backup's shares were all given out before · a restored key has signed the
 *   lines before it
 *
 * Does not check: that the log's key is the one of that authority, unless it is
 * given; that an imported certificate is signed by the root beside it.
 */
#ifndef PV_CEREMONY_CEREMONYCHECK_H
#define PV_CEREMONY_CEREMONYCHECK_H

#include "lib/base/note.h"
#include "lib/ceremony/ceremonypoints.h"
#include "policy/plan.h"

#define CEREMONYCHECK_KEYS_MAX 4u /* log keys of one transcript */

struct ceremonycheck {
	struct span transcript, note;
	const struct plan *plan;    /* NULL: not compared */
	int dir;		    /* where its files lie; -1: not looked at */
	const struct note_key *key; /* the log's, from elsewhere; may be NULL */
	const struct note_key *witnesses; /* all have to have signed */
	size_t witnesses_n;
	const char *mode; /* it has to be of; NULL: of any */
	bool unattended;  /* answers of a run may have come from a file */
	struct ceremony_points *log; /* what the log says; NULL: not compared */
};

struct ceremonycheck_report {
	char plan[PLAN_NAME_MAX + 1], authority[65], origin[65], mode[16];
	char rehearsed[65]; /* of a run: head of its rehearsal, hex */
	char binding[65];   /* SHA-256 of what it was given first, or "" */
	char answers[16];   /* of its people: terminal, file; none were asked */
	uint8_t plan_sha256[32];
	struct transcript_head head;
	char approvals[TRANSCRIPT_VALUE_MAX]; /* who approved it; "-": nobody */
	size_t steps, keys, certificates, lists, destroyed;
	size_t resumes, failures, orphans, asides, backups, restored;
	size_t logged; /* entries of in->log that it was held against */
	int64_t began_s;
	struct note_key signer[CEREMONYCHECK_KEYS_MAX]; /* log keys */
	size_t signers_n;
	struct {
		const char *name; /* of in */
		char spki_sha256[65];
	} witness[NOTE_SIGS_MAX]; /* those of in, each key once: they signed */
	size_t witnesses_n;
};

/*
 * PV_USAGE, "ceremony.witness": one of them is the log, or another one.
 * PV_INTEGRITY: "transcript.chain", "transcript.time"; "ceremony.order" (what
 * it says happened is no run of a plan, or did not end); "ceremony.plan"
 * (another one); "ceremony.window"
 * (not at a time of the plan's); "ceremony.note" (it is over something else);
 * "ceremony.file"; "note.signature"; codes of ceremony_points_meet(),
 * _end() and _line(). PV_NOT_FOUND: "note.unsigned" (by the
 * log, or by witnesses, all of whom the message names), a file. PV_DENIED, of
 * one that is whole: "ceremony.mode" (not in->mode), "ceremony.unattended" (a
 * run whose questions were answered from a file). PV_INPUT: what does not
 * parse. out is filled as far as it came.
 */
PV_MUST enum pv_code ceremonycheck(const struct ceremonycheck *in,
				   struct ceremonycheck_report *out,
				   struct err *err);
/*
 * A witness's signature put to a note that was checked: all of note and one
 * line more into the empty out, or note as it is when that key has signed
 * already. The signer's codes; PV_INTEGRITY, "note.signature".
 */
PV_MUST enum pv_code ceremonycheck_cosign(struct span note,
					  const struct note_signer *signer,
					  struct buf *out, struct err *err);

#endif
