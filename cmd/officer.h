/* officer: the parts of `provctl officer' that fill a file of their own. */
#ifndef PV_CMD_OFFICER_H
#define PV_CMD_OFFICER_H

#include "cmd/app.h"

/* officer review and officer show: officer_review.c. */
PV_MUST enum pv_code officer_run_review(const struct app *app, struct err *err);
PV_MUST enum pv_code officer_run_show(const struct app *app, struct err *err);

#endif
