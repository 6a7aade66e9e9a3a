/*
 * rehearsed: whether a plan was rehearsed. A rehearsal is a run of the plan in
 * a home of its own on a throw-away token, and its record is the transcript
 * there, signed by that home's log key.
 *
 * Does not check: who rehearsed it, or that the throw-away key was not made to
 * sign something else: a rehearsal keeps people from running what they never
 * saw, it holds no attacker off.
 */
#ifndef PV_CEREMONY_REHEARSED_H
#define PV_CEREMONY_REHEARSED_H

#include "lib/log/transcript.h"
#include "lib/store/store.h"
#include "policy/plan.h"

/*
 * home: the folder that was rehearsed in; *head gets its transcript's head.
 * PV_DENIED, "plan.rehearsed": there is no rehearsal of these very bytes that
 * ended well; ceremonycheck()'s codes for one that does not hold.
 */
PV_MUST enum pv_code rehearsed(const char *home, const struct plan *plan,
			       struct transcript_head *head, struct err *err);
/*
 * Whether a home is one that was made in a rehearsal, by the first step that
 * its log has: what lies in its folders says nothing. Codes of
 * store_log_each().
 */
PV_MUST enum pv_code rehearsed_home(struct store *store, bool *yes,
				    struct err *err);

#endif
