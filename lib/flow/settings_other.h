/*
 * settings_other: what provctl.json says that settings.c has no lines of: one
 * line "key value" for each key, so that a new one is guarded by default. Only
 * the few that settings_other.c lists as free have none. A text stands as it
 * is, what else there is as compact JSON; one that cannot stand in a note, or
 * is long, as "sha256:" and the hash of it.
 *
 * Does not check: what the values mean (authority_parse() did).
 */
#ifndef PV_FLOW_SETTINGS_OTHER_H
#define PV_FLOW_SETTINGS_OTHER_H

#include "lib/base/buf.h"
#include "lib/flow/authority.h"

#define SETTINGS_BETWEEN '|' /* of lines, in the fact of an entry */

/* Appends them, defaults too. PV_INTERNAL. */
PV_MUST enum pv_code settings_other(const struct authority *a, struct buf *out,
				    struct err *err);

#endif
