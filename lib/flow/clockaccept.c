#include "lib/flow/clockaccept.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/flow/decision.h"
#include "lib/flow/subject.h"
#include "lib/store/store_log.h"
#include "lib/store/store_people.h"

struct accepting {
	struct store *store;
	uint64_t last_ms; /* of the newest entry */
	int64_t until_s;
	struct span subject;
	const struct approvals *got;
};

static enum pv_code put_subject(const struct accepting *c, struct buf *out,
				struct err *err)
{
	return subject_clock(out, c->last_ms / 1000, (uint64_t)c->until_s, err);
}

static enum pv_code check_until(const struct accepting *c, uint64_t now_ms,
				struct err *err)
{
	if ((int64_t)(now_ms / 1000) <= c->until_s)
		return PV_OK;
	return err_fail(err, PV_DENIED, "clock.until",
			"ask for a later time, or set the machine's clock",
			"the clock stands past the time that is accepted");
}

static enum pv_code put_entry(const struct accepting *c, struct decision *d,
			      struct err *err)
{
	struct log_entry e;
	uint8_t hash[32];
	enum pv_code rc = sha256(c->subject, hash, err);

	if (rc != PV_OK)
		return rc;
	log_clock_accept(&e, &d->who.who, hash, approvals_persons(c->got));
	log_fact_uint(&e, LOG_NEWEST, c->last_ms / 1000);
	log_fact_uint(&e, LOG_UNTIL, (uint64_t)c->until_s);
	rc = decision_entry(d, &e, err);
	return rc == PV_OK ? store_governance_add(c->store, buf_span(&d->entry),
						  NULL, err)
			   : rc;
}

static enum pv_code record(const struct accepting *c, int64_t *now_s,
			   struct err *err)
{
	DECISION d = DECISION_INIT;
	struct store_counts counts;
	enum pv_code rc = decision_begin(&d, c->store, c->got, err);

	if (rc == PV_OK)
		rc = store_counts(c->store, &counts, err);
	if (rc == PV_OK && counts.last_event_ms != c->last_ms)
		rc = err_fail(err, PV_CONFLICT, "clock.accept", "run it again",
			      "something was logged meanwhile");
	if (rc == PV_OK)
		rc = check_until(c, d.who.who.time_ms, err);
	if (rc == PV_OK)
		rc = put_entry(c, &d, err);
	if (rc != PV_OK)
		return rc;
	*now_s = (int64_t)(d.who.who.time_ms / 1000);
	return decision_commit(&d, err);
}

static enum pv_code decide(const struct authority *a, struct accepting *c,
			   const struct approvals_want *from,
			   struct clock_accepted *out, struct err *err)
{
	CLEANUP(approvals_release) struct approvals got = { .needed = 0 };
	CLEANUP(buf_release) struct buf subject;
	struct approvals_want want = { .op = QUORUM_CLOCK_ACCEPT,
				       .what = "clock accept",
				       .files = from->files,
				       .files_n = from->files_n,
				       .request_out = from->request_out };
	enum pv_code rc;

	buf_init(&subject, SUBJECT_MAX);
	rc = put_subject(c, &subject, err);
	c->subject = want.subject = buf_span(&subject);
	c->got = &got;
	if (rc == PV_OK)
		rc = approvals_gate(a, c->store, &want, &got, err);
	if (rc == PV_OK)
		rc = record(c, &out->now_s, err);
	if (rc == PV_OK && got.needed)
		snprintf(out->persons, sizeof(out->persons), "%s", got.persons);
	return rc;
}

enum pv_code clock_accept(const struct authority *a, struct store *store,
			  int64_t until_s, const struct approvals_want *want,
			  struct clock_accepted *out, struct err *err)
{
	struct accepting c = { .store = store, .until_s = until_s };
	struct store_counts counts;
	struct event_who now;
	struct err step;
	enum pv_code rc;

	memset(out, 0, sizeof(*out));
	rc = store_counts(store, &counts, err);
	if (rc == PV_OK)
		rc = event_now_any_step(store, &now, err);
	if (rc != PV_OK)
		return rc;
	c.last_ms = counts.last_event_ms;
	out->from_s = (int64_t)(c.last_ms / 1000);
	out->now_s = (int64_t)(now.who.time_ms / 1000);
	err_init(&step);
	out->needless = store_log_time(store, now.who.time_ms, &step) == PV_OK;
	if (out->needless)
		return PV_OK;
	if (step.code != PV_DENIED) {
		*err = step;
		return step.code;
	}
	rc = check_until(&c, now.who.time_ms, err);
	return rc == PV_OK ? decide(a, &c, want, out, err) : rc;
}
