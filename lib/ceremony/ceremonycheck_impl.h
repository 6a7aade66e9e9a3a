/* What the files of ceremonycheck.h share. */
#ifndef PV_CEREMONY_CEREMONYCHECK_IMPL_H
#define PV_CEREMONY_CEREMONYCHECK_IMPL_H

#include "lib/ceremony/askcheck.h"
#include "lib/ceremony/backupcheck.h"
#include "lib/ceremony/ceremonycheck.h"
#include "lib/ceremony/keyseen.h"

struct ceremonycheck_state {
	const struct ceremonycheck *in;
	struct ceremonycheck_report *out;
	uint32_t open;	    /* the step that runs; 0: none */
	bool about;	    /* its key, request or certificate was seen */
	bool taken;	    /* something came from a medium in it */
	uint32_t key_taken; /* the step that took a key for the token */
	/* The label of the transport key that this ceremony gave; "": none. */
	char transport[128];
	/* Keys that go, by their line: a step's, and the transport key. */
	struct ceremonycheck_doomed {
		uint32_t step; /* of the line; 0: none */
		char label[128], id[2 * HSM_ID_LEN + 1];
	} doomed, transported;
	bool begun, ended;
	bool outside; /* the clock stood outside the plan's dates */
	struct backupcheck backup;
	/* What was shown (ceremonycheck_shown.c) of the step, or behind the
	 * last; and the newest one waits for people's yes. */
	struct buf signs;
	bool waits;
	struct keyseen keys;
	bool first;	/* its plan makes an authority */
	size_t named;	/* keys that such a one has */
	char token[65]; /* the token's serial number; "": not seen yet */
	char root[65];	/* that the step imports: SHA-256 of its DER */
	struct askcheck asks;
	char kind[TRANSCRIPT_EVENT_MAX + 1], name[PLAN_NAME_MAX + 1];
};

/* PV_INTEGRITY, "ceremony.order". */
PV_MUST enum pv_code ceremonycheck_order(const char *what, struct err *err);
/* "": the line has none of that name. */
const char *ceremonycheck_fact(const struct transcript_line *line,
			       const char *key);
/* The line names that key, and of its step one was shown. */
PV_MUST bool ceremonycheck_is_doomed(const struct ceremonycheck_doomed *d,
				     const struct transcript_line *line);
/* The step that was begun last is of that kind. */
PV_MUST bool ceremonycheck_is(const struct ceremonycheck_state *c,
			      enum plan_kind kind);
/* The plan's step that runs; NULL: the plan is not compared. */
const struct plan_step *
ceremonycheck_plan_step(const struct ceremonycheck_state *c);
/* Behind each line: nothing goes on outside the plan's dates. PV_INTEGRITY,
 * "ceremony.window". */
PV_MUST enum pv_code ceremonycheck_window(struct ceremonycheck_state *c,
					  const struct transcript_line *line,
					  struct err *err);
/* The note is over what was read, and signed. Codes of ceremonycheck(). */
PV_MUST enum pv_code ceremonycheck_note(struct ceremonycheck_state *c,
					struct err *err);

#endif
