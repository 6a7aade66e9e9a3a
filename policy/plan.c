#include "policy/plan_impl.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/sha256.h"

CLEANUP_PTR(struct json_doc, json_doc_free);
CLEANUP_PTR(struct plan, plan_free);

const char *plan_step_about(const struct plan_step *s)
{
	return s->purpose[0] ? s->purpose : s->ca[0] ? s->ca : s->template_name;
}

bool plan_is_first(const struct plan *p)
{
	return p->steps_n > 0 && p->steps[0].kind == PLAN_INIT_TOKEN;
}

bool plan_makes_ca(const struct plan *p, const char *ca)
{
	for (size_t i = 0; i < p->steps_n; i++)
		if ((p->steps[i].kind == PLAN_SELF_SIGNED ||
		     p->steps[i].kind == PLAN_ISSUE_CA ||
		     p->steps[i].kind == PLAN_IMPORT_CA) &&
		    strcmp(p->steps[i].ca, ca) == 0)
			return true;
	return false;
}

const struct plan_step *plan_roster(const struct plan *p)
{
	for (size_t i = 0; i < p->steps_n; i++)
		if (p->steps[i].kind == PLAN_SET_ROSTER)
			return &p->steps[i];
	return NULL;
}

static enum pv_code parse_all(const struct node_reader *r, struct plan *plan)
{
	static const char *const keys[] = { "plan",	  "version",
					    "not_before", "not_after",
					    "steps",	  NULL };
	struct node root = node_root(r);
	struct node version = node_get(&root, "version");
	struct node steps = node_get(&root, "steps");

	NODE_TRY(node_object(&root, keys));
	NODE_TRY(plan_take_name(&root, "plan", plan->name));
	NODE_TRY(node_need(&version));
	NODE_TRY(node_u32(&version, 1, INT32_MAX, &plan->version));
	plan->not_after_s = PVTIME_MAX;
	NODE_TRY(plan_take_time(&root, "not_before", &plan->not_before_s));
	NODE_TRY(plan_take_time(&root, "not_after", &plan->not_after_s));
	if (plan->not_before_s >= plan->not_after_s)
		return node_fail(&root, "window", NULL,
				 "not_before is not before not_after");
	NODE_TRY(node_need(&steps));
	NODE_TRY(node_array(&steps, 1, PLAN_STEPS_MAX));
	for (size_t i = 0; i < json_array_size(steps.v); i++) {
		struct node step = node_at(&steps, i);

		NODE_TRY(plan_parse_step(plan, &step, &plan->steps[i]));
		plan->steps_n++;
	}
	return plan_check_transport(plan, &steps);
}

enum pv_code plan_parse(struct span text, struct plan **out, struct err *err)
{
	CLEANUP(cleanup_json_doc_free) struct json_doc *doc = NULL;
	CLEANUP(cleanup_plan_free) struct plan *plan = NULL;
	struct node_reader r = { .area = "plan", .err = err };

	*out = NULL;
	NODE_TRY(json_parse_max(text, PLAN_SIZE_MAX, &doc, err));
	plan = mem_new(sizeof(*plan), err);
	if (!plan)
		return PV_INTERNAL;
	NODE_TRY(sha256(text, plan->sha256, err));
	r.doc = doc;
	NODE_TRY(parse_all(&r, plan));
	*out = TAKE(plan);
	return PV_OK;
}

void plan_free(struct plan *plan)
{
	free(plan);
}
