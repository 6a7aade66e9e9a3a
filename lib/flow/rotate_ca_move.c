/* rotate_ca: another time, or none, for a generation that has not taken over
 * yet. */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/decision.h"
#include "lib/flow/keystand.h"
#include "lib/flow/ownkey.h"
#include "lib/flow/rotate_ca_impl.h"
#include "lib/store/store_log.h"

struct look {
	uint32_t generation;
	uint64_t active_ms;
};

static enum pv_code take_newest(void *ctx, const struct store_ca *ca,
				struct err *err)
{
	struct look *l = ctx;

	(void)err;
	if (ca->active_ms == STORE_CA_NEVER)
		return PV_OK;
	l->generation = ca->generation;
	l->active_ms = ca->active_ms;
	return PV_OK;
}

/* In the transaction: it has not taken over meanwhile, nor was it moved. */
static enum pv_code still_waits(struct rotate_ca *r, uint64_t now_ms,
				struct err *err)
{
	struct look l = { .generation = 0 };
	const struct store_visit v = { .ctx = &l, .fn.ca = take_newest };
	enum pv_code rc = store_ca_each(r->store, r->opts->ca, &v, err);

	if (rc == PV_OK &&
	    (l.generation != r->former || l.active_ms != r->active_ms ||
	     l.active_ms <= now_ms))
		rc = err_fail(err, PV_CONFLICT, "rotate.pending",
			      "see provctl status",
			      "generation %u has taken over, or was moved, "
			      "meanwhile",
			      r->former);
	return rc;
}

static enum pv_code record(struct rotate_ca *r, const struct approvals *got,
			   struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	struct event_who who;
	uint64_t index = 0;
	enum pv_code rc = store_begin(r->store, STORE_WRITE, &txn, err);

	if (rc == PV_OK)
		rc = event_now(r->store, &who, err);
	if (rc == PV_OK)
		rc = still_waits(r, who.who.time_ms, err);
	if (rc == PV_OK)
		rc = store_log_size(r->store, &index, err);
	if (rc == PV_OK)
		rc = rotate_ca_log(r, r->former, &who.who, got, err);
	if (rc == PV_OK)
		rc = store_ca_move(r->store, r->opts->ca, r->former,
				   r->wanted_ms, index, err);
	if (rc == PV_OK)
		rc = decision_on_acts(r->store, &who.who, got,
				      buf_span(&r->subject), 1, err);
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}

enum pv_code rotate_ca_move(struct rotate_ca *r, struct rotate_ca_report *out,
			    struct err *err)
{
	CLEANUP(approvals_release) struct approvals got = { .needed = 0 };
	/* What it was made under, whatever is in effect by now. */
	const struct store_visit v = { .ctx = r,
				       .fn.template = rotate_ca_take_template };
	enum pv_code rc = keystand_label(r->store, r->newest_label, err);

	if (rc == PV_OK)
		rc = ownkey_load(r->store, r->newest_label, &r->next, err);
	if (rc == PV_OK)
		rc = store_template_digest(r->store, r->template_sha256, &v,
					   err);
	if (rc == PV_OK)
		rc = rotate_ca_gate(r, r->former, &got, err);
	if (rc == PV_OK)
		rc = record(r, &got, err);
	out->moved = !r->opts->withdraw;
	out->withdrawn = r->opts->withdraw;
	out->generation = r->former;
	out->active_ms = r->wanted_ms;
	snprintf(out->label, sizeof(out->label), "%s", r->next.label);
	snprintf(out->persons, sizeof(out->persons), "%s", got.persons);
	return rc;
}
