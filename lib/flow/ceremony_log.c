/* What the log has of a ceremony's steps. */
#include <stdio.h>

#include "lib/flow/ceremony_impl.h"
#include "lib/flow/event.h"
#include "lib/log/ceremony.h"

enum pv_code ceremony_log_step(struct ceremony *c, const char *result,
			       struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	const struct log_ceremony_point point = { .plan = c->plan->sha256,
						  .mode = c->mode,
						  .lines = c->t.head.lines,
						  .head = c->t.head.sha256 };
	struct event_who who;
	struct log_entry e;
	char step[64];
	enum pv_code rc = store_begin(c->store, STORE_WRITE, &txn, err);

	if (rc == PV_OK)
		rc = event_now(c->store, &who, err);
	if (rc != PV_OK)
		return rc;
	snprintf(step, sizeof(step), "%zu %s", c->steps ? c->n + 1 : 0,
		 c->steps ? plan_kind_name(c->plan->steps[c->n].kind) : "end");
	log_ceremony_step(&e, &who.who, c->object[0] ? c->object : "-",
			  c->plan->name, step, result);
	log_ceremony_point(&e, &point);
	rc = event_append(c->store, &e, err);
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}
