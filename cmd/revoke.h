/* revoke: what the files of `provctl revoke' share. */
#ifndef PV_CMD_REVOKE_H
#define PV_CMD_REVOKE_H

#include "cmd/app.h"
#include "cmd/opts.h"
#include "lib/flow/revoke.h"

extern const char revoke_help[];

/* One JSON line a certificate; ctx: struct revoke_job. */
PV_MUST enum pv_code revoke_tell(void *ctx, const struct store_device *d,
				 const struct store_revocation *r,
				 enum revocation_done done, struct err *err);
struct revoke_args {
	const char *device, *serial, *order, *template, *from, *ca;
	uint64_t generation; /* of ca; 0: not said */
	const char *reason, *invalidity, *request;
	struct opt_list approvals;
	bool dry_run, retire, yes;
};

/* --ca: reason and time are read by then. */
PV_MUST enum pv_code revoke_run_ca(const struct app *app,
				   const struct revoke_args *in,
				   uint32_t reason, int64_t invalidity_s,
				   const struct approvals_want *want,
				   struct err *err);

/* For people, on standard error. */
void revoke_sum_up(const struct app *app, const struct revoke_job *job,
		   const struct revoke_report *r);

#endif
