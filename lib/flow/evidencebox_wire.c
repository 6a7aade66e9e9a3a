/* Questions to the box, and its verdicts. */
#include <string.h>

#include "lib/base/fileio.h"
#include "lib/base/notechars.h"
#include "lib/flow/evidencebox_impl.h"

/* ---- questions ---- */

enum pv_code box_put_question(struct wire *w, struct span bytes,
			      const struct evidence_want *want, struct err *err)
{
	size_t mark;

	if (want->anchors_n > BOX_LIST_MAX || want->crls_n > BOX_LIST_MAX ||
	    want->reference_n > BOX_LIST_MAX ||
	    want->lifecycle_n > BOX_LIST_MAX ||
	    (want->mac_key && want->mac_key->len > BOX_MAC_MAX))
		return err_fail(err, PV_INTERNAL, "evidence.box", NULL,
				"more is expected of evidence than fits");
	mark = wire_begin(w, WIRE_EVIDENCE);
	wire_put_u64(w, want->format);
	wire_put_bytes(w, want->a, sizeof(want->a));
	wire_put_str(w, want->device);
	wire_put_span(w, want->key);
	wire_put_u64(w, want->mac_key ? want->mac_key->len : 0);
	wire_put_span(w, want->instance);
	wire_put_u64(w, want->anchors_n);
	for (size_t i = 0; i < want->anchors_n; i++)
		wire_put_span(w, want->anchors[i]);
	wire_put_u64(w, want->crls_n);
	for (size_t i = 0; i < want->crls_n; i++)
		wire_put_span(w, want->crls[i]);
	wire_put_u64(w, want->reference_n);
	for (size_t i = 0; i < want->reference_n; i++) {
		wire_put_str(w, want->reference[i].component);
		wire_put_bytes(w, want->reference[i].digest, 32);
	}
	wire_put_u64(w, want->lifecycle_n);
	for (size_t i = 0; i < want->lifecycle_n; i++)
		wire_put_str(w, want->lifecycle[i]);
	wire_put_u64(w, want->min_svn);
	wire_put_u64(w, want->now_s);
	wire_put_span(w, bytes);
	wire_end(w, mark);
	return buf_check(&w->out, err);
}

static size_t get_count(struct wire_rec *rec)
{
	uint64_t n = wire_get_u64(rec);

	rec->bad |= n > BOX_LIST_MAX;
	return rec->bad ? 0 : (size_t)n;
}

static void get_lists(struct wire_rec *rec, struct box_question *q)
{
	struct evidence_want *want = &q->want;
	size_t name = 0;

	want->anchors_n = get_count(rec);
	for (size_t i = 0; i < want->anchors_n; i++)
		q->anchors[i] = wire_get_span(rec);
	want->crls_n = get_count(rec);
	for (size_t i = 0; i < want->crls_n; i++)
		q->crls[i] = wire_get_span(rec);
	want->reference_n = get_count(rec);
	for (size_t i = 0; i < want->reference_n; i++, name++) {
		wire_get_str(rec, q->names[name], sizeof(q->names[name]));
		q->reference[i].component = q->names[name];
		wire_get_bytes(rec, q->reference[i].digest, 32);
	}
	want->lifecycle_n = get_count(rec);
	for (size_t i = 0; i < want->lifecycle_n; i++, name++) {
		wire_get_str(rec, q->names[name], sizeof(q->names[name]));
		q->lifecycle[i] = q->names[name];
	}
}

enum pv_code box_get_question(struct wire_rec *rec, struct box_question *q,
			      struct err *err)
{
	struct evidence_want *want = &q->want;

	memset(q, 0, sizeof(*q));
	want->format = (enum evidence_format)wire_get_u64(rec);
	wire_get_bytes(rec, want->a, sizeof(want->a));
	wire_get_str(rec, q->device, sizeof(q->device));
	want->key = wire_get_span(rec);
	q->mac_len = wire_get_u64(rec);
	want->instance = wire_get_span(rec);
	get_lists(rec, q);
	want->min_svn = (uint32_t)wire_get_u64(rec);
	want->now_s = wire_get_u64(rec);
	q->bytes = wire_get_span(rec);
	want->device = q->device;
	want->anchors = q->anchors;
	want->crls = q->crls;
	want->reference = q->reference;
	want->lifecycle = q->lifecycle;
	rec->bad |= q->mac_len > BOX_MAC_MAX;
	return wire_done(rec, err);
}

/* ---- verdicts ---- */

void box_put_verdict(struct wire *w, const struct err *why,
		     const struct evidence_report *report,
		     const struct evidence_claimed *claimed)
{
	size_t mark = wire_begin(w, WIRE_VERDICT);

	wire_put_err(w, why);
	wire_put_u64(w, report->n);
	for (size_t i = 0; i < report->n; i++) {
		const struct evidence_check *c = &report->list[i];

		wire_put_str(w, c->rule);
		wire_put_u64(w, c->passed);
		wire_put_str(w, c->expected);
		wire_put_str(w, c->found);
	}
	wire_put_u64(w, claimed->n);
	for (size_t i = 0; i < claimed->n; i++)
		wire_put_bytes(w, claimed->id[i], sizeof(claimed->id[i]));
	wire_end(w, mark);
}

static void get_clean(struct wire_rec *rec, char *out, size_t cap)
{
	char raw[512] = "";

	wire_get_str(rec, raw, sizeof(raw));
	(void)notechars_clean(
		out, cap, (struct span){ (const uint8_t *)raw, strlen(raw) });
}

static bool is_rule(const char *s)
{
	return strncmp(s, "evidence.", 9) == 0 &&
	       s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789.-_")] == '\0';
}

/* A verdict, or that it could not be made; all passed exactly when it says so.
 */
static bool believable(const struct verdict *v)
{
	bool passed = v->n > 0;

	for (size_t i = 0; i < v->n; i++) {
		passed = passed && v->list[i].passed;
		if (!is_rule(v->list[i].rule))
			return false;
	}
	switch (v->why.code) {
	case PV_OK:
		return passed;
	case PV_INPUT:
	case PV_INTEGRITY:
	case PV_DENIED:
		return is_rule(v->why.rule);
	default:
		return false;
	}
}

static void get_claimed(struct wire_rec *rec, struct evidence_claimed *c)
{
	uint64_t n = wire_get_u64(rec);

	rec->bad |= n > EVIDENCE_CLAIMED_MAX;
	for (c->n = 0; !rec->bad && c->n < n; c->n++)
		wire_get_bytes(rec, c->id[c->n], sizeof(c->id[c->n]));
}

enum pv_code box_get_verdict(struct wire_rec *rec, struct verdict *v,
			     struct err *err)
{
	uint64_t n;

	memset(v, 0, sizeof(*v));
	wire_get_err(rec, &v->why);
	n = wire_get_u64(rec);
	rec->bad |= n > EVIDENCE_CHECKS_MAX || rec->type != WIRE_VERDICT;
	for (v->n = 0; !rec->bad && v->n < n; v->n++) {
		struct verdict_check *c = &v->list[v->n];

		wire_get_str(rec, c->rule, sizeof(c->rule));
		c->passed = wire_get_u64(rec) == 1;
		get_clean(rec, c->expected, sizeof(c->expected));
		get_clean(rec, c->found, sizeof(c->found));
	}
	get_claimed(rec, &v->claimed);
	if (wire_done(rec, NULL) != PV_OK || !believable(v))
		return err_fail(err, PV_INPUT, "evidence.parser",
				"keep it and tell us: it is in quarantine",
				"the evidence makes the process that takes it "
				"apart say what it cannot");
	return PV_OK;
}

/* ---- in the box ---- */

/* Refused, and it could be because another device made it. */
static bool is_anothers(const struct err *why)
{
	return strcmp(why->rule, "evidence.signature") == 0 ||
	       strcmp(why->rule, "evidence.identity") == 0;
}

enum pv_code box_answer_evidence(struct wire *w, int keys, struct wire_rec *rec,
				 struct err *err)
{
	struct box_question q;
	struct evidence_report report = { .n = 0 };
	struct evidence_claimed claimed = { .n = 0 };
	SECRET mac = SECRET_INIT;
	struct err why;
	enum pv_code rc = box_get_question(rec, &q, err);

	if (rc == PV_OK && q.mac_len > 0)
		rc = secret_alloc(&mac, (size_t)q.mac_len, err);
	if (rc == PV_OK && q.mac_len > 0)
		rc = fd_read_all(keys, mac.data, mac.len, err);
	if (rc != PV_OK)
		return rc;
	q.want.mac_key = q.mac_len > 0 ? &mac : NULL;
	err_init(&why);
	if (evidence_verify(q.bytes, &q.want, &report, &why) == PV_OK)
		err_init(&why);
	if (why.code == PV_INTERNAL)
		return why.code; /* it has no answer */
	if (is_anothers(&why))
		evidence_claimed(q.want.format, q.bytes, &claimed);
	box_put_verdict(w, &why, &report, &claimed);
	return wire_flush(w, err);
}
