/* Approvals: used up by the decision that they are for. */
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/flow/approvals_impl.h"
#include "lib/flow/judge.h"
#include "lib/flow/people.h"
#include "lib/store/store_log.h"
#include "lib/store/store_people.h"

CLEANUP_PTR(struct roster, roster_free);

static enum pv_code same_roster(struct store *store,
				const struct approvals *got, struct err *err)
{
	CLEANUP(cleanup_roster_free) struct roster *now = NULL;
	enum pv_code rc = people_in_force(store, &now, NULL, err);

	if (rc == PV_OK &&
	    (now ? got->needed == 0 ||
			     memcmp(now->sha256, got->roster_sha256, 32) != 0
		 : got->needed > 0))
		rc = err_fail(err, PV_CONFLICT, "approval.roster",
			      "run it again",
			      "the roster was changed meanwhile");
	return rc;
}

/* The entry's time is what they are judged by later, not the gate's. */
static enum pv_code still_good(struct store *store, const struct approvals *got,
			       uint64_t now_s, struct err *err)
{
	if (now_s >= got->asked.expires_s)
		return err_fail(err, PV_DENIED, "approval.expired",
				"ask for approvals again",
				"the approvals have expired meanwhile");
	return approvals_check_age(store, got, now_s, err);
}

/* ---- as it will be judged ---- */

static enum pv_code judge_one(void *ctx, const struct store_governance *g,
			      struct err *err)
{
	struct judge *j = ctx;
	CLEANUP(buf_release) struct buf bytes;
	struct log_entry e;
	enum pv_code rc;

	buf_init(&bytes, LOG_ENTRY_MAX);
	rc = store_log_read(j->store, g->index, &bytes, err);
	if (rc == PV_OK)
		rc = log_entry_decode(buf_span(&bytes), &e, err);
	return rc == PV_OK ? judge_take(j, &e, g->index, err) : rc;
}

/* All that was decided since the gate, this one last. */
static enum pv_code judge_all(struct store *store, const struct approvals *got,
			      struct err *err)
{
	CLEANUP(judge_release)
	struct judge j = { .store = store,
			   .origin = got->asked.log,
			   .from = got->size,
			   .version = got->roster_version };
	const struct store_visit v = { .ctx = &j, .fn.governance = judge_one };
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = store_governance_each(store, got->size, &v, &why);
	if (rc == PV_OK)
		rc = judge_end(&j, &why);
	if (rc == PV_INTEGRITY)
		return err_fail(err, PV_CONFLICT, "approval.raised",
				"run it again, it says what is asked for now",
				"what was approved does not count any more: %s",
				why.message);
	if (rc != PV_OK)
		*err = why;
	return rc;
}

enum pv_code approvals_use(struct store *store, const struct log_who *who,
			   const struct approvals *got, struct err *err)
{
	const struct approval *asked = &got->asked;
	uint8_t note[32];
	const struct log_approval a = { .operation = quorum_op_name(
						asked->operation),
					.text = got->text_sha256,
					.note = note,
					.subject = asked->subject,
					.persons = got->persons,
					.nonce = asked->nonce };
	CLEANUP(buf_release) struct buf entry;
	struct log_entry e;
	enum pv_code rc;

	buf_init(&entry, LOG_ENTRY_MAX);
	/* A roster's change is judged by the roster that it replaced. */
	rc = asked->operation == QUORUM_ROSTER ? PV_OK
					       : same_roster(store, got, err);
	if (rc != PV_OK || got->needed == 0)
		return rc;
	rc = still_good(store, got, who->time_ms / 1000, err);
	if (rc == PV_OK)
		rc = sha256(buf_span(&got->note), note, err);
	if (rc != PV_OK)
		return rc;
	log_approval_use(&e, who, &a);
	rc = event_decision(store, &e, &entry, err);
	if (rc == PV_OK)
		rc = store_approval_use(store, asked->nonce,
					buf_span(&got->note), buf_span(&entry),
					err);
	return rc == PV_OK ? judge_all(store, got, err) : rc;
}
