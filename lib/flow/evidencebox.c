#include "lib/flow/evidencebox.h"

#include <stdio.h>
#include <string.h>

#include "lib/flow/evidencebox_impl.h"

bool verdict_passed(const struct verdict *v, const char *rule)
{
	bool made = false;

	for (size_t i = 0; i < v->n; i++) {
		if (strcmp(v->list[i].rule, rule) != 0)
			continue;
		if (!v->list[i].passed)
			return false;
		made = true;
	}
	return made;
}

void verdict_add(struct verdict *v, const char *rule, bool passed,
		 const char *expected, const char *found)
{
	struct verdict_check *c;

	if (v->n == EVIDENCE_CHECKS_MAX)
		return;
	c = &v->list[v->n++];
	c->passed = passed;
	snprintf(c->rule, sizeof(c->rule), "%s", rule);
	snprintf(c->expected, sizeof(c->expected), "%s", expected);
	snprintf(c->found, sizeof(c->found), "%s", found);
}

static const struct box_work evidence_work = {
	.tasks = { { WIRE_EVIDENCE, box_answer_evidence },
		   { WIRE_OFFER, box_answer_offer } },
	.rule = "evidence.box",
	.does = "verifies evidence",
	.what = "the evidence",
	.blame = "evidence.parser",
	.next = "keep it and tell us: it is in quarantine",
};

enum pv_code evidencebox_start(struct evidencebox *b, struct err *err)
{
	b->keeper.work = &evidence_work;
	return box_keeper_start(&b->keeper, err);
}

void evidencebox_stop(struct evidencebox *b)
{
	box_keeper_stop(&b->keeper);
}

/* ---- evidence ---- */

struct asked {
	struct span bytes;
	const struct evidence_want *want;
};

static enum pv_code put_asked(struct wire *w, const void *question,
			      struct err *err)
{
	const struct asked *q = question;

	return box_put_question(w, q->bytes, q->want, err);
}

static enum pv_code get_verdict(struct wire_rec *rec, int secrets, void *answer,
				struct err *err)
{
	(void)secrets;
	return box_get_verdict(rec, answer, err);
}

static void set_verdict(struct verdict *v)
{
	memset(v, 0, sizeof(*v));
	err_init(&v->why);
}

static void refuse(struct verdict *v, const struct box_blame *to)
{
	if (!to->found)
		return;
	memset(v, 0, sizeof(*v));
	v->why = to->why;
	verdict_add(v, "evidence.parser", false, "a verdict", to->found);
}

enum pv_code box_ask(struct evidencebox *b, struct box *x, struct span bytes,
		     const struct evidence_want *want, struct verdict *v,
		     struct err *err)
{
	const struct asked q = { bytes, want };
	const struct box_talk t = { put_asked, get_verdict, &q, v,
				    want->mac_key };
	struct box_blame to = { .found = NULL };
	enum pv_code rc;

	set_verdict(v);
	rc = x ? box_talk(&b->keeper, x, &t, &to, err)
	       : box_ask_one(&b->keeper, &t, &to, err);
	if (rc == PV_OK)
		refuse(v, &to);
	return rc;
}

enum pv_code evidencebox_verify(struct evidencebox *b, struct span bytes,
				const struct evidence_want *want,
				struct verdict *v, struct err *err)
{
	return box_ask(b, NULL, bytes, want, v, err);
}

static enum pv_code get_made(struct wire_rec *rec, int secrets, void *answer,
			     struct err *err)
{
	(void)secrets;
	return box_get_offer(rec, answer, err);
}

enum pv_code evidencebox_offer(struct evidencebox *b,
			       const struct offer_want *want,
			       struct offer_made *made, struct err *err)
{
	const struct box_talk t = { box_put_offer, get_made, want, made,
				    want->secret };
	struct box_blame to = { .found = NULL };
	enum pv_code rc;

	memset(made, 0, sizeof(*made));
	err_init(&made->why);
	rc = box_ask_one(&b->keeper, &t, &to, err);
	if (rc != PV_OK || !to.found)
		return rc;
	memset(made, 0, sizeof(*made));
	made->why = to.why;
	return PV_OK;
}
