/* rotate: the walk over what is due. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/pvtime.h"
#include "lib/flow/logged_authority.h"
#include "lib/flow/released.h"
#include "lib/flow/rotate_impl.h"
#include "lib/store/store_device.h"
#include "lib/store/store_renew.h"
#include "policy/decide.h"

#define TEMPLATES_MAX 256u
#define LINES_MAX (64u * 1024u * 1024u) /* bytes of a round's requests */
#define STALE_MAX 1024u /* taken off the list in one transaction */

struct class
{ /* the newest version of a template, and its due devices */
	struct template *tmpl;
	struct buf lines;
	uint64_t n;
};

struct rotate_due {
	const struct authority *a;
	const struct backends *backends;
	const struct rotate_sink *sink;
	struct class list[TEMPLATES_MAX];
	size_t n, given; /* classes; those given out in this round */
	int64_t now_s, until_s;
	struct store_ending after; /* the last one looked at */
	uint64_t round;		   /* devices looked at in it */
	bool ended;
	struct store *store; /* of the round */
	struct store_ending stale[STALE_MAX];
	size_t stale_n;
};

void rotate_due_free(struct rotate_due *due)
{
	if (!due)
		return;
	for (size_t i = 0; i < due->n; i++) {
		template_free(due->list[i].tmpl);
		buf_release(&due->list[i].lines);
	}
	free(due);
}

static struct class *find_class(struct rotate_due *due, const char *name)
{
	for (size_t i = 0; i < due->n; i++)
		if (strcmp(due->list[i].tmpl->name, name) == 0)
			return &due->list[i];
	return NULL;
}

/* By name and version: a later one takes the place of the one before. */
static enum pv_code take_template(void *ctx, const struct store_template *row,
				  struct err *err)
{
	struct rotate_due *due = ctx;
	struct class *c = find_class(due, row->name);
	struct template *t = NULL;
	enum pv_code rc = logged_template(due->store, row, err);

	if (rc == PV_OK)
		rc = logged_template_parse(row, &t, err);
	if (rc != PV_OK)
		return rc;
	if (!c && due->n == TEMPLATES_MAX) {
		template_free(t);
		return err_fail(err, PV_INPUT, "rotate.templates", NULL,
				"more than %u templates", TEMPLATES_MAX);
	}
	if (!c) {
		c = &due->list[due->n++];
		buf_init(&c->lines, LINES_MAX);
	}
	template_free(c->tmpl);
	c->tmpl = t;
	return PV_OK;
}

enum pv_code rotate_due_new(const struct authority *a,
			    const struct backends *backends,
			    const struct rotate_sink *sink,
			    struct rotate_due **out, struct err *err)
{
	CLEANUP(cleanup_store_close) struct store *store = NULL;
	struct rotate_due *due = mem_new(sizeof(*due), err);
	struct store_visit v = { .ctx = due, .fn.template = take_template };
	enum pv_code rc =
		due ? backends->store_open(a, false, &store, err) : PV_INTERNAL;

	*out = due;
	if (rc != PV_OK)
		return rc;
	due->store = store;
	rc = store_template_each(store, &v, err);
	due->store = NULL;
	if (rc != PV_OK)
		return rc;
	due->a = a;
	due->backends = backends;
	due->sink = sink;
	due->now_s = due->until_s = pvtime_now_s();
	for (size_t i = 0; i < due->n; i++) {
		const struct tpl_rotation *r = &due->list[i].tmpl->rotation;
		int64_t until = due->now_s + (int64_t)r->renew_before_s;

		if (r->present && until > due->until_s)
			due->until_s = until;
	}
	return PV_OK;
}

/* ---- one credential that ends ---- */

static enum pv_code forget(struct rotate_due *due, const struct store_ending *e)
{
	if (due->stale_n < STALE_MAX)
		due->stale[due->stale_n++] = *e;
	return PV_OK;
}

/* What the device has now: that very credential, or the open intent of the one
 * that is to take its place; else there is nothing to do about its end. */
static enum pv_code find_current(struct rotate_due *due,
				 const struct store_ending *e,
				 struct store_device *d, bool *wanted,
				 struct err *err)
{
	struct store_device ends;
	bool found = false;
	enum pv_code rc =
		store_number_get(due->store, e->number, &ends, &found, err);

	*wanted = false;
	if (rc == PV_OK && found)
		rc = store_device_get(due->store, ends.s.device, d, &found,
				      err);
	if (rc != PV_OK || !found)
		return rc;
	*wanted = (d->s.number == e->number && d->state == STORE_ISSUED) ||
		  (d->s.replaces == e->number && d->state == STORE_RESERVED);
	/* A hold may be lifted; its end is looked at again next time. */
	if (!*wanted && d->s.number == e->number && d->state == STORE_SUSPENDED)
		return PV_OK;
	return *wanted ? logged_device(due->store, d, err) : forget(due, e);
}

/* A template that asks for evidence of now: has the device shown any since it
 * got the credential that it has? */
static enum pv_code check_fresh(struct rotate_due *due,
				const struct template *t,
				const struct store_device *d, struct err *err)
{
	CLEANUP(released_release) struct released r;
	const char *stage = NULL;
	enum pv_code rc;

	for (size_t k = 0; k < t->stages_n; k++)
		if (t->stages[k].requires_attestation)
			stage = template_stage_name(t->stages[k].kind);
	released_init(&r);
	if (!t->rotation.fresh_evidence || !stage)
		return PV_OK;
	rc = released_evidence(due->store, d->s.device, stage, NULL, &r, err);
	if (rc != PV_OK || (r.found && r.x.log_index > d->intent_index &&
			    policy_evidence_fresh(t, r.x.verified_ms,
						  (uint64_t)due->now_s * 1000)))
		return rc;
	return err_fail(err, PV_DENIED, "rotate.evidence",
			"ask the device: `provctl attest challenge', then "
			"`provctl attest verify'",
			"the template asks for fresh evidence, and the device "
			"has shown none");
}

static enum pv_code put(struct rotate_due *due, struct class *c,
			const struct store_device *d, struct err *err)
{
	const struct renewal_asked nothing = { .parts = NULL };
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = check_fresh(due, c->tmpl, d, &why);
	if (rc == PV_OK)
		rc = renewal_put(due->store, c->tmpl, d, &nothing, &c->lines,
				 &why);
	if (rc == PV_OK)
		c->n++;
	if (rc == PV_DENIED || rc == PV_INTEGRITY)
		return due->sink->waiting(due->sink->ctx, d->s.device, &why,
					  err);
	if (rc != PV_OK)
		*err = why;
	return rc;
}

static enum pv_code take_ending(void *ctx, const struct store_ending *e,
				struct err *err)
{
	struct rotate_due *due = ctx;
	struct store_device d;
	struct class *c;
	struct err why;
	bool wanted;
	enum pv_code rc;

	due->after = *e;
	due->round++;
	err_init(&why);
	rc = find_current(due, e, &d, &wanted, &why);
	/* One damaged row is its device's failure. */
	if (rc == PV_INTEGRITY)
		return due->sink->waiting(due->sink->ctx,
					  why.object[0] ? why.object : "-",
					  &why, err);
	if (rc != PV_OK)
		*err = why;
	if (rc != PV_OK || !wanted)
		return rc;
	c = find_class(due, d.s.template_name);
	if (!c || !c->tmpl->rotation.present ||
	    e->end_s > due->now_s + (int64_t)c->tmpl->rotation.renew_before_s)
		return PV_OK;
	return put(due, c, &d, err);
}

static enum pv_code drop_stale(struct rotate_due *due, struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	enum pv_code rc;

	if (due->stale_n == 0)
		return PV_OK;
	rc = store_begin(due->store, STORE_WRITE, &txn, err);
	for (size_t i = 0; rc == PV_OK && i < due->stale_n; i++)
		rc = store_ending_drop(due->store, due->stale[i].number,
				       due->stale[i].end_s, err);
	due->stale_n = 0;
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}

/* Looks on from where the last round ended. */
static enum pv_code look(struct rotate_due *due, struct err *err)
{
	CLEANUP(cleanup_store_close) struct store *store = NULL;
	struct store_visit v = { .ctx = due, .fn.ending = take_ending };
	struct store_ending after = due->after;
	enum pv_code rc = due->backends->store_open(due->a, false, &store, err);

	due->store = store;
	due->round = 0;
	due->given = 0;
	if (rc == PV_OK)
		rc = store_ending_each(store, &after, due->until_s,
				       ROTATE_ROUND, &v, err);
	due->ended = due->round < ROTATE_ROUND;
	if (rc == PV_OK)
		rc = drop_stale(due, err);
	due->store = NULL;
	return rc;
}

/* The next class of this round that has something. */
static struct class *next_class(struct rotate_due *due)
{
	while (due->given < due->n) {
		struct class *c = &due->list[due->given++];

		if (c->n > 0)
			return c;
	}
	return NULL;
}

enum pv_code rotate_due_next(struct rotate_due *due, struct rotate_input *in,
			     struct err *err)
{
	struct class *c = next_class(due);
	enum pv_code rc = PV_OK;

	in->fd = -1;
	while (rc == PV_OK && !c && !due->ended) {
		rc = look(due, err);
		if (rc == PV_OK)
			c = next_class(due);
	}
	if (rc != PV_OK || !c)
		return rc;
	memcpy(in->template_name, c->tmpl->name, strlen(c->tmpl->name) + 1);
	in->n = c->n;
	rc = rotate_file(buf_span(&c->lines), &in->fd, err);
	buf_reset(&c->lines);
	c->n = 0;
	return rc;
}
