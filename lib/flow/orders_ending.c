#include "lib/flow/orders_ending.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/subject.h"

CLEANUP_PTR(struct template, template_free);

bool orders_ending_finished(const struct order *o,
			    const struct quota_order *taken, uint64_t time_s)
{
	return taken->devices >= o->quantity ||
	       (o->until_s && time_s >= o->until_s);
}

bool orders_ending_gives_up(const struct orders_end *e)
{
	return e->unfinished > 0 || orders_scan_order(&e->scan)->given_up > 0;
}

static enum pv_code take_template(void *ctx, const struct store_template *row,
				  struct err *err)
{
	struct template **t = ctx;

	return template_parse(row->bytes, t, NULL, err);
}

enum pv_code orders_ending_gate(const struct authority *a, struct store *store,
				const struct orders_end *e,
				const struct approvals_want *from,
				struct approvals *got, bool *asked,
				struct err *err)
{
	CLEANUP(cleanup_template_free) struct template *t = NULL;
	CLEANUP(buf_release) struct buf text;
	const struct store_visit v = { &t, { .template = take_template } };
	struct approvals_want want = *from;
	const bool gives_up = orders_ending_gives_up(e);
	struct event_who now;
	char what[96];
	enum pv_code rc = event_now(store, &now, err);

	memset(got, 0, sizeof(*got));
	buf_init(&got->note, NOTE_SIZE_MAX);
	buf_init(&text, SUBJECT_MAX);
	*asked = rc == PV_OK &&
		 (gives_up || !orders_ending_finished(
				      &e->order, orders_scan_order(&e->scan),
				      now.who.time_ms / 1000));
	if (!*asked)
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
