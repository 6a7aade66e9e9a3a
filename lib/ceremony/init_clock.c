/* How far the clock of a new authority may step: one whose CAs make lists twice
 * a year sleeps in between, and its log has no entry. */
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/ceremony/init_impl.h"
#include "lib/ceremony/plantemplate.h"
#include "policy/template.h"

#define HOURS_A_DAY 24

CLEANUP_PTR(struct template, template_free);

static bool makes_ca(const struct plan_step *step)
{
	return step->kind == PLAN_SELF_SIGNED || step->kind == PLAN_ISSUE_CA ||
	       step->kind == PLAN_MAKE_CSR;
}

/* 0: it does not say. What is amiss with the file is its step's to refuse. */
static uint32_t lifetime_h(int folder, const struct plan_step *step)
{
	CLEANUP(cleanup_template_free) struct template *t = NULL;
	CLEANUP(buf_release) struct buf bytes;

	if (plantemplate_read(folder, step, &bytes, NULL) != PV_OK ||
	    template_parse(buf_span(&bytes), &t, NULL, NULL) != PV_OK)
		return 0;
	return t->crl_lifetime_h;
}

/* The CA that makes them most often keeps the log awake. */
void init_clock(const struct plan *plan, const char *templates_dir,
		struct authority *a)
{
	CLEANUP(fd_cleanup) int folder = -1;
	uint32_t shortest = 0;
	unsigned days;

	if (plantemplate_open(plan, templates_dir, &folder, NULL) != PV_OK)
		return;
	for (size_t i = 0; i < plan->steps_n; i++) {
		uint32_t h;

		if (!makes_ca(&plan->steps[i]))
			continue;
		h = lifetime_h(folder, &plan->steps[i]);
		if (h == 0)
			return;
		if (shortest == 0 || h < shortest)
			shortest = h;
	}
	days = (shortest + HOURS_A_DAY - 1) / HOURS_A_DAY;
	if (days > a->clock_max_step_days)
		a->clock_max_step_days += days;
}
