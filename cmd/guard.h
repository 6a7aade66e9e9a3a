/*
 * guard: a verb that uses the token runs in a child, so that a token that does
 * not answer ends the child after hsm_timeout_s and not the person's patience.
 * What the child had not committed is rolled back. (`issue' has its own crew.)
 * A parent that is killed takes the child with it.
 *
 * Signals: while the child is in the token it leaves them; the parent hands
 * SIGTERM and SIGHUP on, the terminal's reach both.
 */
#ifndef PV_CMD_GUARD_H
#define PV_CMD_GUARD_H

#include <stdatomic.h>

#include "lib/hsm.h"

/* Shared between the two. */
struct guard {
	struct hsm_watch watch;
	_Atomic unsigned timeout_s;
	struct err why; /* of guard_run() */
};

/*
 * Forks. In the child *guard is set and the call returns PV_OK at once. In the
 * parent it returns when the child has ended, *guard is NULL and *code is its
 * exit code: it has said what there was to say, unless the call failed
 * (PV_HSM_TEMP, rule "hsm.timeout"; PV_INTERNAL).
 */
PV_MUST enum pv_code guard_enter(struct guard **guard, enum pv_code *code,
				 struct err *err);
/*
 * One step of a verb that needs the token only for that: work runs in a child
 * that ends with it, and prints no errors. Its code, with its err; or as above
 * where it does not come to that.
 */
PV_MUST enum pv_code guard_run(enum pv_code (*work)(void *ctx, struct guard *g,
						    struct err *err),
			       void *ctx, struct err *err);
/* In the child, before it logs in: signals wait until the verb has ended. */
void guard_hold_signals(void);
/* When it is done with the token: those that waited come now. */
void guard_release_signals(void);

#endif
