#include <stdio.h>

#include "cmd/out.h"
#include "cmd/policy.h"
#include "cmd/session.h"
#include "lib/flow/drift.h"

struct report {
	const struct app *app;
	uint64_t behind;
};

static enum pv_code show_device(void *ctx, const char *device,
				const struct drift_version *v, struct err *err)
{
	const struct report *r = ctx;

	if (r->app->json)
		return out_json(json_pack("{s:s, s:s, s:I, s:I}", "device",
					  device, "template", v->name,
					  "version", (json_int_t)v->version,
					  "in_effect",
					  (json_int_t)v->in_effect),
				err);
	if (!r->app->quiet)
		printf("%-24s %-24s %4llu, not %llu\n", device, v->name,
		       (unsigned long long)v->version,
		       (unsigned long long)v->in_effect);
	return PV_OK;
}

static enum pv_code show_version(void *ctx, const struct drift_version *v,
				 struct err *err)
{
	struct report *r = ctx;
	bool behind = v->version != v->in_effect;

	r->behind += behind ? v->devices : 0;
	if (r->app->json)
		return out_json(json_pack("{s:s, s:I, s:I, s:I}", "template",
					  v->name, "version",
					  (json_int_t)v->version, "in_effect",
					  (json_int_t)v->in_effect, "devices",
					  (json_int_t)v->devices),
				err);
	if (v->devices)
		printf("%s version %llu: %llu device%s%s\n", v->name,
		       (unsigned long long)v->version,
		       (unsigned long long)v->devices, err_s(v->devices),
		       behind ? ", behind" : "");
	return PV_OK;
}

enum pv_code policy_run_drift(const struct app *app, const char *name,
			      struct err *err)
{
	struct report r = { .app = app };
	const struct drift_visit v = { .ctx = &r,
				       .device = show_device,
				       .version = show_version };
	SESSION s = { .a = NULL };
	enum pv_code rc = session_open(
		app, SESSION_STORE | SESSION_MAY(ROLE_OP_READ), &s, err);

	if (rc == PV_OK)
		rc = drift_walk(s.store, name, &v, err);
	if (rc == PV_OK && !app->json)
		printf("%llu device%s %s behind\n",
		       (unsigned long long)r.behind, err_s(r.behind),
		       r.behind == 1 ? "is" : "are");
	return rc;
}
