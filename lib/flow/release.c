#include "lib/flow/release.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/flow/logged_authority.h"
#include "lib/flow/released.h"
#include "lib/flow/rotate_impl.h"
#include "lib/store/store_device.h"

#define TEMPLATES_MAX 256u
#define LINES_MAX (256u * 1024u * 1024u) /* bytes of a template's requests */

struct class
{ /* devices of one template, in its newest version */
	struct store *store; /* while the requests are written */
	struct template *tmpl;
	struct buf lines;
	uint64_t n;
};

struct release_list {
	struct store *store; /* while the requests are written */
	const struct rotate_sink *sink;
	struct class list[TEMPLATES_MAX];
	size_t n, given;
};

void release_free(struct release_list *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->n; i++) {
		template_free(list->list[i].tmpl);
		buf_release(&list->list[i].lines);
	}
	free(list);
}

static enum pv_code take_template(void *ctx, const struct store_template *row,
				  struct err *err)
{
	struct class *c = ctx;
	enum pv_code rc = logged_template(c->store, row, err);

	return rc == PV_OK ? logged_template_parse(row, &c->tmpl, err) : rc;
}

static enum pv_code find_class(struct release_list *l, const char *name,
			       struct class **c, struct err *err)
{
	struct store_visit v = { .fn.template = take_template };
	enum pv_code rc;

	for (size_t i = 0; i < l->n; i++) {
		*c = &l->list[i];
		if (strcmp((*c)->tmpl->name, name) == 0)
			return PV_OK;
	}
	if (l->n == TEMPLATES_MAX)
		return err_fail(err, PV_INPUT, "rotate.templates", "split it",
				"more than %u templates", TEMPLATES_MAX);
	*c = &l->list[l->n];
	(*c)->store = l->store;
	v.ctx = *c;
	rc = store_template_current(l->store, name, &v, err);
	if (rc != PV_OK)
		return rc;
	buf_init(&(*c)->lines, LINES_MAX);
	l->n++;
	return PV_OK;
}

/* The stage that asks for evidence. */
static enum pv_code find_stage(const struct template *t, const char **stage,
			       struct err *err)
{
	for (size_t k = 0; k < t->stages_n; k++)
		if (t->stages[k].requires_attestation) {
			*stage = template_stage_name(t->stages[k].kind);
			return PV_OK;
		}
	return err_fail(err, PV_DENIED, "release.stage",
			"see `provctl policy show'",
			"no stage of template %s asks for evidence", t->name);
}

static enum pv_code put(struct release_list *l, const struct release_of *of,
			struct err *err)
{
	CLEANUP(released_release) struct released r;
	struct renewal_asked asked = { .parts = NULL };
	struct store_device d;
	struct class *c = NULL;
	enum pv_code rc = rotate_find(l->store, of->device, &d, err);

	released_init(&r);
	if (rc == PV_OK)
		rc = find_class(l, d.s.template_name, &c, err);
	if (rc == PV_OK)
		rc = find_stage(c->tmpl, &asked.release, err);
	if (rc == PV_OK)
		rc = released_evidence(l->store, of->device, asked.release,
				       of->sha256, &r, err);
	if (rc == PV_OK && !r.found)
		rc = err_fail(err, PV_DENIED, "release.evidence",
			      "ask it: `provctl attest challenge', then "
			      "`provctl attest verify'",
			      "the device has shown no evidence that was "
			      "verified");
	asked.evidence = r.x.sha256;
	asked.bound = r.x.seal_spki;
	if (rc == PV_OK)
		rc = renewal_put(l->store, c->tmpl, &d, &asked, &c->lines, err);
	if (rc == PV_OK)
		c->n++;
	return rc;
}

/* One device's failure, or what ends all. */
static enum pv_code take(struct release_list *l, const struct release_of *of,
			 struct err *err)
{
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = put(l, of, &why);
	if (rc == PV_STORAGE || rc == PV_INTERNAL) {
		*err = why;
		return rc;
	}
	return rc == PV_OK
		       ? rc
		       : l->sink->waiting(l->sink->ctx, of->device, &why, err);
}

enum pv_code release_new(const struct authority *a,
			 const struct backends *backends,
			 const struct rotate_sink *sink,
			 const struct release_of *of, size_t n,
			 struct release_list **list, struct err *err)
{
	CLEANUP(cleanup_store_close) struct store *store = NULL;
	struct release_list *l = mem_new(sizeof(*l), err);
	enum pv_code rc =
		l ? backends->store_open(a, false, &store, err) : PV_INTERNAL;

	*list = l;
	if (rc != PV_OK)
		return rc;
	l->store = store;
	l->sink = sink;
	for (size_t i = 0; rc == PV_OK && i < n; i++)
		rc = take(l, &of[i], err);
	l->store = NULL;
	return rc;
}

enum pv_code release_next(struct release_list *l, struct rotate_input *in,
			  struct err *err)
{
	struct class *c;

	in->fd = -1;
	while (l->given < l->n && l->list[l->given].n == 0)
		l->given++;
	if (l->given == l->n)
		return PV_OK;
	c = &l->list[l->given++];
	snprintf(in->template_name, sizeof(in->template_name), "%s",
		 c->tmpl->name);
	in->n = c->n;
	return rotate_file(buf_span(&c->lines), &in->fd, err);
}
