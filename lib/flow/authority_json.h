/*
 * authority_json: provctl.json to and from struct authority (overview.md,
 * "Home of an authority"). Strict: unknown keys, wrong types and values out of
 * range are PV_INPUT with JSON pointer, line and column. Touches no file.
 */
#ifndef PV_FLOW_AUTHORITY_JSON_H
#define PV_FLOW_AUTHORITY_JSON_H

#include "lib/base/buf.h"
#include "lib/flow/authority.h"

#define AUTHORITY_JSON_MAX 65536 /* bytes */

/* What keys that are absent mean; everything else in a is left alone. */
void authority_defaults(struct authority *a);

/*
 * Fills a, which has its defaults, from text. PV_INPUT, rules "json.*" and
 * "config.*"; PV_DENIED, rule "config.module", for a module path that is not
 * absolute. A URI with a PIN in it is refused without repeating it.
 */
PV_MUST enum pv_code authority_parse(struct authority *a, struct span text,
				     struct err *err);

/* Appends the file's text, which parses to the same again. */
PV_MUST enum pv_code authority_format(const struct authority *a,
				      struct buf *out, struct err *err);

#endif
