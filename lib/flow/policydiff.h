/*
 * policydiff: what another version of a template changes for a device
 * (`policy diff`): every field of the effective template with its old and new
 * value, and for a sample request the decisions and certificates of both. No
 * store, no token.
 *
 * Issuer, key and serial of the sample are made up and the same for both, as
 * `policy test' does: what differs comes from the templates.
 */
#ifndef PV_FLOW_POLICYDIFF_H
#define PV_FLOW_POLICYDIFF_H

#include "lib/base/json.h"
#include "policy/template.h"

#define POLICYDIFF_TEXT_MAX (256u * 1024u) /* bytes of a printed certificate   \
					    */

/*
 * [{"path": JSON pointer, "old": value, "new": value}, ...] in the order of the
 * effective templates (template_show()); what only one of them has lacks the
 * other's key. Lists of objects are compared one by one, others as a whole.
 * *changes is owned by the caller, NULL on failure. PV_INTERNAL.
 */
PV_MUST enum pv_code policydiff_fields(const struct template *old,
				       const struct template *new,
				       json_t **changes, struct err *err);

struct policydiff_side {
	char decision[16]; /* "approved", "denied", ... */
	char rule[64], why[256];
	struct buf text; /* the certificate, printed; empty: there is none */
};

struct policydiff_sample {
	char device[TPL_NAME_MAX + 1];
	struct policydiff_side old, new;
};

/*
 * request: a request as issue takes it, or a case of policytest.h, of which
 * name and expect may be left out. ca: the issuer's template, or NULL. s need
 * not be initialised; release it in any case. PV_INPUT, "policy.cases" or
 * "json.*".
 */
PV_MUST enum pv_code
policydiff_sample(const struct template *old, const struct template *new,
		  const struct template *ca, struct span request,
		  struct policydiff_sample *s, struct err *err);
void policydiff_release(struct policydiff_sample *s);

#endif
