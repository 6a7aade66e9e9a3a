/* status: what `provctl status --json' says, and times as both forms have
 * them. */
#ifndef PV_CMD_STATUS_JSON_H
#define PV_CMD_STATUS_JSON_H

#include <jansson.h>

#include "cmd/app.h"
#include "lib/base/pvtime.h"
#include "lib/flow/status.h"

/* RFC 3339, or "unknown". */
const char *status_day(int64_t time_s, char out[PVTIME_RFC3339_LEN + 1]);

/* status --dependants FILE: status_dependants.c. */
PV_MUST enum pv_code status_dependants(const struct app *app, const char *path,
				       struct err *err);

/* A line of a CA: status_crls.c. */
void status_print_ca(const struct status_ca *ca);
/* Revocation lists, OCSP answers and the hook: status_crls.c. New references.
 */
void status_print_crls(const struct status_crls *crls);
json_t *status_crls_json(const struct status_crls *crls);
json_t *status_hook_json(const struct status_crls *crls);

/* code is status_collect()'s. */
PV_MUST enum pv_code status_json(const struct authority *a,
				 const struct status *st, enum pv_code code,
				 struct err *err);

#endif
