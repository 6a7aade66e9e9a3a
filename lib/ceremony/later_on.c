/* Whether a later plan that began goes on, where people have to be asked. */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/pvtime.h"
#include "lib/ceremony/ceremonypoints.h"
#include "lib/ceremony/later_impl.h"
#include "lib/flow/people.h"
#include "lib/log/events.h"
#include "lib/store/store_log.h"
#include "lib/store/store_people.h"

CLEANUP_PTR(struct roster, roster_free);

/* ---- the roster that the plan's own step has set ---- */

struct search {
	const struct plan *plan;
	char step[64];	/* as its entries say it: "4 set-roster" */
	bool begun;	/* the step did, */
	uint64_t index; /* by that entry */
	uint64_t set;	/* the entry of the newest roster */
};

static enum pv_code take_roster(void *ctx, const struct store_governance *g,
				struct err *err)
{
	struct search *s = ctx;

	(void)err;
	if (strcmp(g->kind, LOG_ROSTER_CHANGE) == 0)
		s->set = g->index;
	return PV_OK;
}

static enum pv_code take_step(void *ctx, uint64_t index, struct span bytes,
			      struct err *err)
{
	struct search *s = ctx;
	const struct log_fact *step, *result;
	struct log_entry e;
	enum pv_code rc = log_entry_decode(bytes, &e, err);

	if (rc != PV_OK || s->begun || !span_is(e.type, LOG_CEREMONY_STEP) ||
	    !log_fact_is(&e, "hash", s->plan->sha256, 32))
		return rc;
	step = log_fact_find(&e, "step", LOG_TSTR);
	result = log_fact_find(&e, "result", LOG_TSTR);
	s->begun = step && result && span_is(step->s, s->step) &&
		   span_is(result->s, "begun");
	s->index = index;
	return PV_OK;
}

/* One of the same bytes that a verb has set is somebody else's. */
static enum pv_code is_own(struct store *store, const struct plan *plan,
			   const struct later_begun *b,
			   const struct roster *roster, bool *own,
			   struct err *err)
{
	const struct plan_step *set = plan_roster(plan);
	struct search s = { .plan = plan };
	const struct store_visit rosters = { .ctx = &s,
					     .fn.governance = take_roster };
	const struct store_visit steps = { .ctx = &s, .fn.entry = take_step };
	uint64_t size = 0;
	enum pv_code rc;

	*own = false;
	if (!set || memcmp(roster->sha256, set->roster, 32) != 0)
		return PV_OK;
	snprintf(s.step, sizeof(s.step), "%zu %s",
		 (size_t)(set - plan->steps) + 1, plan_kind_name(set->kind));
	rc = store_governance_each(store, 0, &rosters, err);
	if (rc == PV_OK)
		rc = store_log_size(store, &size, err);
	if (rc == PV_OK && b->index < size)
		rc = store_log_each(store, b->index, size - b->index, &steps,
				    err);
	*own = rc == PV_OK && s.begun && s.set > s.index;
	return rc;
}

/* ---- who was asked, and when ---- */

static enum pv_code denied(const struct plan *plan, const char *rule,
			   const char *what, struct err *err)
{
	err_object(err, plan->name);
	return err_fail(err, PV_DENIED, rule,
			"have another version of the plan approved, for what "
			"is left of it",
			"%s", what);
}

static enum pv_code check_asked(const struct plan *plan,
				const struct later_begun *b,
				const struct roster *roster, struct err *err)
{
	if (!b->approved)
		return denied(plan, "ceremony.roster",
			      "the plan began before there was a roster, and "
			      "nobody has approved it",
			      err);
	return b->roster == roster->version
		       ? PV_OK
		       : denied(plan, "ceremony.roster",
				"the plan was approved under another roster "
				"than is in force",
				err);
}

/* A plan with an end of its own goes by that. */
static enum pv_code check_age(const struct plan *plan,
			      const struct later_begun *b, struct err *err)
{
	int64_t until_s = (int64_t)(b->time_ms / 1000) + APPROVALS_VALID_S;

	return !b->approved || plan->not_after_s != PVTIME_MAX ||
			       pvtime_now_s() <= until_s
		       ? PV_OK
		       : denied(plan, "ceremony.age",
				"the plan has no not_after, and began longer "
				"ago than approvals are valid",
				err);
}

static enum pv_code check_actor(const struct actor *who,
				const struct later_begun *b, struct err *err)
{
	return strcmp(who->name, b->actor) == 0
		       ? PV_OK
		       : actor_allow(who, ROLE_OP_ROTATE_KEY, err);
}

/* The log has its end: nothing is left but to sign that. */
static enum pv_code has_ended(struct store *store, const struct plan *plan,
			      const struct later_begun *b, bool *ended,
			      struct err *err)
{
	CLEANUP(ceremony_points_release) struct ceremony_points points;
	enum pv_code rc;

	ceremony_points_init(&points, plan->sha256);
	rc = ceremony_points_load(&points, store, b->index, err);
	*ended = rc == PV_OK && points.ended > 0;
	return rc;
}

enum pv_code later_may_go_on(const struct later_opts *opts,
			     const struct plan *plan,
			     const struct later_begun *b, struct err *err)
{
	CLEANUP(cleanup_roster_free) struct roster *roster = NULL;
	bool own = false, ended = false;
	enum pv_code rc = people_in_force(opts->store, &roster, NULL, err);

	if (rc == PV_OK && roster)
		rc = has_ended(opts->store, plan, b, &ended, err);
	if (rc != PV_OK || !roster || ended)
		return rc;
	rc = is_own(opts->store, plan, b, roster, &own, err);
	if (rc == PV_OK && !own)
		rc = check_asked(plan, b, roster, err);
	if (rc == PV_OK)
		rc = check_age(plan, b, err);
	return rc == PV_OK ? check_actor(opts->who, b, err) : rc;
}
