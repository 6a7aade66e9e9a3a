#include "lib/flow/orders_ending.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/subject.h"

CLEANUP_PTR(struct template, template_free);

static enum pv_code is_finished(struct store *store, const struct orders_end *e,
				bool *finished, struct err *err)
{
	const struct order *o = &e->order;
	struct event_who now;
	enum pv_code rc = event_now(store, &now, err);

	*finished = rc == PV_OK &&
		    (e->row.devices >= o->quantity ||
		     (o->until_s && now.who.time_ms / 1000 >= o->until_s));
	return rc;
}

static enum pv_code take_template(void *ctx, const struct store_template *row,
				  struct err *err)
{
	struct template **t = ctx;

	return template_parse(row->bytes, t, NULL, err);
}

enum pv_code orders_ending_gate(const struct authority *a, struct store *store,
				const struct orders_end *e, bool gives_up,
				const struct approvals_want *from,
				struct approvals *got, bool *asked,
				struct err *err)
{
	CLEANUP(cleanup_template_free) struct template *t = NULL;
	CLEANUP(buf_release) struct buf text;
	const struct store_visit v = { &t, { .template = take_template } };
	struct approvals_want want = *from;
	bool finished = false;
	char what[96];
	enum pv_code rc = is_finished(store, e, &finished, err);

	memset(got, 0, sizeof(*got));
	buf_init(&got->note, NOTE_SIZE_MAX);
	buf_init(&text, SUBJECT_MAX);
	*asked = !finished || gives_up;
	if (rc != PV_OK || !*asked)
		return rc;
	rc = store_template_digest(store, e->order.template_sha256, &v, err);
	subject_order_end(&text, log_str(e->order.id), e->order.sha256,
			  gives_up);
	if (rc == PV_OK)
		rc = buf_check(&text, err);
	if (rc != PV_OK)
		return rc;
	snprintf(what, sizeof(what), "the end of order %s", e->order.id);
	want.op = QUORUM_ORDER;
	want.raised = &t->approvals;
	want.subject = buf_span(&text);
	want.what = what;
	return approvals_gate(a, store, &want, got, err);
}
