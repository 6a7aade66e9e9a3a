/*
 * hours: a span of the UTC day, as "06:00-22:00", in templates and orders. The
 * end is exclusive; a span whose start is behind its end passes midnight.
 */
#ifndef PV_POLICY_HOURS_H
#define PV_POLICY_HOURS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

/*
 * Minutes of the day: *from 0 to 1439, *to up to 1440 ("24:00"). False, with
 * both untouched, when s has another form or start and end are the same.
 */
PV_MUST bool hours_parse(const char *s, uint16_t *from, uint16_t *to);
/* Whether a time in seconds since the epoch is inside. */
PV_MUST bool hours_hold(uint16_t from, uint16_t to, uint64_t time_s);

#endif
