/* rotate pin: another user PIN for the tokens. */
#include <stdio.h>

#include "cmd/newpin.h"
#include "cmd/opts.h"
#include "cmd/out.h"
#include "cmd/rotate.h"
#include "cmd/session.h"
#include "lib/flow/rotate_pin.h"

/* What an interrupted change left goes first: a token may have it. */
static enum pv_code read_new(const struct app *app, const struct session *s,
			     const char *source, struct secret *pin,
			     struct err *err)
{
	bool there = false;
	enum pv_code rc = PV_OK;

	if (source)
		return newpin_read(app->backends, source, s->a->name, pin, err);
	rc = rotate_pin_staged(s->a, pin, &there, err);
	if (rc == PV_OK && there)
		out_note(app, "going on with the new PIN of an earlier run");
	return rc == PV_OK && !there
		       ? newpin_read(app->backends, NULL, s->a->name, pin, err)
		       : rc;
}

static enum pv_code show(const struct app *app,
			 const struct rotate_pin_report *r, struct err *err)
{
	if (app->json)
		return out_json(json_pack("{s:I, s:I, s:b}", "tokens",
					  (json_int_t)r->tokens, "before",
					  (json_int_t)r->before, "file",
					  r->file),
				err);
	printf("%zu token%s %s the new PIN\n", r->tokens,
	       r->tokens == 1 ? "" : "s", r->tokens == 1 ? "has" : "have");
	if (r->file)
		printf("the PIN's file holds it\n");
	else
		printf("give it to pin_source now: nothing else knows it\n");
	return PV_OK;
}

enum pv_code rotate_run_pin(const struct app *app, int argc, char **argv,
			    struct err *err)
{
	const char *source = NULL;
	const struct opt opts[] = {
		{ "new-pin-source", 0, OPT_STRING, &source, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	SECRET old = SECRET_INIT;
	SECRET new = SECRET_INIT;
	SESSION s = { .a = NULL };
	struct rotate_pin_report r;
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 0, 0, &args, err);

	if (rc == PV_OK)
		rc = session_open(
			app, SESSION_STORE | SESSION_MAY(ROLE_OP_ROTATE_PIN),
			&s, err);
	if (rc == PV_OK)
		rc = app->backends->pin_read_old(s.a, &old, err);
	if (rc == PV_OK)
		rc = read_new(app, &s, source, &new, err);
	if (rc == PV_OK)
		rc = rotate_pin(s.a, s.store, app->backends, &old, &new, &r,
				err);
	secret_release(&old);
	secret_release(&new);
	if (rc == PV_OK)
		rc = session_checkpoint(app, &s, err);
	return rc == PV_OK ? show(app, &r, err) : rc;
}
