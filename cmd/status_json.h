/* status: what `provctl status --json' says, and times as both forms have
 * them. */
#ifndef PV_CMD_STATUS_JSON_H
#define PV_CMD_STATUS_JSON_H

#include "cmd/app.h"
#include "lib/base/pvtime.h"
#include "lib/flow/status.h"

/* RFC 3339, or "unknown". */
const char *status_day(int64_t time_s, char out[PVTIME_RFC3339_LEN + 1]);

/* code is status_collect()'s. */
PV_MUST enum pv_code status_json(const struct authority *a,
				 const struct status *st, enum pv_code code,
				 struct err *err);

#endif
