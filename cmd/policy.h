/* policy: the parts of `provctl policy` that fill a file of their own. */
#ifndef PV_CMD_POLICY_H
#define PV_CMD_POLICY_H

#include "cmd/app.h"
#include "lib/base/buf.h"
#include "lib/flow/approvals.h"
#include "policy/template.h"

/* Reads and lints FILE; warnings go to standard error. */
PV_MUST enum pv_code policy_read(const struct app *app, const char *path,
				 struct buf *bytes, struct template **t,
				 struct err *err);

/* Warnings as people read them, on standard error. */
void policy_warn(const struct app *app, const struct template_warnings *w);

/* policy show NAME|FILE and policy list: policy_show.c. */
PV_MUST enum pv_code policy_run_show(const struct app *app, const char *name,
				     struct err *err);
PV_MUST enum pv_code policy_run_list(const struct app *app, struct err *err);

/* policy adopt FILE: policy_adopt.c; want brings approvals and request. */
PV_MUST enum pv_code policy_run_adopt(const struct app *app, const char *path,
				      const struct approvals_want *want,
				      struct err *err);

/* policy test FILE CASES: policy_test.c. */
PV_MUST enum pv_code policy_run_test(const struct app *app, const char *file,
				     const char *cases, const char *ca,
				     struct err *err);

#endif
