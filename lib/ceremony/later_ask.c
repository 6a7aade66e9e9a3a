/*
 * Later plans: the approvals of steps that are operations of their own, asked
 * for before the first step, so that nobody has to be looked for in the midst
 * of a ceremony. Each step asks once more for itself.
 */
#include <fcntl.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/ceremony/later_impl.h"
#include "lib/ceremony/plantemplate.h"
#include "lib/flow/adopt.h"
#include "lib/flow/cacert.h"
#include "lib/flow/canewest.h"
#include "lib/flow/officers.h"
#include "lib/flow/raised.h"
#include "lib/flow/rotate_ca.h"
#include "lib/flow/rotate_key.h"

CLEANUP_PTR(struct template, template_free);

struct asking {
	const struct later_opts *opts;
	const struct plan *plan;
	const struct approvals_want *want;
	struct span roster; /* that it sets */
	int templates;	    /* folder */
	size_t n;	    /* the step */
};

static const struct plan_step *step_of(const struct asking *x)
{
	return &x->plan->steps[x->n];
}

/* ---- templates ---- */

static enum pv_code note_template(void *ctx, const struct store_template *row,
				  struct err *err)
{
	(void)row;
	(void)err;
	*(bool *)ctx = true;
	return PV_OK;
}

static enum pv_code is_adopted(const struct asking *x, const uint8_t *sha256,
			       bool *adopted, struct err *err)
{
	const struct store_visit v = { .ctx = adopted,
				       .fn.template = note_template };
	struct err why;
	enum pv_code rc;

	*adopted = false;
	err_init(&why);
	rc = store_template_digest(x->opts->store, sha256, &v, &why);
	if (rc == PV_OK || rc == PV_NOT_FOUND)
		return PV_OK;
	*err = why;
	return rc;
}

/* A CA's key: those that its templates are for, and its own, of step own. */
struct about {
	const char *ca; /* NULL: another key, all of them */
	size_t own;
};

/* Adds what the template of step i asks, if that is adopted by then. */
static enum pv_code add_ahead(const struct asking *x, size_t i,
			      const struct about *about,
			      struct tpl_approvals *sum, struct err *err)
{
	CLEANUP(cleanup_template_free) struct template *t = NULL;
	CLEANUP(buf_release) struct buf bytes;
	bool adopted = false;
	enum pv_code rc = plantemplate_read(x->templates, &x->plan->steps[i],
					    &bytes, err);

	if (rc == PV_OK)
		rc = template_parse(buf_span(&bytes), &t, NULL, err);
	if (rc == PV_OK)
		rc = is_adopted(x, t->sha256, &adopted, err);
	if (rc == PV_OK && !adopted &&
	    (!about->ca || i == about->own ||
	     strcmp(t->profile.issuer, about->ca) == 0))
		raised_add(sum, &t->approvals);
	return rc;
}

static enum pv_code sum_ahead(const struct asking *x, const struct about *about,
			      struct tpl_approvals *sum, struct err *err)
{
	enum pv_code rc = PV_OK;

	memset(sum, 0, sizeof(*sum));
	for (size_t i = 0; rc == PV_OK && i <= x->n; i++)
		if (x->plan->steps[i].template_name[0])
			rc = add_ahead(x, i, about, sum, err);
	return rc;
}

static bool is_named_before(const struct asking *x)
{
	for (size_t i = 0; i < x->n; i++)
		if (strcmp(x->plan->steps[i].template_name,
			   step_of(x)->template_name) == 0)
			return true;
	return false;
}

/* The first step that names one adopts it, whatever else it does. */
static enum pv_code ask_template(const struct asking *x, struct err *err)
{
	CLEANUP(buf_release) struct buf bytes;
	bool existing = false;
	enum pv_code rc;

	if (!step_of(x)->template_name[0] || is_named_before(x))
		return PV_OK;
	rc = plantemplate_read(x->templates, step_of(x), &bytes, err);
	return rc == PV_OK ? adopt_template_ask(x->opts->a, x->opts->store,
						buf_span(&bytes), x->want,
						&existing, err)
			   : rc;
}

/* ---- keys and CAs ---- */

/* A CA's key is put to use by its certificate. */
static enum pv_code ask_key(const struct asking *x, struct err *err)
{
	const char *purpose = step_of(x)->purpose;
	const struct about all = { .ca = NULL };
	struct tpl_approvals ahead;
	const struct rotate_key_opts opts = { .purpose = purpose,
					      .step = ROTATE_USE,
					      .first = true,
					      .want = x->want,
					      .ahead = &ahead };
	struct ca_newest newest;
	bool ca;
	enum pv_code rc = ca_newest(x->opts->store, purpose, &newest, err);

	if (rc != PV_OK)
		return rc;
	ca = newest.generation > 0 || plan_makes_ca(x->plan, purpose);
	rc = ca ? PV_OK : sum_ahead(x, &all, &ahead, err);
	return rc == PV_OK && !ca
		       ? rotate_key_ask(x->opts->a, x->opts->store, &opts, err)
		       : rc;
}

/* By the template of step own. */
static enum pv_code ask_ca(const struct asking *x, size_t own, struct err *err)
{
	const struct plan_step *step = step_of(x);
	const struct about about = { step->ca, own };
	struct tpl_approvals ahead;
	const struct rotate_ca_opts opts = {
		.ca = step->ca,
		.first_issuer =
			step->kind == PLAN_SELF_SIGNED ? "self" : step->issuer,
		.active_ms = (uint64_t)step->active_s * 1000,
		.until_s = step->not_after_s,
		.want = x->want,
		.ahead = &ahead,
		.uncrossed = true
	};
	CLEANUP(buf_release) struct buf bytes;
	enum pv_code rc = plantemplate_read(x->templates, &x->plan->steps[own],
					    &bytes, err);

	if (rc == PV_OK)
		rc = sum_ahead(x, &about, &ahead, err);
	return rc == PV_OK ? rotate_ca_ask(x->opts->a, x->opts->store, &opts,
					   buf_span(&bytes), err)
			   : rc;
}

/* The step before that asked for it has the template. */
static enum pv_code ask_import(const struct asking *x, struct err *err)
{
	for (size_t i = 0; i < x->n; i++)
		if (x->plan->steps[i].kind == PLAN_MAKE_CSR &&
		    strcmp(x->plan->steps[i].ca, step_of(x)->ca) == 0)
			return ask_ca(x, i, err);
	return PV_OK;
}

/* Of another authority's CA, whose request is not there yet. */
static enum pv_code ask_sign(const struct asking *x, struct err *err)
{
	const struct plan_step *step = step_of(x);
	const struct about about = { step->ca, x->n };
	CLEANUP(cleanup_template_free) struct template *t = NULL;
	CLEANUP(buf_release) struct buf bytes;
	struct tpl_approvals ahead;
	struct cacert_job job = { .a = x->opts->a,
				  .store = x->opts->store,
				  .ca = step->ca,
				  .issuer = step->issuer,
				  .to = step->from,
				  .until_s = step->not_after_s,
				  .want = x->want,
				  .ahead = &ahead };
	enum pv_code rc = plantemplate_read(x->templates, step, &bytes, err);

	if (rc == PV_OK)
		rc = template_parse(buf_span(&bytes), &t, NULL, err);
	if (rc == PV_OK)
		rc = sum_ahead(x, &about, &ahead, err);
	job.tmpl = t;
	return rc == PV_OK ? cacert_ask(&job, err) : rc;
}

static enum pv_code ask_own(const struct asking *x, struct err *err)
{
	switch (step_of(x)->kind) {
	case PLAN_GENERATE_KEY:
		return ask_key(x, err);
	case PLAN_SELF_SIGNED:
	case PLAN_ISSUE_CA:
		return ask_ca(x, x->n, err);
	case PLAN_IMPORT_CA:
		return ask_import(x, err);
	case PLAN_SET_ROSTER:
		return officers_ask(x->opts->a, x->opts->store, x->roster,
				    x->want, err);
	case PLAN_SIGN_CSR:
		return ask_sign(x, err);
	default:
		return PV_OK;
	}
}

/* All requests are written before it is said that people are waited for. */
static enum pv_code ask(const struct asking *x,
			enum pv_code (*one)(const struct asking *x,
					    struct err *err),
			size_t *waiting, struct err *err)
{
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = one(x, &why);
	if (rc == PV_OK)
		return PV_OK;
	err_prefix(&why, "step %zu, %s", x->n + 1,
		   plan_kind_name(step_of(x)->kind));
	if (rc != PV_WAITING || (*waiting)++ == 0)
		*err = why;
	return rc == PV_WAITING ? PV_OK : rc;
}

enum pv_code later_ask(const struct later_opts *opts, const struct plan *plan,
		       struct span roster, const struct approvals_want *want,
		       size_t *waiting, struct err *err)
{
	CLEANUP(fd_cleanup) int templates = -1;
	struct asking x = {
		.opts = opts, .plan = plan, .want = want, .roster = roster
	};
	enum pv_code rc =
		dir_open(AT_FDCWD, opts->templates_dir, &templates, err);

	x.templates = templates;
	for (; rc == PV_OK && x.n < plan->steps_n; x.n++) {
		rc = ask(&x, ask_template, waiting, err);
		if (rc == PV_OK)
			rc = ask(&x, ask_own, waiting, err);
	}
	return rc;
}
