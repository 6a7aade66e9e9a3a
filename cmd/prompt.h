/*
 * prompt: asks for one line on the terminal without echo. The bytes go into a
 * struct secret and nowhere else; the terminal is put back whatever happens,
 * and signals that came meanwhile are delivered then.
 */
#ifndef PV_CMD_PROMPT_H
#define PV_CMD_PROMPT_H

#include "lib/base/secret.h"

struct prompt {
	const char *what;  /* "PIN" */
	const char *about; /* what it is for: "WHAT for ABOUT: " is shown */
	const char *rule;  /* of the denial without a terminal */
	const char *hint;  /* what to do then */
	size_t max;	   /* bytes */
};

/*
 * The line without its end. One longer than max has max + 1 bytes: the caller
 * says what is too long, and what an empty one means. PV_DENIED (p->rule: no
 * terminal), PV_INTERRUPTED (^C or a signal), PV_INTERNAL.
 */
PV_MUST enum pv_code prompt_hidden(const struct prompt *p, struct secret *out,
				   struct err *err);

#endif
