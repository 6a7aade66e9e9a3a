/*
 * outcome: which of many failures a whole run reports: the first of 7, 6, 8, 5,
 * 9, 4, 3 that occurred (cli.md, "issue"), with the codes that page does not
 * rank put where they hide nothing worse.
 */
#ifndef PV_FLOW_OUTCOME_H
#define PV_FLOW_OUTCOME_H

#include <stdbool.h>

#include "lib/base/err.h"

/* The request was looked at and refused; other failures say nothing of it. */
PV_MUST bool outcome_is_denial(enum pv_code code);
/* Higher is worse; 0 for PV_OK. */
unsigned outcome_rank(enum pv_code code);
/* Keeps the worse of the two; of equals the one that came first. */
void outcome_note(struct err *worst, const struct err *e);

#endif
