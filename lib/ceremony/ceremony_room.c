#include "lib/ceremony/ceremony_room.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/pvtime.h"
#include "lib/ceremony/plantemplate.h"
#include "lib/flow/crlissuer.h"
#include "lib/log/transcript.h"
#include "policy/template.h"

CLEANUP_PTR(struct template, template_free);

/* Bytes of lines: "sign" and "crl" have a CA's name five times; in a step each
 * list has a question and an answer, and may be given. */
#define LIST_BYTES(name) (740u + 5u * strlen(name))
#define STEP_LIST_BYTES(name) (LIST_BYTES(name) + 820u + 2u * strlen(name))
#define STEP_BYTES 4096u /* of what else a step says */

struct room {
	const struct plan *plan;
	int folder; /* of templates */
	uint64_t bytes;
};

static uint64_t steps_of(const struct plan *plan, const char *ca, size_t from)
{
	uint64_t n = 0;

	for (size_t i = from; i < plan->steps_n; i++)
		n += plan->steps[i].kind == PLAN_SIGN_CRL &&
		     strcmp(plan->steps[i].ca, ca) == 0;
	return n;
}

/* It gets its first lists here. */
static enum pv_code add_ca(struct room *r, size_t i, struct err *err)
{
	const struct plan_step *step = &r->plan->steps[i];
	CLEANUP(cleanup_template_free) struct template *t = NULL;
	CLEANUP(buf_release) struct buf bytes;
	enum pv_code rc = plantemplate_read(r->folder, step, &bytes, err);

	if (rc == PV_OK)
		rc = template_parse(buf_span(&bytes), &t, NULL, err);
	if (rc == PV_OK)
		r->bytes += t->crl_shards * (LIST_BYTES(step->ca) +
					     steps_of(r->plan, step->ca, i) *
						     STEP_LIST_BYTES(step->ca));
	return rc;
}

static enum pv_code add_store(struct room *r, const struct authority *a,
			      struct store *store, struct err *err)
{
	CLEANUP(crl_issuers_release) struct crl_issuers all = { .n = 0 };
	enum pv_code rc = crl_issuers_load(a, store, pvtime_now_s(), &all, err);

	for (size_t i = 0; rc == PV_OK && i < all.n; i++)
		r->bytes += all.list[i].shards *
			    steps_of(r->plan, all.list[i].ca, 0) *
			    STEP_LIST_BYTES(all.list[i].ca);
	return rc;
}

static bool makes_ca(const struct plan_step *s)
{
	return s->kind == PLAN_SELF_SIGNED || s->kind == PLAN_ISSUE_CA ||
	       s->kind == PLAN_MAKE_CSR;
}

enum pv_code ceremony_room(const struct plan *plan, const char *dir,
			   const struct authority *a, struct store *store,
			   struct err *err)
{
	CLEANUP(fd_cleanup) int folder = -1;
	struct room r = { .plan = plan, .bytes = STEP_BYTES * plan->steps_n };
	enum pv_code rc = plantemplate_open(plan, dir, &folder, err);

	r.folder = folder;
	for (size_t i = 0; rc == PV_OK && i < plan->steps_n; i++)
		if (makes_ca(&plan->steps[i]))
			rc = add_ca(&r, i, err);
	if (rc == PV_OK && store)
		rc = add_store(&r, a, store, err);
	if (rc != PV_OK || r.bytes <= TRANSCRIPT_SIZE_MAX - TRANSCRIPT_RESERVE)
		return rc;
	err_object(err, plan->name);
	return err_fail(err, PV_DENIED, "transcript.size",
			"give the templates of its CAs fewer crl.shards, or "
			"share its steps out among more plans",
			"its transcript would have about %llu bytes, mostly of "
			"revocation lists, and may have %u",
			(unsigned long long)r.bytes,
			TRANSCRIPT_SIZE_MAX - TRANSCRIPT_RESERVE);
}
