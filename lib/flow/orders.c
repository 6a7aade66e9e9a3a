#include "lib/flow/orders.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/pvtime.h"
#include "lib/base/sha256.h"
#include "lib/flow/decision.h"
#include "lib/flow/governance.h"
#include "lib/flow/logged_authority.h"
#include "policy/template.h"

CLEANUP_PTR(struct template, template_free);

/* ---- reading ---- */

struct reading {
	struct orders_row row;
	uint8_t template_sha256[STORE_HASH];
	struct buf bytes, note;
};

static enum pv_code take_row(void *ctx, const struct store_order *o,
			     struct err *err)
{
	struct reading *r = ctx;
	enum pv_code rc;

	r->row = (struct orders_row){ o->state, o->devices, o->reworked,
				      o->opened_index, o->closed_index };
	memcpy(r->template_sha256, o->template_sha256, STORE_HASH);
	buf_put(&r->bytes, o->bytes.p, o->bytes.len);
	buf_put(&r->note, o->note.p, o->note.len);
	rc = buf_check(&r->bytes, err);
	return rc == PV_OK ? buf_check(&r->note, err) : rc;
}

static void reading_release(struct reading *r)
{
	buf_release(&r->bytes);
	buf_release(&r->note);
}

/* A row that the log does not know so counts for nothing. */
static enum pv_code hold_against_log(struct store *store, const char *name,
				     const struct reading *r, struct err *err)
{
	struct governance_row row = { .kind = LOG_ORDER_OPEN,
				      .name = name,
				      .index = r->row.opened_index,
				      .bytes = buf_span(&r->bytes) };
	enum pv_code rc = governance_row(store, &row, err);

	if (rc != PV_OK || r->row.state != STORE_ORDER_CLOSED)
		return rc;
	row.kind = LOG_ORDER_CLOSE;
	row.index = r->row.closed_index;
	row.note = buf_span(&r->note);
	return governance_row(store, &row, err);
}

static enum pv_code parse_row(const char *name, const struct reading *r,
			      struct order *o, struct err *err)
{
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = order_parse(buf_span(&r->bytes), o, &why);
	if (rc == PV_INPUT ||
	    (rc == PV_OK &&
	     (strcmp(o->id, name) != 0 ||
	      memcmp(o->template_sha256, r->template_sha256, STORE_HASH) != 0)))
		return governance_wrong(LOG_ORDER_OPEN, name,
					"the order is not the one of its entry",
					err);
	if (rc != PV_OK)
		*err = why;
	o->open = rc == PV_OK && r->row.state == STORE_ORDER_OPEN;
	return rc;
}

enum pv_code orders_load(struct store *store, const char *name, struct order *o,
			 struct orders_row *row, struct buf *note,
			 struct err *err)
{
	CLEANUP(reading_release) struct reading r = { .row = { 0 } };
	const struct store_visit v = { .ctx = &r, .fn.order = take_row };
	bool found = false;
	enum pv_code rc;

	memset(o, 0, sizeof(*o));
	buf_init(&r.bytes, ORDER_SIZE_MAX);
	buf_init(&r.note, NOTE_SIZE_MAX);
	rc = store_order_get(store, name, &v, &found, err);
	if (rc == PV_OK && (!found || r.row.state == STORE_ORDER_COUNTED))
		rc = err_fail(err, PV_NOT_FOUND, "order.unknown",
			      "see `provctl order show'",
			      "there is no order %.64s", name);
	if (rc == PV_OK)
		rc = hold_against_log(store, name, &r, err);
	if (rc == PV_OK)
		rc = parse_row(name, &r, o, err);
	if (rc == PV_OK && note) {
		buf_put(note, r.note.data, r.note.len);
		rc = buf_check(note, err);
	}
	if (rc == PV_OK && row)
		*row = r.row;
	return rc;
}

struct looking {
	const struct order *o;
	bool same;
};

static enum pv_code take_state(void *ctx, const struct store_order *row,
			       struct err *err)
{
	struct looking *l = ctx;
	uint8_t hash[32];
	enum pv_code rc = sha256(row->bytes, hash, err);

	l->same = rc == PV_OK && row->state == STORE_ORDER_OPEN &&
		  memcmp(hash, l->o->sha256, sizeof(hash)) == 0;
	return rc;
}

enum pv_code orders_refresh(struct store *store, struct order *o,
			    struct err *err)
{
	struct looking l = { o, false };
	const struct store_visit v = { .ctx = &l, .fn.order = take_state };
	bool found;
	enum pv_code rc = store_order_get(store, o->id, &v, &found, err);

	o->open = rc == PV_OK && l.same;
	return rc;
}

/* ---- opening ---- */

struct opening {
	const struct authority *a;
	struct store *store;
	struct span bytes;
	struct order order;
	struct template *tmpl; /* as adopted */
	struct err *err;
};

static void opening_release(struct opening *p)
{
	template_free(p->tmpl);
}

static enum pv_code take_template(void *ctx, const struct store_template *row,
				  struct err *err)
{
	struct opening *p = ctx;
	enum pv_code rc = logged_template(p->store, row, err);

	return rc == PV_OK ? template_parse(row->bytes, &p->tmpl, NULL, err)
			   : rc;
}

static enum pv_code not_adopted(struct opening *p)
{
	return err_fail(p->err, PV_DENIED, "order.template",
			"see `provctl policy show' for the digest that was "
			"adopted",
			"version %u of template %s with these bytes was not "
			"adopted",
			p->order.version, p->order.template_name);
}

static enum pv_code find_template(struct opening *p)
{
	const struct store_visit v = { .ctx = p, .fn.template = take_template };
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = store_template_digest(p->store, p->order.template_sha256, &v,
				   &why);
	if (rc == PV_NOT_FOUND)
		return not_adopted(p);
	if (rc != PV_OK) {
		*p->err = why;
		return rc;
	}
	if (strcmp(p->tmpl->name, p->order.template_name) != 0 ||
	    p->tmpl->version != p->order.version)
		return not_adopted(p);
	return PV_OK;
}

/* What would deny every device is told before anybody approves it. */
static enum pv_code check_sense(struct opening *p)
{
	const struct order *o = &p->order;
	int64_t now_s = pvtime_now_s();

	if (p->tmpl->ca)
		return err_fail(p->err, PV_DENIED, "template.ca",
				"name a device template",
				"a CA template is used by plan steps only");
	if (o->until_s && now_s >= (int64_t)o->until_s)
		return err_fail(p->err, PV_DENIED, "order.window",
				"give the order a window to come",
				"the order's window is over");
	if (p->tmpl->limits.per_order &&
	    o->quantity > p->tmpl->limits.per_order)
		return err_fail(p->err, PV_DENIED, "limits.per_order",
				"open several orders",
				"the template allows %llu devices an order",
				(unsigned long long)p->tmpl->limits.per_order);
	return PV_OK;
}

/* *existing: these very bytes are open. */
static enum pv_code look_for(struct opening *p, bool *existing)
{
	struct order known;
	struct err why;
	enum pv_code rc;

	*existing = false;
	err_init(&why);
	rc = orders_load(p->store, p->order.id, &known, NULL, NULL, &why);
	if (rc == PV_NOT_FOUND)
		return PV_OK;
	if (rc != PV_OK) {
		*p->err = why;
		return rc;
	}
	if (memcmp(known.sha256, p->order.sha256, 32) != 0)
		return err_fail(p->err, PV_CONFLICT, "store.order",
				"give the order another name",
				"another order has the name %s", known.id);
	if (!known.open)
		return err_fail(p->err, PV_CONFLICT, "order.closed",
				"open another order", "order %s is closed",
				known.id);
	*existing = true;
	return PV_OK;
}

static enum pv_code record(struct opening *p, const struct approvals *got)
{
	const struct order *o = &p->order;
	const struct log_order facts = { .name = o->id,
					 .version = o->version,
					 .hash = o->sha256,
					 .persons = approvals_persons(got),
					 .quantity = o->quantity,
					 .rework = o->rework };
	struct store_order row = { .bytes = p->bytes };
	DECISION d = DECISION_INIT;
	struct log_entry e;
	enum pv_code rc = decision_begin(&d, p->store, got, p->err);

	if (rc != PV_OK)
		return rc;
	snprintf(row.name, sizeof(row.name), "%s", o->id);
	memcpy(row.template_sha256, o->template_sha256, 32);
	log_order_open(&e, &d.who.who, &facts);
	rc = decision_entry(&d, &e, p->err);
	if (rc == PV_OK)
		rc = store_order_open(p->store, &row, buf_span(&d.entry),
				      p->err);
	return rc == PV_OK ? decision_commit(&d, p->err) : rc;
}

static enum pv_code open_new(struct opening *p,
			     const struct approvals_want *from,
			     struct orders_report *report)
{
	CLEANUP(approvals_release) struct approvals got = { .needed = 0 };
	struct approvals_want want = *from;
	char what[ORDER_ID_MAX + 16];
	enum pv_code rc;

	snprintf(what, sizeof(what), "order %s", p->order.id);
	want.op = QUORUM_ORDER;
	want.subject = p->bytes;
	want.what = what;
	want.raised = &p->tmpl->approvals;
	rc = approvals_gate(p->a, p->store, &want, &got, p->err);
	if (rc == PV_OK)
		rc = record(p, &got);
	if (rc == PV_OK)
		snprintf(report->persons, sizeof(report->persons), "%s",
			 got.persons);
	return rc;
}

enum pv_code orders_open(const struct authority *a, struct store *store,
			 struct span bytes, const struct approvals_want *want,
			 struct orders_report *report, struct err *err)
{
	CLEANUP(opening_release)
	struct opening p = {
		.a = a, .store = store, .bytes = bytes, .err = err
	};
	enum pv_code rc = order_parse(bytes, &p.order, err);

	memset(report, 0, sizeof(*report));
	if (rc != PV_OK)
		return rc;
	snprintf(report->name, sizeof(report->name), "%s", p.order.id);
	report->quantity = p.order.quantity;
	report->rework = p.order.rework;
	rc = look_for(&p, &report->existing);
	if (rc == PV_OK && !report->existing)
		rc = find_template(&p);
	if (rc == PV_OK && !report->existing)
		rc = check_sense(&p);
	if (rc == PV_OK && !report->existing)
		rc = open_new(&p, want, report);
	if (rc != PV_OK)
		err_object(err, p.order.id);
	return rc;
}
