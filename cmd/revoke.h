/* revoke: what the files of `provctl revoke' share. */
#ifndef PV_CMD_REVOKE_H
#define PV_CMD_REVOKE_H

#include "cmd/app.h"
#include "lib/flow/revoke.h"

extern const char revoke_help[];

/* One JSON line a certificate; ctx: struct revoke_job. */
PV_MUST enum pv_code revoke_tell(void *ctx, const struct store_device *d,
				 const struct store_revocation *r,
				 enum revocation_done done, struct err *err);
/* For people, on standard error. */
void revoke_sum_up(const struct app *app, const struct revoke_job *job,
		   const struct revoke_report *r);

#endif
