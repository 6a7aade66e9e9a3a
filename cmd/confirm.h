/*
 * confirm: whether a person signs what they were shown. Asked on the terminal
 * itself: standard input may be anything, and so may standard error, where the
 * text went that the question is about; then it is shown there, too. What was
 * typed before the question is no answer to it.
 */
#ifndef PV_CMD_CONFIRM_H
#define PV_CMD_CONFIRM_H

#include "lib/base/buf.h"

struct confirm {
	const char *as;	      /* whose name it is signed in; or NULL, and */
	const char *question; /* what else is to be done, "revoke it" */
	struct span shown;    /* the text, fit for a terminal */
	const char *terminal; /* rule of the denial without a terminal */
	const char *declined; /* rule of a no */
};

enum confirm_answer { CONFIRM_NONE, CONFIRM_NO, CONFIRM_YES };
/* y, yes; n, no, stop; anything else is none. */
enum confirm_answer confirm_answer(const char *line);

/* What is none is asked again. PV_OK: yes. PV_DENIED, c->terminal or c->declined: nothing is to be signed. */
PV_MUST enum pv_code confirm_signing(const struct confirm *c, struct err *err);

#endif
