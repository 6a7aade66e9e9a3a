/* The next generations of an authority that is there, and the certificates
 * between two of them. */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/ceremony/ceremony_cas.h"
#include "lib/ceremony/ceremony_kinds.h"
#include "lib/flow/cachain.h"
#include "lib/flow/keymake.h"
#include "lib/flow/logged_authority.h"
#include "lib/flow/ownkey.h"
#include "lib/flow/rotate_ca_cross.h"
#include "lib/flow/rotate_key.h"

CLEANUP_PTR(struct template, template_free);

#define FILE_NAME_MAX (PLAN_NAME_MAX + 32)

/* ---- keys ---- */

/* The one in use: a CA's certified one, else as provctl.json has it. */
static enum pv_code in_use(struct ceremony *c, const char *purpose, bool *ca,
			   uint32_t *generation, struct err *err)
{
	const struct authority_key *named = NULL;
	enum pv_code rc = ceremony_newest_ca(c, purpose, generation, err);

	*ca = *generation > 0 || plan_makes_ca(c->plan, purpose);
	if (rc == PV_OK && !*ca &&
	    authority_key(c->a, purpose, &named, NULL) == PV_OK)
		*generation = named->generation;
	return rc;
}

static enum pv_code too_many(size_t n, struct err *err)
{
	return err_fail(err, PV_DENIED, "rotate.keys",
			"go on with a new authority",
			"there are %zu keys: an authority holds no more", n);
}

/* A CA's key, which a certificate puts to use; recorded before that. */
static enum pv_code prepare_ca_key(struct ceremony *c,
				   const struct keymake_job *job,
				   struct issue_key *key, struct err *err)
{
	struct keymake_known known;
	enum pv_code rc = keymake_known(c->store, job->purpose, &known, err);

	if (rc == PV_OK && known.generation >= job->generation) {
		rc = ownkey_load(c->store, c->object, key, err);
		return rc == PV_OK ? keymake_is_kind(key, job->kind, err) : rc;
	}
	if (rc == PV_OK && known.all >= CONTEXT_OWN_KEYS_MAX - 2)
		rc = too_many(known.all, err);
	return rc == PV_OK ? keymake(job, key, err) : rc;
}

/* A first one of its purpose is what the plan says, any other what the one
 * before is; the plan says which may be backed up. */
static enum pv_code kind_of(struct ceremony *c, const struct plan_step *step,
			    enum hsm_key_kind *kind, struct err *err)
{
	const struct authority_key *named = NULL;
	struct issue_key key;
	enum pv_code rc;

	*kind = ceremony_key_kind(c->hsm, step);
	if (authority_key(c->a, step->purpose, &named, NULL) != PV_OK)
		return PV_OK;
	rc = ownkey_load(c->store, named->label, &key, err);
	if (rc == PV_OK && hsm_is_p256(key.kind))
		*kind = step->backup ? HSM_KEY_P256_BACKUP : HSM_KEY_P256;
	else if (rc == PV_OK)
		*kind = key.kind;
	return rc;
}

enum pv_code ceremony_waiting_key(struct ceremony *c, const char *ca,
				  struct issue_key *key, struct err *err)
{
	struct keymake_known known;
	uint32_t generation = 0;
	enum pv_code rc = ceremony_newest_ca(c, ca, &generation, err);

	if (rc == PV_OK)
		rc = keymake_known(c->store, ca, &known, err);
	if (rc == PV_OK && known.generation != generation + 1)
		rc = err_fail(err, PV_CONFLICT, "rotate.key",
			      "generate it in a step before",
			      "%s has no key of generation %u", ca,
			      generation + 1);
	if (rc == PV_OK)
		*key = known.newest;
	return rc;
}

/* Made and put to use, or found so. */
static enum pv_code rotate_own_key(struct ceremony *c,
				   const struct keymake_job *job, uint32_t now,
				   struct issue_key *key, struct err *err)
{
	const struct rotate_key_opts opts = { .purpose = job->purpose,
					      .step = ROTATE_USE,
					      .want = c->opts->want,
					      .first = true,
					      .kind = &job->kind };
	struct rotate_key_report report;
	enum pv_code rc = PV_OK;

	if (now < job->generation)
		rc = rotate_key(c->a, c->store, c->hsm, &opts, &report, err);
	if (rc == PV_OK)
		rc = ownkey_load(c->store, c->object, key, err);
	return rc == PV_OK ? keymake_is_kind(key, job->kind, err) : rc;
}

enum pv_code ceremony_next_key(struct ceremony *c, const struct plan_step *step,
			       struct err *err)
{
	struct keymake_job job = { .authority = c->a->name,
				   .store = c->store,
				   .purpose = step->purpose };
	struct issue_key key;
	uint32_t now = 0;
	bool ca = false;
	enum pv_code rc = in_use(c, step->purpose, &ca, &now, err);

	job.generation = c->target[c->n] ? (unsigned)c->target[c->n] : now + 1;
	keymake_label(&job, c->object);
	if (rc == PV_OK)
		rc = ceremony_target(c, c->object, job.generation, err);
	if (rc == PV_OK)
		rc = ceremony_login(c, err);
	job.hsm = c->hsm;
	if (rc == PV_OK)
		rc = kind_of(c, step, &job.kind, err);
	if (rc == PV_OK)
		rc = ca ? prepare_ca_key(c, &job, &key, err)
			: rotate_own_key(c, &job, now, &key, err);
	return rc == PV_OK ? ceremony_tell_key(c, &key, err) : rc;
}

enum pv_code ceremony_key_of(struct ceremony *c, const char *purpose,
			     struct authority_key *key, struct err *err)
{
	struct keymake_job job = { .authority = c->a->name,
				   .purpose = purpose };
	const struct authority_key *named = NULL;
	enum pv_code rc;

	for (size_t i = 0; i < c->n; i++)
		if (c->plan->steps[i].kind == PLAN_GENERATE_KEY &&
		    strcmp(c->plan->steps[i].purpose, purpose) == 0)
			job.generation = (unsigned)c->target[i];
		else if (c->opts->later &&
			 c->plan->steps[i].kind == PLAN_TAKE_KEY &&
			 strcmp(c->plan->steps[i].purpose, purpose) == 0)
			job.generation = KEYMAKE_FIRST;
	if (job.generation == 0) {
		rc = authority_key(c->a, purpose, &named, err);
		if (rc == PV_OK)
			*key = *named;
		return rc;
	}
	memset(key, 0, sizeof(*key));
	snprintf(key->purpose, sizeof(key->purpose), "%.63s", purpose);
	keymake_label(&job, key->label);
	key->generation = job.generation;
	return PV_OK;
}

/* ---- CAs ---- */

/* *ended: it made nothing, but ended one that was begun before. */
static enum pv_code rotate(struct ceremony *c, const struct plan_step *step,
			   bool *ended, struct err *err)
{
	struct tokens tokens = ceremony_tokens(c);
	const struct rotate_ca_opts opts = {
		.ca = step->ca,
		.template_name = step->template_name,
		.first_issuer =
			step->kind == PLAN_SELF_SIGNED ? "self" : step->issuer,
		.active_ms = (uint64_t)step->active_s * 1000,
		.want = c->opts->want,
		.until_s = step->not_after_s,
		.uncrossed = true,
		.before = ceremony_tell_tbs,
		.ctx = c
	};
	CLEANUP(cleanup_template_free) struct template *t = NULL;
	struct rotate_ca_report report;
	/* Its template is in effect before it is used. */
	enum pv_code rc = ceremony_ca_template(c, step, &t, err);

	if (rc == PV_OK)
		rc = rotate_ca(c->a, c->store, &tokens, &opts, &report, err);
	*ended = rc == PV_OK && report.resumed;
	return rc;
}

/* The generation of the key that a step before made, or found, is there, and is
 * what the plan says; *made: provctl.json says so, too. */
static enum pv_code is_made(struct ceremony *c, const struct plan_step *step,
			    bool *made, uint32_t *generation, struct err *err)
{
	const struct authority_key *named = NULL;
	struct authority_key key;
	uint32_t newest = 0;
	enum pv_code rc = ceremony_newest_ca(c, step->ca, &newest, err);

	*made = false;
	if (rc == PV_OK)
		rc = ceremony_key_of(c, step->ca, &key, err);
	if (rc != PV_OK || newest < key.generation)
		return rc;
	*generation = key.generation;
	*made = authority_key(c->a, step->ca, &named, NULL) == PV_OK &&
		named->generation >= *generation;
	return ceremony_as_planned(c, step, *generation, err);
}

enum pv_code ceremony_tell_generation(struct ceremony *c, const char *ca,
				      uint32_t generation, struct err *err)
{
	CLEANUP(ca_chain_release) struct ca_chain chain = { .n = 0 };
	char file[FILE_NAME_MAX];
	enum pv_code rc = ca_chain_load_generation(c->store, ca, generation, -1,
						   &chain, err);

	snprintf(file, sizeof(file), "%.*s.pem", PLAN_NAME_MAX, ca);
	return rc == PV_OK
		       ? ceremony_put_certificate(
				 c, ca, file, buf_span(&chain.ca[0].der), err)
		       : rc;
}

enum pv_code ceremony_next_ca(struct ceremony *c, const struct plan_step *step,
			      struct err *err)
{
	uint32_t generation = 0;
	bool made = false, ended = false;
	enum pv_code rc;

	snprintf(c->object, sizeof(c->object), "%s", step->ca);
	rc = ceremony_login(c, err);
	if (rc == PV_OK)
		rc = is_made(c, step, &made, &generation, err);
	if (rc == PV_OK && !made)
		rc = rotate(c, step, &ended, err);
	/* That was another rotation, which was cut off. */
	if (rc == PV_OK && ended)
		rc = is_made(c, step, &made, &generation, err);
	if (rc == PV_OK && ended && !made)
		rc = rotate(c, step, &ended, err);
	if (rc == PV_OK && !made)
		rc = is_made(c, step, &made, &generation, err);
	if (rc == PV_OK && !made)
		rc = err_fail(err, PV_CONFLICT, "rotate.pending",
			      "end it with `provctl rotate ca', then go on",
			      "another rotation of the CA is under way");
	return rc == PV_OK
		       ? ceremony_tell_generation(c, step->ca, generation, err)
		       : rc;
}

/* ---- between two generations ---- */

struct crossed {
	struct ceremony *c;
	uint32_t newest; /* of the two */
};

static enum pv_code tell_cross(void *ctx, const struct store_crosscert *x,
			       struct err *err)
{
	const struct crossed *n = ctx;
	struct ceremony *c = n->c;
	char file[FILE_NAME_MAX];
	enum pv_code rc;

	if (x->subject != n->newest && x->signer != n->newest)
		return PV_OK;
	rc = logged_crosscert(c->store, x, err);
	snprintf(file, sizeof(file), "%.*s-%u-by-%u.pem", PLAN_NAME_MAX, x->ca,
		 x->subject, x->signer);
	return rc == PV_OK
		       ? ceremony_put_certificate(c, x->ca, file, x->cert, err)
		       : rc;
}

enum pv_code ceremony_cross_sign(struct ceremony *c,
				 const struct plan_step *step, struct err *err)
{
	struct crossed n = { .c = c };
	const struct store_visit v = { .ctx = &n, .fn.crosscert = tell_cross };
	const struct rotate_ca_opts opts = { .ca = step->ca,
					     .before = ceremony_tell_tbs,
					     .ctx = c };
	struct rotate_ca_report report;
	struct tokens tokens;
	enum pv_code rc;

	snprintf(c->object, sizeof(c->object), "%s", step->ca);
	rc = ceremony_login(c, err);
	tokens = ceremony_tokens(c);
	if (rc == PV_OK)
		rc = rotate_ca_cross(c->a, c->store, &tokens, &opts, &report,
				     err);
	if (rc == PV_OK)
		n.newest = report.generation;
	return rc == PV_OK ? store_crosscert_each(c->store, step->ca, &v, err)
			   : rc;
}
