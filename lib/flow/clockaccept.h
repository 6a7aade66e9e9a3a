/*
 * clockaccept: a clock that is ahead of the log's newest entry by more than
 * clock_max_step_days, and right all the same, is taken by a decision of
 * people (policy.md, "Clock"): one entry, clock.accept, may step that far, and
 * the step is counted from it on. Nothing else is let through.
 *
 * What is approved names the newest entry's time and the latest time that is
 * accepted: it is worth nothing after any other step, or later than that.
 *
 * Does not check: that the clock is right.
 */
#ifndef PV_FLOW_CLOCKACCEPT_H
#define PV_FLOW_CLOCKACCEPT_H

#include "lib/flow/approvals.h"

struct clock_accepted {
	bool needless; /* the clock is within bounds: nothing was done */
	int64_t from_s, now_s;
	char persons[APPROVALS_PERSONS_MAX + 1];
};

/*
 * until_s: since the epoch, not passed yet. want brings approvals and
 * request_out; the rest of it is filled here. Codes of approvals_gate();
 * PV_DENIED, "clock.backwards" or "clock.witness" (no decision lets time go
 * back), "clock.until" (the clock is past until_s); PV_CONFLICT, "clock.accept"
 * (something was logged meanwhile); PV_INPUT.
 */
PV_MUST enum pv_code clock_accept(const struct authority *a,
				  struct store *store, int64_t until_s,
				  const struct approvals_want *want,
				  struct clock_accepted *out, struct err *err);

#endif
