#include "lib/flow/clockaccept.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/pvtime.h"
#include "lib/base/sha256.h"
#include "lib/store/store_log.h"
#include "lib/store/store_people.h"

#define SUBJECT_MAX 256u

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
	char newest[PVTIME_RFC3339_LEN + 1], until[PVTIME_RFC3339_LEN + 1];

	if (!pvtime_format((int64_t)(c->last_ms / 1000), newest) ||
	    !pvtime_format(c->until_s, until))
		return err_fail(err, PV_INPUT, "clock.until", NULL,
				"not a time from 1970 to 9999");
	buf_printf(out, "clock accept\nnewest_entry %s\nuntil %s\n", newest,
		   until);
	return buf_check(out, err);
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

/* In the caller's transaction. */
static enum pv_code put_entry(const struct accepting *c,
			      const struct event_who *who, struct err *err)
{
	CLEANUP(buf_release) struct buf entry;
	struct log_entry e;
	uint8_t hash[32];
	enum pv_code rc = sha256(c->subject, hash, err);

	if (rc != PV_OK)
		return rc;
	buf_init(&entry, LOG_ENTRY_MAX);
	log_clock_accept(&e, &who->who, hash, approvals_persons(c->got));
	rc = event_decision(c->store, &e, &entry, err);
	if (rc == PV_OK)
		rc = store_governance_add(c->store, buf_span(&entry), NULL,
					  err);
	return rc;
}

static enum pv_code record(const struct accepting *c, int64_t *now_s,
			   struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	struct store_counts counts;
	struct event_who who;
	enum pv_code rc = store_begin(c->store, STORE_WRITE, &txn, err);

	if (rc == PV_OK)
		rc = store_counts(c->store, &counts, err);
	if (rc == PV_OK && counts.last_event_ms != c->last_ms)
		rc = err_fail(err, PV_CONFLICT, "clock.accept", "run it again",
			      "something was logged meanwhile");
	if (rc == PV_OK)
		rc = event_now_any_step(c->store, &who, err);
	if (rc == PV_OK)
		rc = check_until(c, who.who.time_ms, err);
	if (rc == PV_OK)
		rc = put_entry(c, &who, err);
	if (rc == PV_OK)
		rc = approvals_use(c->store, &who.who, c->got, err);
	if (rc != PV_OK)
		return rc;
	*now_s = (int64_t)(who.who.time_ms / 1000);
	return store_commit(&txn, err);
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
