/*
 * ceremonyblanks: what people write on a plan's script, and what they hold the
 * screen against: each hash that a step has them write down, read aloud or
 * compare, and what a CA's template says that its certificate will say.
 *
 * Does not check: that a template's certificate can be made.
 */
#ifndef PV_CEREMONY_CEREMONYBLANKS_H
#define PV_CEREMONY_CEREMONYBLANKS_H

#include "lib/base/buf.h"
#include "policy/plan.h"

struct ceremonyblanks {
	/* A place to write: 64 hex digits, or a few words. */
	void (*blank)(void *ctx, const char *label, bool hash);
	/* A certificate will say so. */
	void (*expect)(void *ctx, const char *name, const char *value);
	void *ctx;
};

/* In that step. */
void ceremonyblanks_step(const struct plan *plan, const struct plan_step *step,
			 const struct ceremonyblanks *to);
/* Behind the last one: of the lists that are signed there. */
void ceremonyblanks_end(const struct plan *plan,
			const struct ceremonyblanks *to);
/* Of a step that makes or asks for a certificate; templates: the folder, or
 * -1: only what the plan itself says. Codes of plantemplate_read() and
 * template_parse(). */
PV_MUST enum pv_code ceremonyblanks_expect(const struct plan_step *step,
					   int templates,
					   const struct ceremonyblanks *to,
					   struct err *err);

#endif
