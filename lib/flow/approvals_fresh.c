/* When approvals were asked for, by the log's word. */
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/approvals_impl.h"
#include "lib/store/store_log.h"

enum pv_code approvals_ask(struct store *store, const struct approval *asked,
			   struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	struct event_who who;
	struct log_entry e;
	enum pv_code rc = store_begin(store, STORE_WRITE, &txn, err);

	if (rc == PV_OK)
		rc = event_now(store, &who, err);
	if (rc != PV_OK)
		return rc;
	log_approval_ask(&e, &who.who, quorum_op_name(asked->operation),
			 asked->subject, asked->nonce);
	rc = event_append(store, &e, err);
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}

static enum pv_code time_of(struct store *store, uint64_t index,
			    uint64_t *time_ms, struct err *err)
{
	CLEANUP(buf_release) struct buf bytes;
	struct log_entry e;
	enum pv_code rc;

	buf_init(&bytes, LOG_ENTRY_MAX);
	rc = store_log_read(store, index, &bytes, err);
	if (rc == PV_OK)
		rc = log_entry_decode(buf_span(&bytes), &e, err);
	if (rc == PV_OK)
		*time_ms = e.time_ms;
	return rc;
}

/* The first entry of that time or later: times never go back. */
static enum pv_code first_since(struct store *store, uint64_t since_ms,
				uint64_t size, uint64_t *first, struct err *err)
{
	uint64_t low = 0;
	uint64_t high = size;
	enum pv_code rc = PV_OK;

	while (rc == PV_OK && low < high) {
		uint64_t middle = low + (high - low) / 2;
		uint64_t time_ms = 0;

		rc = time_of(store, middle, &time_ms, err);
		if (time_ms < since_ms)
			low = middle + 1;
		else
			high = middle;
	}
	*first = low;
	return rc;
}

struct search {
	const struct approval *asked;
	bool found;
};

static enum pv_code look(void *ctx, uint64_t index, struct span bytes,
			 struct err *err)
{
	struct search *s = ctx;
	const struct approval *a = s->asked;
	struct log_entry e;
	enum pv_code rc;

	(void)index;
	/* Most entries are others: few are taken apart. */
	if (!memmem(bytes.p, bytes.len, a->nonce, sizeof(a->nonce)))
		return PV_OK;
	rc = log_entry_decode(bytes, &e, err);
	if (rc == PV_OK && span_is(e.type, LOG_APPROVAL_ASK) &&
	    span_is(e.object, quorum_op_name(a->operation)) &&
	    span_is(e.actor, a->requester) &&
	    log_fact_is(&e, "subject", a->subject, sizeof(a->subject)) &&
	    log_fact_is(&e, "nonce", a->nonce, sizeof(a->nonce)))
		s->found = true;
	return rc;
}

enum pv_code approvals_fresh(struct store *store, const struct approval *asked,
			     uint64_t now_s, uint32_t max_age_s,
			     uint64_t before, bool *fresh, struct err *err)
{
	struct search s = { asked, false };
	const struct store_visit v = { .ctx = &s, .fn.entry = look };
	uint64_t since_s = now_s > max_age_s ? now_s - max_age_s : 0;
	uint64_t size = 0, first = 0;
	enum pv_code rc = store_log_size(store, &size, err);

	if (before < size)
		size = before;
	if (rc == PV_OK)
		rc = first_since(store, since_s * 1000, size, &first, err);
	if (rc == PV_OK && first < size)
		rc = store_log_each(store, first, size - first, &v, err);
	*fresh = rc == PV_OK && s.found;
	return rc;
}

enum pv_code approvals_check_age(struct store *store,
				 const struct approvals *got, uint64_t now_s,
				 struct err *err)
{
	bool fresh = true;
	enum pv_code rc = PV_OK;

	if (got->max_age_s)
		rc = approvals_fresh(store, &got->asked, now_s, got->max_age_s,
				     STORE_NO_INDEX, &fresh, err);
	if (rc == PV_OK && !fresh)
		rc = err_fail(err, PV_DENIED, "approval.age",
			      "ask for approvals again",
			      "approvals of no request that the log says was "
			      "made within the last %u s",
			      got->max_age_s);
	return rc;
}
