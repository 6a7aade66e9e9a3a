/*
 * plantemplate: the templates that the steps of a plan name. A step is bound to
 * a template's bytes by their SHA-256, which people approve with the plan: what
 * a CA's certificate says stands in its template.
 *
 * Does not check: what the template says (policy/template.h).
 * Specification: overview.md, "Home of an authority";
 * templates/plan.schema.json, "template_sha256".
 */
#ifndef PV_CEREMONY_PLANTEMPLATE_H
#define PV_CEREMONY_PLANTEMPLATE_H

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "policy/plan.h"

/*
 * <name>.json of the step, from the folder of that descriptor, into *bytes,
 * which it sets up and the caller releases, also after failure. PV_DENIED,
 * "plan.template": the step is bound to other bytes; PV_INPUT, "plan.template":
 * no plain name; codes of file_read().
 */
PV_MUST enum pv_code plantemplate_read(int folder, const struct plan_step *step,
				       struct buf *bytes, struct err *err);
/* Their folder, which the caller closes; *folder is -1 where no step names a
 * template. Codes of dir_open(). */
PV_MUST enum pv_code plantemplate_open(const struct plan *plan, const char *dir,
				       int *folder, struct err *err);
/*
 * Before anything is made in that mode: each step that names a template is
 * bound, but for "init", which nobody approves. PV_INPUT,
 * "plan.template_unbound": one is not, and the hint has the SHA-256 of the file
 * in folder dir.
 */
PV_MUST enum pv_code plantemplate_bound(const struct plan *plan,
					const char *mode, const char *dir,
					struct err *err);
/* The files of dir are those that steps are bound to. Codes of
 * plantemplate_read(). */
PV_MUST enum pv_code plantemplate_check(const struct plan *plan,
					const char *dir, struct err *err);

#endif
