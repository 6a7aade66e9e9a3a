/*
 * event: entries for the log as the coordinators write them: who acted, when,
 * and into which transaction. Times never go back, never go forward by more
 * than clock_max_step_days, and are never before the time that witnesses vouch
 * for (policy.md, "Clock").
 */
#ifndef PV_FLOW_EVENT_H
#define PV_FLOW_EVENT_H

#include "lib/log/events.h"
#include "lib/store/store.h"

#define EVENT_ACTOR_MAX (STORE_ID_MAX + 1)

struct event_who {
	char actor[EVENT_ACTOR_MAX]; /* as event_actor() gives it */
	struct log_who who;	     /* .actor points above */
};

/* Who acts through store: the officer who proved it (actor.h), or "os:<uid>",
 * which nobody had to prove, also where store is NULL. */
void event_actor(const struct store *store, char actor[EVENT_ACTOR_MAX]);
/* Who is acting and what time it is now. PV_DENIED when no entry of that time
 * may follow: store_log_time(). */
PV_MUST enum pv_code event_now(struct store *store, struct event_who *w,
			       struct err *err);

/* The same for a clock.accept: store_log_time_any_step(). */
PV_MUST enum pv_code event_now_any_step(struct store *store,
					struct event_who *w, struct err *err);

/* Encodes and appends inside the open write transaction. */
PV_MUST enum pv_code event_append(struct store *store,
				  const struct log_entry *e, struct err *err);

/* The same; *index gets the entry's place. */
PV_MUST enum pv_code event_append_at(struct store *store,
				     const struct log_entry *e, uint64_t *index,
				     struct err *err);

/*
 * The entry of a decision (lib/log/govern.h), encoded into the empty bytes for
 * the store's verb of that change: e, without "prev", gets it here. Inside the
 * open write transaction.
 */
PV_MUST enum pv_code event_decision(struct store *store, struct log_entry *e,
				    struct buf *bytes, struct err *err);

/* An export of what (a kind: "bundle") about object to whom, in a transaction
 * of its own. */
PV_MUST enum pv_code event_export(struct store *store, const char *object,
				  const char *what, const char *to,
				  struct err *err);

#endif
