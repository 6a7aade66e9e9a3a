/* The writer: who was let in once may have lost a role since, and the CA may
 * have been revoked. */
#include <string.h>

#include "lib/flow/castand.h"
#include "lib/flow/writer_impl.h"
#include "lib/store/store_people.h"

/* As issue_load_contexts() does it: anybody issues within an order. */
static enum pv_code judge(struct writer *w, struct err *why)
{
	const struct writer_opts *o = w->opts;
	struct actor who;
	enum pv_code rc = actor_enter(w->store, o->claim, &who, why);

	if (rc == PV_OK)
		if (o->release)
			return actor_allow(&who, ROLE_OP_ATTEST, why);
	rc = actor_allow(&who, ROLE_OP_ISSUE_FREE, why);
	w->bound = rc != PV_OK;
	if (rc != PV_DENIED || !o->order || strcmp(who.name, o->actor) != 0)
		return rc;
	err_init(why);
	return actor_allow(&who, ROLE_OP_ISSUE, why);
}

enum pv_code writer_admit(struct writer *w, struct err *err)
{
	uint64_t head = w->judged;
	struct err why;
	enum pv_code rc = store_governance_head(w->store, &head, err);

	if (rc != PV_OK || head == w->judged)
		return rc;
	err_init(&why);
	rc = judge(w, &why);
	if (rc != PV_OK && rc != PV_DENIED) {
		*err = why;
		return rc;
	}
	w->may = why;
	w->judged = head;
	return PV_OK;
}

enum pv_code writer_look_at_issuer(struct writer *w, struct err *err)
{
	const struct issue_context *ctx = w->opts->ctx;
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = ca_stands(w->store, ctx->chain, ctx->chain_n, &why);
	if (rc != PV_OK && rc != PV_DENIED) {
		*err = why;
		return rc;
	}
	w->issuer = why;
	return PV_OK;
}

/* It may be of another template or generation than what is issued now. */
enum pv_code writer_may_sign(struct writer *w, const struct store_device *d,
			     struct err *err)
{
	const struct template *t = NULL;
	enum pv_code rc = due_template(&w->answer.due, w->store,
				       d->s.template_sha256, &t, err);

	if (rc != PV_OK || !t->has_certificate)
		return rc;
	return ca_generation_stands(w->store, t->profile.issuer,
				    d->s.ca_generation ? d->s.ca_generation : 1,
				    err);
}
