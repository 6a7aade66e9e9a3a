/* issue_summary: what a batch or a co-process says at its end, to people. */
#ifndef PV_CMD_ISSUE_SUMMARY_H
#define PV_CMD_ISSUE_SUMMARY_H

#include "cmd/app.h"
#include "lib/flow/issue.h"

/* Requests that were answered, however. */
uint64_t issue_answered(const struct issue_counts *n);
/* One line of counts; warns when a run that is well (ok) had no requests.
 * from is --from's value or NULL. */
void issue_summary(const struct app *app, const char *from,
		   const struct issue_counts *n, bool ok);

#endif
