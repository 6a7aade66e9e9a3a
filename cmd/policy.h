/* policy: the parts of `provctl policy` that fill a file of their own. */
#ifndef PV_CMD_POLICY_H
#define PV_CMD_POLICY_H

#include "cmd/app.h"
#include "lib/base/buf.h"
#include "lib/flow/approvals.h"
#include "policy/template.h"

extern const char policy_help[]; /* one screen */
extern const struct verb_part policy_parts[];

/* Reads and lints FILE; warnings go to standard error. */
PV_MUST enum pv_code policy_read(const struct app *app, const char *path,
				 struct buf *bytes, struct template **t,
				 struct err *err);

/* The same of an issuer's template; PV_INPUT "policy.ca" for any other. */
PV_MUST enum pv_code policy_read_ca(const struct app *app, const char *path,
				    struct buf *bytes, struct template **t,
				    struct err *err);

/* Warnings as people read them, on standard error. */
void policy_warn(const struct app *app, const struct template_warnings *w);

/*
 * FILE, NAME (the version in effect) or NAME@VERSION; *s is opened when the
 * store is needed. *t is owned by the caller. As policy_read();
 * PV_NOT_FOUND; PV_USAGE for a wrong version.
 */
struct session;
PV_MUST enum pv_code policy_find(const struct app *app, struct session *s,
				 const char *name, struct template **t,
				 struct err *err);

/* policy diff A B: policy_diff.c. request and ca may be NULL. */
PV_MUST enum pv_code policy_run_diff(const struct app *app, const char *a,
				     const char *b, const char *request,
				     const char *ca, struct err *err);

/* policy drift [NAME]: policy_drift.c. name may be NULL. */
PV_MUST enum pv_code policy_run_drift(const struct app *app, const char *name,
				      struct err *err);

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
