/* officer: the parts of `provctl officer' that fill a file of their own. */
#ifndef PV_CMD_OFFICER_H
#define PV_CMD_OFFICER_H

#include <jansson.h>

#include "cmd/app.h"
#include "lib/flow/officers.h"

extern const char officer_help[]; /* one screen: officer_help.c */
extern const struct verb_part officer_parts[];

/* officer review and officer show: officer_review.c. */
PV_MUST enum pv_code officer_run_review(const struct app *app, struct err *err);
PV_MUST enum pv_code officer_run_show(const struct app *app, struct err *err);

/* Every use of approvals, in the log's order: officer_used.c. */
struct officer_used;
/* *used is the caller's, also after a failure; sink is for officers_uses(). */
PV_MUST enum pv_code officer_used_new(const struct app *app,
				      struct officer_used **used,
				      struct officers_sink *sink,
				      struct err *err);
void officer_used_free(struct officer_used *used); /* takes NULL */
/* All of them, a new reference; only where app->json. */
json_t *officer_used_json(const struct officer_used *used);
/* The newest, a line each; only where not. */
void officer_used_print(const struct officer_used *used);

#endif
