/*
 * parts: what a request for components alone means under a template: the named
 * ones as bits by their place in it, and the whole stages that are sealed with
 * them. Pure.
 *
 * Does not check: what else such a stage holds (prepared_parts.c).
 */
#ifndef PV_FLOW_PARTS_H
#define PV_FLOW_PARTS_H

#include "lib/base/buf.h"
#include "policy/template.h"

/*
 * The components that names (comma-separated) has, of those that the role gets
 * without attestation. PV_DENIED, rule "rotate.components": it has another one;
 * *named is not changed then.
 */
PV_MUST enum pv_code parts_named(const struct template *t, size_t role,
				 const char *names, uint32_t *named,
				 struct err *err);
/* Whole stages: what the role has of each that has one of the named ones. */
PV_MUST uint32_t parts_whole(const struct template *t, size_t role,
			     uint32_t named);
/* Appends their names in the order of the template, comma-separated, so that
 * the same components are the same text. */
void parts_put(const struct template *t, uint32_t named, struct buf *out);

#endif
