/*
 * publish: what a verb does once it has committed revocations: lists and OCSP
 * answers that say so are made and published. The verb needs no token before.
 */
#ifndef PV_CMD_PUBLISH_H
#define PV_CMD_PUBLISH_H

#include "cmd/session.h"
#include "lib/flow/publish.h"

#define PUBLISH_BEHIND "it is recorded, but what is published is behind"

/*
 * Logs in, if s is not, makes what is due and signs the log's checkpoint. What
 * was committed stands whatever fails here: the message says that lists are
 * behind, and the next run of this or of rotate crl makes them. Codes of
 * session_login() and publish_run().
 */
PV_MUST enum pv_code publish_changes(const struct app *app, struct session *s,
				     struct err *err);
/* What a run made, in a line for people. */
void publish_told(const struct app *app, const struct publish_report *r);

#endif
