#include "lib/flow/decision.h"

#include "lib/base/cleanup.h"
#include "lib/log/acts.h"
#include "lib/store/store_people.h"

enum pv_code decision_begin(struct decision *d, struct store *store,
			    const struct approvals *got, struct err *err)
{
	bool clock = got->asked.operation == QUORUM_CLOCK_ACCEPT;
	enum pv_code rc = store_begin(store, STORE_WRITE, &d->txn, err);

	d->store = store;
	d->got = got;
	buf_init(&d->entry, LOG_ENTRY_MAX);
	if (rc == PV_OK)
		rc = clock ? event_now_any_step(store, &d->who, err)
			   : event_now(store, &d->who, err);
	return rc;
}

enum pv_code decision_entry(struct decision *d, struct log_entry *e,
			    struct err *err)
{
	if (d->got->needed > 0)
		log_fact_bytes(e, LOG_NONCE_FACT, d->got->asked.nonce,
			       LOG_NONCE);
	buf_reset(&d->entry);
	return event_decision(d->store, e, &d->entry, err);
}

enum pv_code decision_commit(struct decision *d, struct err *err)
{
	enum pv_code rc = approvals_use(d->store, &d->who.who, d->got, err);

	return rc == PV_OK ? store_commit(&d->txn, err) : rc;
}

enum pv_code decision_on_acts(struct store *store, const struct log_who *who,
			      const struct approvals *got, struct span text,
			      uint64_t n, struct err *err)
{
	const struct log_people facts = { quorum_op_name(got->asked.operation),
					  text, n, got->persons };
	CLEANUP(buf_release) struct buf bytes;
	struct log_entry e;
	enum pv_code rc = PV_OK;

	buf_init(&bytes, LOG_ENTRY_MAX);
	if (got->needed > 0) {
		log_people_decide(&e, who, &facts);
		log_fact_bytes(&e, LOG_NONCE_FACT, got->asked.nonce, LOG_NONCE);
		rc = event_decision(store, &e, &bytes, err);
		if (rc == PV_OK)
			rc = store_governance_add(store, buf_span(&bytes), NULL,
						  err);
	}
	return rc == PV_OK ? approvals_use(store, who, got, err) : rc;
}

void decision_release(struct decision *d)
{
	store_rollback(&d->txn);
	buf_release(&d->entry);
}
