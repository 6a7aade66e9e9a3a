/*
 * fuzz_template: any bytes as a template, and any bytes as a plan. What parses
 * must show, and its effective form must parse and show as itself.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policy/binding.h"
#include "policy/plan.h"
#include "policy/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* The effective form of text; the caller owns it. NULL: it does not parse. */
static json_t *show(struct span text)
{
	static struct template_warnings warnings;
	struct template *t;
	json_t *shown = NULL;
	struct err err;

	err_init(&err);
	if (template_parse(text, &t, &warnings, &err) != PV_OK) {
		must(!t && err.rule[0] && err.message[0]);
		return NULL;
	}
	must(t && template_show(t, &shown, &err) == PV_OK);
	if (!t->ca && template_match(&t->id, "ACME-0123456789AB"))
		must(t->id.compiled);
	template_free(t);
	return shown;
}

static void check_template(struct span text)
{
	json_t *first = show(text);
	json_t *again;
	char *dumped;

	if (!first)
		return;
	dumped = json_dumps(first, 0);
	must(dumped != NULL);
	again = show((struct span){ (const uint8_t *)dumped, strlen(dumped) });
	must(again && json_equal(first, again));
	json_decref(first);
	json_decref(again);
	free(dumped);
}

static void check_plan(struct span text)
{
	struct plan *plan;
	struct err err;

	err_init(&err);
	if (plan_parse(text, &plan, &err) != PV_OK) {
		must(!plan && err.rule[0] && err.message[0]);
		return;
	}
	must(plan->steps_n > 0 && plan->steps_n <= PLAN_STEPS_MAX);
	plan_free(plan);
}

static void check_binding(struct span text)
{
	struct binding b;
	struct err err;

	err_init(&err);
	if (binding_parse(text, &b, &err) != PV_OK)
		must(err.rule[0] && err.message[0]);
	else
		must(b.module[0] == '/' && b.tokens_n > 0 &&
		     b.tokens_n <= BINDING_TOKENS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = { data, size };

	check_template(text);
	check_plan(text);
	check_binding(text);
	return 0;
}
