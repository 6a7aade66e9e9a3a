/*
 * Later plans: the approvals of steps that are operations of their own, asked
 * for before the first step, so that nobody has to be looked for in the midst
 * of a ceremony. Each step asks once more for itself.
 */
#include <fcntl.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/flow/later_impl.h"
#include "lib/flow/plantemplate.h"
#include "lib/flow/rotate_ca.h"
#include "lib/flow/rotate_key.h"

CLEANUP_PTR(struct template, template_free);

struct asking {
	const struct later_opts *opts;
	const struct approvals_want *want;
	int templates; /* folder */
};

static enum pv_code note_ca(void *ctx, const struct store_ca *ca,
			    struct err *err)
{
	(void)ca;
	(void)err;
	*(bool *)ctx = true;
	return PV_OK;
}

/* A CA's key is put to use by its certificate. */
static enum pv_code ask_key(const struct asking *x,
			    const struct plan_step *step, struct err *err)
{
	const struct rotate_key_opts opts = { .purpose = step->purpose,
					      .step = ROTATE_USE,
					      .want = x->want };
	bool ca = false;
	const struct store_visit v = { .ctx = &ca, .fn.ca = note_ca };
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = store_ca_each(x->opts->store, step->purpose, &v, &why);
	if (rc != PV_OK && rc != PV_NOT_FOUND) {
		*err = why;
		return rc;
	}
	return ca ? PV_OK
		  : rotate_key_ask(x->opts->a, x->opts->store, &opts, err);
}

static enum pv_code note_template(void *ctx, const struct store_template *row,
				  struct err *err)
{
	(void)row;
	(void)err;
	*(bool *)ctx = true;
	return PV_OK;
}

/* One that is not adopted yet has its own approvals, and then these. */
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

static enum pv_code ask_ca(const struct asking *x, const struct plan_step *step,
			   struct err *err)
{
	const struct rotate_ca_opts opts = {
		.ca = step->ca,
		.active_ms = (uint64_t)step->active_s * 1000,
		.want = x->want
	};
	CLEANUP(cleanup_template_free) struct template *t = NULL;
	CLEANUP(buf_release) struct buf bytes;
	bool adopted = false;
	enum pv_code rc = plantemplate_read(x->templates, step, &bytes, err);
	if (rc == PV_OK)
		rc = template_parse(buf_span(&bytes), &t, NULL, err);
	if (rc == PV_OK)
		rc = is_adopted(x, t->sha256, &adopted, err);
	return rc == PV_OK && adopted
		       ? rotate_ca_ask(x->opts->a, x->opts->store, &opts,
				       buf_span(&bytes), err)
		       : rc;
}

static enum pv_code ask_step(const struct asking *x,
			     const struct plan_step *step, struct err *err)
{
	switch (step->kind) {
	case PLAN_GENERATE_KEY:
		return ask_key(x, step, err);
	case PLAN_SELF_SIGNED:
	case PLAN_ISSUE_CA:
		return ask_ca(x, step, err);
	default:
		return PV_OK;
	}
}

/* All requests are written before it is said that people are waited for. */
enum pv_code later_ask(const struct later_opts *opts, const struct plan *plan,
		       const struct approvals_want *want, size_t *waiting,
		       struct err *err)
{
	CLEANUP(fd_cleanup) int templates = -1;
	struct asking x = { opts, want, -1 };
	enum pv_code rc =
		dir_open(AT_FDCWD, opts->templates_dir, &templates, err);

	x.templates = templates;
	for (size_t i = 0; rc == PV_OK && i < plan->steps_n; i++) {
		struct err why;

		err_init(&why);
		rc = ask_step(&x, &plan->steps[i], &why);
		if (rc == PV_OK)
			continue;
		err_prefix(&why, "step %zu, %s", i + 1,
			   plan_kind_name(plan->steps[i].kind));
		if (rc != PV_WAITING || (*waiting)++ == 0)
			*err = why;
		if (rc == PV_WAITING)
			rc = PV_OK;
	}
	return rc;
}
