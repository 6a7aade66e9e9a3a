#include "cmd/session.h"

#include <string.h>

#include "cmd/guard.h"
#include "lib/flow/settings.h"

/*
 * The first token that answers. Only one that is away lets the next be tried:
 * a wrong PIN must not be tried on several.
 */
static enum pv_code open_first(const struct backends *b, struct session *s,
			       struct err *err)
{
	struct hsm_login *login = &s->login;
	struct err why;
	enum pv_code rc;

	do {
		err_init(&why);
		rc = b->hsm_open(s->a, login, &s->hsm, &why);
	} while (rc == PV_HSM_TEMP && ++login->token < s->a->tokens_n);
	if (rc != PV_OK)
		*err = why;
	return rc;
}

static enum pv_code open_token(const struct app *app, struct session *s,
			       struct err *err)
{
	s->login = (struct hsm_login){ .pin = &s->pin };
	s->tokens = (struct tokens){ .a = s->a,
				     .backends = app->backends,
				     .login = &s->login,
				     .hsm = &s->hsm };
	if (app->guard) {
		app->guard->timeout_s = s->a->hsm_timeout_s;
		s->login.watch = &app->guard->watch;
	}
	guard_hold_signals();
	return open_first(app->backends, s, err);
}

enum pv_code session_person(const struct app *app, const char *name,
			    const char *key, const char *pin_source,
			    struct officerkey *k, struct err *err)
{
	const struct officerkey_from from = { .backends = app->backends,
					      .name = name,
					      .key = key,
					      .pin_source = pin_source,
					      .softhsm_conf =
						      app->softhsm_conf };

	return officerkey_open(&from, k, err);
}

enum pv_code session_person_check(const struct app *app, const char *name,
				  const char *key, struct err *err)
{
	const struct officerkey_from from = { .backends = app->backends,
					      .name = name,
					      .key = key };

	return officerkey_check(&from, err);
}

static enum pv_code open_home(const struct app *app, struct authority **a,
			      struct actor_claim *claim, struct err *err)
{
	OFFICERKEY k = { .token = false };
	struct note_signer signer = officerkey_signer(&k);
	enum pv_code rc = PV_OK;

	memset(claim, 0, sizeof(*claim));
	if (app->as)
		rc = session_person(app, app->as, app->key, app->pin_source, &k,
				    err);
	if (rc == PV_OK)
		rc = authority_open(app->home, a, err);
	if (rc == PV_OK && app->as)
		rc = actor_claim((*a)->origin, app->verb, k.token, &signer,
				 claim, err);
	return rc;
}

enum pv_code session_home(const struct app *app, struct authority **a,
			  struct actor_claim *claim, struct err *err)
{
	enum pv_code rc = open_home(app, a, claim, err);

	/* What others than root can write may not even be loaded; else who goes
	 * on holds all of it before the PIN is given. */
	return rc == PV_OK && (*a)->own_module
		       ? settings_module(app->backends, *a, err)
		       : rc;
}

static enum pv_code admit(struct session *s, unsigned needs,
			  const struct actor_claim *claim, struct err *err)
{
	enum pv_code rc = actor_enter(s->store, claim, &s->who, err);

	if (rc != PV_OK || (needs & SESSION_GATED))
		return rc;
	return actor_allow(&s->who, (enum role_op)((needs >> 8) - 1), err);
}

enum pv_code session_open(const struct app *app, unsigned needs,
			  struct session *s, struct err *err)
{
	const struct backends *b = app->backends;
	struct actor_claim claim;
	enum pv_code rc;

	memset(s, 0, sizeof(*s));
	rc = open_home(app, &s->a, &claim, err);
	if (rc == PV_OK && (needs & SESSION_HSM))
		rc = settings_module(b, s->a, err);
	if (rc == PV_OK && (needs & SESSION_HSM))
		rc = b->pin_read(s->a, &s->pin, err);
	if (rc == PV_OK && (needs & SESSION_HSM))
		rc = open_token(app, s, err);
	if (rc == PV_OK && (needs & (SESSION_STORE | SESSION_AUDIT)))
		rc = b->store_open(s->a, false, &s->store, err);
	if (rc == PV_OK && (needs & SESSION_STORE))
		rc = checkpoint_load(s->a, s->store, &s->log, err);
	if (rc == PV_OK && (needs & SESSION_STORE) &&
	    !(needs & SESSION_SETTINGS))
		rc = settings_hold(s->a, s->store, needs & SESSION_ROTATES,
				   err);
	if (rc == PV_OK && (needs & SESSION_STORE))
		rc = admit(s, needs, &claim, err);
	return rc;
}

enum pv_code session_login(const struct app *app, struct session *s,
			   struct err *err)
{
	enum pv_code rc;

	if (s->hsm)
		return PV_OK;
	rc = app->backends->pin_read(s->a, &s->pin, err);
	return rc == PV_OK ? open_token(app, s, err) : rc;
}

void session_close(struct session *s)
{
	store_close(s->store);
	hsm_close(s->hsm);
	secret_release(&s->pin);
	authority_close(s->a);
	memset(s, 0, sizeof(*s));
}

void session_leave_token(struct session *s)
{
	hsm_close(TAKE(s->hsm));
	secret_release(&s->pin);
	guard_release_signals();
}
