#include <stdio.h>

#include "cmd/out.h"
#include "cmd/secret.h"
#include "cmd/session.h"
#include "lib/flow/secrets.h"

struct listing {
	const struct app *app;
	struct store *store;
};

static enum pv_code list_row(void *ctx, const struct store_secret *row,
			     struct err *err)
{
	const struct listing *l = ctx;
	const char *state =
		row->destroyed_index == STORE_NO_INDEX ? "stored" : "destroyed";
	enum pv_code rc = secrets_logged(l->store, row, err);

	if (rc != PV_OK)
		return rc;
	if (l->app->json)
		return out_json(json_pack("{s:s, s:I, s:s}", "secret",
					  row->name, "version",
					  (json_int_t)row->version, "state",
					  state),
				err);
	printf("%-24s %4llu  %s\n", row->name, (unsigned long long)row->version,
	       state);
	return PV_OK;
}

enum pv_code secret_run_list(const struct app *app, const struct secret_opts *o,
			     struct err *err)
{
	SESSION s = { .a = NULL };
	enum pv_code rc = session_open(
		app, SESSION_STORE | SESSION_MAY(ROLE_OP_READ), &s, err);
	struct listing l = { app, s.store };
	const struct store_visit v = { &l, { .secret = list_row } };

	(void)o;
	return rc == PV_OK ? store_secret_each(s.store, &v, err) : rc;
}
