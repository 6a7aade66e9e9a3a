/* revoke: what it says of each certificate, and of all of them. */
#include <stdio.h>

#include "cmd/out.h"
#include "cmd/revoke.h"
#include "lib/base/pvtime.h"

static const char *status_of(const struct store_device *d,
			     enum revocation_done done)
{
	switch (done) {
	case REVOCATION_REVOKED:
		return "revoked";
	case REVOCATION_HELD:
		return "held";
	case REVOCATION_RELEASED:
		return "released";
	case REVOCATION_NOTHING:
		break;
	}
	return d->state == STORE_RETIRED ? "retired" : "unchanged";
}

/* Without r it is not revoked: never, or not any more. */
enum pv_code revoke_tell(void *ctx, const struct store_device *d,
			 const struct store_revocation *r,
			 enum revocation_done done, struct err *err)
{
	const struct revoke_job *job = ctx;
	char serial[2 * STORE_SERIAL_MAX + 1];
	char when[PVTIME_RFC3339_LEN + 1] = "";
	json_t *line;

	hex_encode(d->s.serial, d->s.serial_len, serial);
	line = json_pack("{s:s, s:s, s:s}", "device", d->s.device, "serial",
			 serial, "status", status_of(d, done));
	if (line && job->dry_run)
		json_object_set_new(line, "dry_run", json_true());
	if (line && d->state == STORE_RETIRED)
		json_object_set_new(line, "retired", json_true());
	if (line && r && pvtime_format((int64_t)(r->revoked_ms / 1000), when)) {
		json_object_set_new(
			line, "reason",
			json_string(revocation_reason_name(r->reason)));
		json_object_set_new(line, "revoked", json_string(when));
	}
	return out_json(line, err);
}

void revoke_sum_up(const struct app *app, const struct revoke_job *job,
		   const struct revoke_report *r)
{
	out_note(app, "%llu certificate%s, %llu %s",
		 (unsigned long long)r->certificates, err_s(r->certificates),
		 (unsigned long long)r->changed,
		 job->dry_run ? "would change" : "changed");
	if (r->devices_retired)
		out_note(app, "%llu device%s %s",
			 (unsigned long long)r->devices_retired,
			 err_s(r->devices_retired),
			 job->dry_run ? "would retire for ever" : "retired");
	if (r->retired_before)
		out_note(app, "%llu device%s already retired",
			 (unsigned long long)r->retired_before,
			 err_s(r->retired_before));
	if (r->given_up)
		out_note(app, "%llu that were not issued yet %s given up",
			 (unsigned long long)r->given_up,
			 job->dry_run ? "would be" : "were");
	if (r->unfinished)
		out_note(app,
			 "not issued yet and left: %llu; close the order, or "
			 "revoke again once they are",
			 (unsigned long long)r->unfinished);
	if (r->unlisted)
		out_note(app,
			 "%llu are short-lived and on no list (noRevAvail): "
			 "who checks them takes them until they end",
			 (unsigned long long)r->unlisted);
	if (r->persons[0])
		out_note(app, "approved by %s", r->persons);
}
