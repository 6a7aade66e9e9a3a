/* A run of a plan that sets a roster: its people have approved it. */
#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/flow/init_impl.h"
#include "policy/approval_render.h"

CLEANUP_PTR(json_t, json_decref);

/* For who approves it: the roster by its bytes, and what was rehearsed. */
static enum pv_code make_context(const struct init_plan *p, json_t **out,
				 struct err *err)
{
	CLEANUP(mem_cleanup)
	char *base64 = mem_new(BASE64_LEN(p->roster->len) + 1, err);
	char head[65];

	if (!base64)
		return PV_INTERNAL;
	base64_encode(p->roster->data, p->roster->len, base64);
	hex_encode(p->rehearsed->sha256, sizeof(p->rehearsed->sha256), head);
	*out = json_pack("{s:s, s:s}", "rehearsal", head, APPROVAL_FACT_ROSTER,
			 base64);
	return *out ? PV_OK
		    : err_fail(err, PV_INTERNAL, NULL, NULL, "out of memory");
}

static enum pv_code ask(const struct init_opts *opts, const struct init_plan *p,
			struct approvals *got, struct err *err)
{
	CLEANUP(cleanup_json_decref) json_t *context = NULL;
	struct approvals_want want = { .op = QUORUM_CEREMONY,
				       .subject = buf_span(p->text),
				       .what = "the plan",
				       .files = opts->approvals,
				       .files_n = opts->approvals_n,
				       .request_out = opts->request_out };
	enum pv_code rc = make_context(p, &context, err);

	want.context = context;
	return rc == PV_OK ? approvals_gate_first(p->a, buf_span(p->roster), 0,
						  &want, got, err)
			   : rc;
}

enum pv_code init_approved(const struct init_opts *opts,
			   const struct init_plan *p, struct approvals *got,
			   struct err *err)
{
	bool run = opts->mode && strcmp(opts->mode, "run") == 0;

	if (run && plan_roster(p->plan))
		return ask(opts, p, got, err);
	if (run && p->roster->len > 0)
		return err_fail(err, PV_DENIED, "plan.roster",
				"have a plan with the step set-roster "
				"rehearsed",
				"a roster was given that the plan does not "
				"set: who approves the plan approves its "
				"roster");
	if (opts->approvals_n > 0 || opts->request_out)
		return err_fail(err, PV_DENIED, "approval.roster",
				"leave --approval and --request out",
				"the plan sets no roster that says who may "
				"approve");
	return PV_OK;
}
