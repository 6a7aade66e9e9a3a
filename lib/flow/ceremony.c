#include "lib/flow/ceremony.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/flow/adopt.h"
#include "lib/flow/cacert.h"
#include "lib/flow/checkpoint.h"
#include "lib/flow/event.h"
#include "lib/flow/keymake.h"
#include "lib/flow/officers.h"
#include "lib/flow/settings.h"

CLEANUP_PTR(struct template, template_free);

#define FIRST_GENERATION 1

struct ceremony {
	const struct ceremony_opts *opts;
	struct authority *a;
	struct store *store;
	const struct plan *plan;
	int templates;		    /* folder */
	struct hsm *hsm;	    /* opened by the first step that needs it */
	char object[HSM_LABEL_MAX]; /* what the running step is about */
};

static void ceremony_release(struct ceremony *c)
{
	hsm_close(c->hsm);
	c->hsm = NULL;
	fd_cleanup(&c->templates);
}

/* Login happens once, after a step that initialises has ended its child. */
static enum pv_code need_hsm(struct ceremony *c, struct err *err)
{
	if (c->hsm)
		return PV_OK;
	struct hsm_login login = { .pin = c->opts->pin,
				   .watch = c->opts->watch };

	return c->opts->backends->hsm_open(c->a, &login, &c->hsm, err);
}

static enum pv_code read_template(struct ceremony *c, const char *name,
				  struct buf *bytes, struct err *err)
{
	char file[PLAN_NAME_MAX + 8];

	buf_init(bytes, TEMPLATE_SIZE_MAX);
	if (!name_is_safe(name, strlen(name)))
		return err_fail(err, PV_INPUT, "plan.template", NULL,
				"a template's name that is no plain name");
	snprintf(file, sizeof(file), "%.*s.json", PLAN_NAME_MAX, name);
	return file_read(c->templates, file, FILEIO_NOT_WRITABLE_BY_OTHERS,
			 bytes, err);
}

/* ---- steps ---- */

static enum pv_code run_init_token(struct ceremony *c,
				   const struct plan_step *step,
				   struct err *err)
{
	(void)step;
	snprintf(c->object, sizeof(c->object), "%s", c->a->name);
	if (!c->opts->so_pin)
		return PV_OK;
	return c->opts->backends->token_init(c->a, c->a->name, c->opts->so_pin,
					     c->opts->pin, err);
}

static enum hsm_key_kind key_kind(struct hsm *hsm, enum plan_key key)
{
	switch (key) {
	case PLAN_KEY_P256:
		return HSM_KEY_P256;
	case PLAN_KEY_ED25519:
		return HSM_KEY_ED25519;
	case PLAN_KEY_ED25519_OR_P256:
		return hsm_can(hsm, HSM_KEY_ED25519) ? HSM_KEY_ED25519
						     : HSM_KEY_P256;
	case PLAN_KEY_KDF:
		return HSM_KEY_KDF;
	case PLAN_KEY_STORE:
		return HSM_KEY_STORE;
	}
	return HSM_KEY_P256;
}

static enum pv_code run_generate_key(struct ceremony *c,
				     const struct plan_step *step,
				     struct err *err)
{
	struct authority_key *named = &c->a->keys[c->a->keys_n];
	struct keymake_job job = { .authority = c->a->name,
				   .store = c->store,
				   .purpose = step->purpose,
				   .generation = FIRST_GENERATION };
	struct issue_key key;
	enum pv_code rc;

	if (c->a->keys_n == AUTHORITY_KEYS_MAX)
		return err_fail(err, PV_INPUT, "plan.keys", NULL,
				"more than %d keys", AUTHORITY_KEYS_MAX);
	keymake_label(&job, c->object);
	rc = need_hsm(c, err);
	if (rc != PV_OK)
		return rc;
	job.hsm = c->hsm;
	job.kind = key_kind(c->hsm, step->key);
	rc = keymake(&job, &key, err);
	if (rc != PV_OK)
		return rc;
	snprintf(named->purpose, sizeof(named->purpose), "%.63s",
		 step->purpose);
	snprintf(named->label, sizeof(named->label), "%s", key.label);
	named->generation = FIRST_GENERATION;
	c->a->keys_n++;
	return PV_OK;
}

/* A CA's template is pinned like any other before it is used. */
static enum pv_code make_ca(struct ceremony *c, const struct plan_step *step,
			    const char *issuer, struct err *err)
{
	CLEANUP(cleanup_template_free) struct template *t = NULL;
	CLEANUP(buf_release) struct buf bytes;
	struct cacert_job job = {
		.a = c->a, .store = c->store, .ca = step->ca, .issuer = issuer
	};
	struct adopt_report report;
	char serial[41];
	enum pv_code rc = read_template(c, step->template_name, &bytes, err);

	snprintf(c->object, sizeof(c->object), "%s", step->ca);
	if (rc == PV_OK)
		rc = template_parse(buf_span(&bytes), &t, NULL, err);
	if (rc == PV_OK && !t->ca)
		rc = err_fail(err, PV_INPUT, "plan.template", NULL,
			      "%s is not a template for CAs",
			      step->template_name);
	if (rc == PV_OK)
		rc = adopt_template(c->a, c->store, NULL, buf_span(&bytes),
				    NULL, &report, err);
	if (rc == PV_OK)
		rc = need_hsm(c, err);
	job.tmpl = t;
	job.hsm = c->hsm;
	if (rc == PV_OK)
		rc = cacert_issue(&job, serial, err);
	return rc;
}

static enum pv_code run_self_signed(struct ceremony *c,
				    const struct plan_step *step,
				    struct err *err)
{
	return make_ca(c, step, NULL, err);
}

static enum pv_code run_issue_ca(struct ceremony *c,
				 const struct plan_step *step, struct err *err)
{
	return make_ca(c, step, step->issuer, err);
}

static enum pv_code run_adopt(struct ceremony *c, const struct plan_step *step,
			      struct err *err)
{
	CLEANUP(buf_release) struct buf bytes;
	struct adopt_report report;
	enum pv_code rc = read_template(c, step->template_name, &bytes, err);

	snprintf(c->object, sizeof(c->object), "%s", step->template_name);
	if (rc == PV_OK)
		rc = need_hsm(c, err);
	if (rc == PV_OK)
		rc = adopt_template(c->a, c->store, c->hsm, buf_span(&bytes),
				    NULL, &report, err);
	return rc;
}

/* ---- the table and the loop ---- */

static const struct handler {
	enum plan_kind kind;
	enum pv_code (*run)(struct ceremony *c, const struct plan_step *step,
			    struct err *err);
} handlers[] = {
	{ PLAN_INIT_TOKEN, run_init_token },
	{ PLAN_GENERATE_KEY, run_generate_key },
	{ PLAN_SELF_SIGNED, run_self_signed },
	{ PLAN_ISSUE_CA, run_issue_ca },
	{ PLAN_ADOPT, run_adopt },
};

static const struct handler *find_handler(enum plan_kind kind)
{
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++)
		if (handlers[i].kind == kind)
			return &handlers[i];
	return NULL;
}

static enum pv_code log_step(struct ceremony *c, size_t n, const char *result,
			     struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	struct event_who who;
	struct log_entry e;
	char step[64];
	enum pv_code rc = store_begin(c->store, STORE_WRITE, &txn, err);

	if (rc == PV_OK)
		rc = event_now(c->store, &who, err);
	if (rc != PV_OK)
		return rc;
	snprintf(step, sizeof(step), "%zu %s", n + 1,
		 plan_kind_name(c->plan->steps[n].kind));
	log_ceremony_step(&e, &who.who, c->object[0] ? c->object : "-",
			  c->plan->name, step, result);
	rc = event_append(c->store, &e, err);
	if (rc == PV_OK)
		rc = store_commit(&txn, err);
	return rc;
}

/* What the step is about, for people. */
static void tell(const struct ceremony *c, size_t n)
{
	const struct plan_step *s = &c->plan->steps[n];
	const char *what = s->kind == PLAN_INIT_TOKEN ? c->a->name
			   : s->purpose[0]	      ? s->purpose
			   : s->ca[0]		      ? s->ca
						      : s->template_name;
	char text[2 * PLAN_NAME_MAX];

	if (!c->opts->progress)
		return;
	if (s->kind == PLAN_INIT_TOKEN && !c->opts->so_pin)
		snprintf(text, sizeof(text),
			 "the token is there and left as it is");
	else
		snprintf(text, sizeof(text), "%s %s", plan_kind_name(s->kind),
			 what);
	c->opts->progress(c->opts->progress_ctx, n, c->plan->steps_n, text);
}

static enum pv_code run_step(struct ceremony *c, size_t n, struct err *err)
{
	const struct plan_step *step = &c->plan->steps[n];
	const struct handler *h = find_handler(step->kind);
	enum pv_code rc;

	if (!h)
		return err_fail(err, PV_INTERNAL, NULL, NULL,
				"no handler for a step");
	tell(c, n);
	c->object[0] = '\0';
	rc = h->run(c, step, err);
	if (rc == PV_OK)
		return log_step(c, n, "done", err);
	err_prefix(err, "step %zu, %s %s", n + 1, plan_kind_name(step->kind),
		   c->object);
	struct err second;
	err_init(&second);
	enum pv_code ignored = log_step(c, n, "failed", &second);
	(void)ignored;
	return rc;
}

static enum pv_code set_roster(const struct ceremony *c, struct err *err)
{
	const struct approvals_want want = { .op = QUORUM_ROSTER };
	struct officers_report set;

	if (c->opts->roster.len == 0)
		return PV_OK;
	return officers_set(c->a, c->store, c->opts->roster, &want, &set, err);
}

enum pv_code ceremony_run(const struct ceremony_opts *opts, struct authority *a,
			  struct store *store, const struct plan *plan,
			  struct err *err)
{
	CLEANUP(ceremony_release)
	struct ceremony c = {
		.opts = opts,
		.a = a,
		.store = store,
		.plan = plan,
		.templates = -1,
	};
	enum pv_code rc =
		dir_open(AT_FDCWD, opts->templates_dir, &c.templates, err);

	a->making = true;
	for (size_t i = 0; rc == PV_OK && i < plan->steps_n; i++)
		rc = run_step(&c, i, err);
	if (rc == PV_OK)
		rc = settings_record(a, store, err);
	if (rc == PV_OK)
		rc = set_roster(&c, err);
	if (rc == PV_OK && c.hsm)
		rc = checkpoint_now(a, store, c.hsm, err);
	a->making = false;
	return rc;
}
