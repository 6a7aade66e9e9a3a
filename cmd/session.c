#include "cmd/session.h"

#include <string.h>

enum pv_code session_open(const struct app *app, unsigned needs,
			  struct session *s, struct err *err)
{
	const struct backends *b = app->backends;
	enum pv_code rc;

	memset(s, 0, sizeof(*s));
	rc = authority_open(app->home, &s->a, err);
	if (rc == PV_OK && (needs & SESSION_HSM))
		rc = b->pin_read(s->a, &s->pin, err);
	if (rc == PV_OK && (needs & SESSION_HSM))
		rc = b->hsm_open(s->a, &s->pin, 1, &s->hsm, err);
	if (rc == PV_OK && (needs & SESSION_STORE))
		rc = b->store_open(s->a, false, &s->store, err);
	return rc;
}

void session_close(struct session *s)
{
	store_close(s->store);
	hsm_close(s->hsm);
	secret_release(&s->pin);
	authority_close(s->a);
	memset(s, 0, sizeof(*s));
}
