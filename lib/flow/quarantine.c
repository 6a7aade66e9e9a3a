#include "lib/flow/quarantine.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/event.h"
#include "lib/flow/governance.h"

const char *quarantine_state(enum store_held_state state)
{
	switch (state) {
	case STORE_HELD:
		return "held";
	case STORE_RELEASED:
		return "released";
	case STORE_REJECTED:
		break;
	}
	return "rejected";
}

struct looking {
	struct store *store;
	bool all;
	const struct store_visit *v;
};

static enum pv_code take(void *ctx, const struct store_held *h, struct err *err)
{
	const struct looking *l = ctx;
	enum pv_code rc;

	if (!l->all && h->state != STORE_HELD)
		return PV_OK;
	rc = governance_held(l->store, h, err);
	return rc == PV_OK ? l->v->fn.held(l->v->ctx, h, err) : rc;
}

enum pv_code quarantine_each(struct store *store, bool all,
			     const struct store_visit *v, struct err *err)
{
	struct looking l = { store, all, v };
	const struct store_visit each = { .ctx = &l, .fn.held = take };

	return store_held_each(store, &each, err);
}

enum pv_code quarantine_get(struct store *store, uint64_t id,
			    const struct store_visit *v, struct err *err)
{
	struct looking l = { store, true, v };
	const struct store_visit one = { .ctx = &l, .fn.held = take };
	bool found = false;
	enum pv_code rc = PV_OK;

	if (id > 0 && id <= INT64_MAX)
		rc = store_held_get(store, id, &one, &found, err);
	if (rc == PV_OK && !found)
		return err_fail(err, PV_NOT_FOUND, "quarantine.none",
				"see provctl quarantine list",
				"nothing is held under number %llu",
				(unsigned long long)id);
	return rc;
}

static enum pv_code take_report(void *ctx, const struct store_held *h,
				struct err *err)
{
	struct quarantine_report *r = ctx;

	(void)err;
	memcpy(r->request, h->request, sizeof(r->request));
	memcpy(r->device, h->device, sizeof(r->device));
	memcpy(r->rule, h->rule, sizeof(r->rule));
	return PV_OK;
}

enum pv_code quarantine_decide(struct store *store, uint64_t id,
			       enum store_held_state state,
			       struct quarantine_report *report,
			       struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	CLEANUP(buf_release) struct buf entry;
	const struct store_visit v = { report, { .held = take_report } };
	struct log_decision facts = { .held = id };
	struct event_who who;
	struct log_entry e;
	enum pv_code rc = store_begin(store, STORE_WRITE, &txn, err);

	buf_init(&entry, LOG_ENTRY_MAX);
	if (rc == PV_OK)
		rc = quarantine_get(store, id, &v, err);
	if (rc == PV_OK)
		rc = event_now(store, &who, err);
	if (rc != PV_OK)
		return rc;
	facts.request = report->request;
	facts.device = report->device[0] ? report->device : NULL;
	facts.rule = report->rule;
	log_quarantine_decide(&e, &who.who,
			      state == STORE_RELEASED ? LOG_QUARANTINE_RELEASE
						      : LOG_QUARANTINE_REJECT,
			      &facts);
	rc = event_decision(store, &e, &entry, err);
	if (rc == PV_OK)
		rc = store_held_decide(store, id, state, buf_span(&entry), err);
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}
