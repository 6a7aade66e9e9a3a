#include "lib/flow/event.h"

#include <stdio.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/pvtime.h"
#include "lib/store/store_log.h"
#include "lib/store/store_people.h"

void event_actor(const struct store *store, char actor[EVENT_ACTOR_MAX])
{
	if (store && store->actor[0])
		snprintf(actor, EVENT_ACTOR_MAX, "%s", store->actor);
	else
		snprintf(actor, EVENT_ACTOR_MAX, "os:%lu",
			 (unsigned long)geteuid());
}

typedef enum pv_code time_fn(struct store *store, uint64_t time_ms,
			     struct err *err);

static enum pv_code fill(struct store *store, time_fn *admits,
			 struct event_who *w, struct err *err)
{
	int64_t now_ms = pvtime_now_ms();
	enum pv_code rc;

	if (now_ms < 0)
		return err_fail(err, PV_DENIED, "clock.range",
				"set the machine's clock",
				"the clock stands outside 1970 to 9999");
	rc = admits(store, (uint64_t)now_ms, err);
	if (rc != PV_OK)
		return rc;
	event_actor(store, w->actor);
	w->who = (struct log_who){ (uint64_t)now_ms, w->actor };
	return PV_OK;
}

enum pv_code event_now(struct store *store, struct event_who *w,
		       struct err *err)
{
	return fill(store, store_log_time, w, err);
}

enum pv_code event_now_any_step(struct store *store, struct event_who *w,
				struct err *err)
{
	return fill(store, store_log_time_any_step, w, err);
}

enum pv_code event_append(struct store *store, const struct log_entry *e,
			  struct err *err)
{
	return event_append_at(store, e, NULL, err);
}

enum pv_code event_append_at(struct store *store, const struct log_entry *e,
			     uint64_t *index, struct err *err)
{
	CLEANUP(buf_release) struct buf bytes;
	enum pv_code rc;

	buf_init(&bytes, LOG_ENTRY_MAX);
	rc = log_entry_encode(e, &bytes, err);
	if (rc == PV_OK)
		rc = store_log_append(store, buf_span(&bytes), index, err);
	return rc;
}

enum pv_code event_decision(struct store *store, struct log_entry *e,
			    struct buf *bytes, struct err *err)
{
	uint64_t prev;
	enum pv_code rc = store_governance_head(store, &prev, err);

	if (rc != PV_OK)
		return rc;
	log_fact_prev(e, prev);
	return log_entry_encode(e, bytes, err);
}

enum pv_code event_export(struct store *store, const char *object,
			  const char *what, const char *to, struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	struct event_who w;
	struct log_entry e;
	enum pv_code rc = store_begin(store, STORE_WRITE, &txn, err);

	if (rc == PV_OK)
		rc = event_now(store, &w, err);
	if (rc != PV_OK)
		return rc;
	log_export(&e, &w.who, object, what, to);
	rc = event_append(store, &e, err);
	if (rc == PV_OK)
		rc = store_commit(&txn, err);
	return rc;
}
