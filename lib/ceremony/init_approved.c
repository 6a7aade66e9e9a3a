/* A run of a plan that sets a roster: its people have approved it. */
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/ceremony/init_impl.h"
#include "lib/flow/subject_plan.h"

CLEANUP_PTR(json_t, json_decref);

static enum pv_code put_subject(const struct init_opts *opts,
				const struct init_plan *p, struct err *err)
{
	char home[AUTHORITY_PATH_MAX];
	const struct subject_plan s = { .plan = p->plan,
					.authority = p->a->name,
					.rehearsed = p->rehearsed,
					.first = p->a,
					.home = home };
	enum pv_code rc = subject_plan_home(opts->dir, home, err);

	return rc == PV_OK ? subject_plan(&s, p->subject, err) : rc;
}

static enum pv_code ask(const struct init_opts *opts, const struct init_plan *p,
			struct approvals *got, struct err *err)
{
	CLEANUP(cleanup_json_decref) json_t *context = NULL;
	struct approvals_want want = { .op = QUORUM_CEREMONY,
				       .what = "the plan",
				       .files = opts->approvals,
				       .files_n = opts->approvals_n,
				       .request_out = opts->request_out };
	enum pv_code rc = put_subject(opts, p, err);

	if (rc == PV_OK)
		rc = subject_plan_context(buf_span(p->text),
					  buf_span(p->roster), &context, err);
	want.subject = buf_span(p->subject);
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
