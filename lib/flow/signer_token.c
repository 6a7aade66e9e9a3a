/* The signer: the token it uses, and the next one when that has gone. */
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/base/pvtime.h"
#include "lib/flow/checkpoint_sign.h"
#include "lib/flow/ctl.h"
#include "lib/flow/checkpoint_sign.h"
#include "lib/flow/signer_impl.h"

/*
 * None for one session. One that asks for each session, so that every session
 * has its next call at hand; and as many that seal and a few more, since what
 * they do may ask the token as well.
 */
static void choose_threads(struct signer *s)
{
	unsigned sessions = hsm_sessions(s->hsm);

	if (sessions <= 1)
		return;
	s->askers_n = sessions;
	s->sealers_n = sessions + sessions / 4 + 1;
}

/* Each thread has its own: contexts of cryptography belong to one. */
static enum pv_code open_signings(struct signer *s, struct err *err)
{
	size_t n = s->opts->contexts_n;

	/* The threads are there when a token takes another's place. */
	if (!s->askers)
		choose_threads(s);
	s->signings_n = (1 + s->askers_n + s->sealers_n) * n;
	s->signings = mem_array(s->signings_n, sizeof(*s->signings), err);
	if (!s->signings)
		return PV_INTERNAL;
	for (size_t i = 0; i < s->signings_n; i++) {
		enum pv_code rc = signing_open(s->opts->contexts[i % n],
					       s->opts->authority->name, s->hsm,
					       &s->signings[i], err);

		if (rc != PV_OK)
			return rc;
	}
	return PV_OK;
}

/* Another signer may be trying the PIN on that token: once is enough. */
static enum pv_code await_pin(_Atomic int *pin, unsigned timeout_s,
			      struct err *err)
{
	int64_t until = pvtime_mono_ms() + (int64_t)timeout_s * 2000;
	int state = SIGNER_PIN_UNTRIED;

	while (!atomic_compare_exchange_strong(pin, &state,
					       SIGNER_PIN_TRYING)) {
		if (state == SIGNER_PIN_GOOD)
			return PV_OK;
		if (state == SIGNER_PIN_REFUSED)
			return err_fail(err, PV_HSM_FATAL, "hsm.login",
					"see what the first signer says",
					"another signer was refused by the "
					"token; it was not tried again");
		if (pvtime_mono_ms() > until)
			return err_fail(err, PV_HSM_TEMP, "hsm.timeout",
					"check the token, then run it again",
					"another signer does not come back "
					"from its login");
		poll(NULL, 0, 10);
		state = SIGNER_PIN_UNTRIED;
	}
	return PV_OK;
}

/* Logs in to exactly the token that s->login names. */
static enum pv_code login_once(struct signer *s, struct err *err)
{
	_Atomic int *pin = &s->opts->pins->of_token[s->login.token];
	enum pv_code rc =
		await_pin(pin, s->opts->authority->hsm_timeout_s, err);

	if (rc != PV_OK)
		return rc;
	if (s->hsm)
		rc = s->opts->backends->hsm_login(s->opts->authority, &s->login,
						  s->hsm, err);
	else
		rc = s->opts->backends->hsm_open(s->opts->authority, &s->login,
						 &s->hsm, err);
	if (rc == PV_OK)
		*pin = SIGNER_PIN_GOOD;
	else if (*pin == SIGNER_PIN_TRYING)
		*pin = rc == PV_HSM_FATAL ? SIGNER_PIN_REFUSED
					  : SIGNER_PIN_UNTRIED;
	return rc;
}

/* One token: login, and the keys held against what is recorded. */
static enum pv_code try_token(struct signer *s, struct err *err)
{
	enum pv_code rc = login_once(s, err);

	if (rc == PV_OK)
		rc = open_signings(s, err);
	if (rc == PV_HSM_TEMP)
		signer_close_token(s);
	return rc;
}

enum pv_code signer_open_token(struct signer *s, struct err *err)
{
	struct err why;
	enum pv_code rc;

	for (;;) {
		err_init(&why);
		rc = try_token(s, &why);
		if (rc != PV_HSM_TEMP ||
		    s->login.token + 1 >= s->opts->authority->tokens_n)
			break;
		s->login.token++;
	}
	if (rc != PV_OK)
		*err = why;
	s->minting.hsm = s->hsm;
	s->minting.signing = s->signings;
	return rc;
}

void signer_close_token(struct signer *s)
{
	for (size_t i = 0; s->signings && i < s->signings_n; i++)
		signing_close(&s->signings[i]);
	free(s->signings);
	s->signings = NULL;
	checkpoint_signer_free(s->log);
	s->log = NULL;
	hsm_close(s->hsm);
	s->hsm = NULL;
}

/* What was under way is done again; what was finished is kept. */
static enum pv_code work_again(struct signer *s, struct err *err)
{
	enum pv_code rc = PV_OK;

	for (size_t k = 0; k < SIGNER_GROUPS; k++) {
		struct signer_group *g =
			s->groups[(s->filling + k) % SIGNER_GROUPS];

		for (size_t i = 0; rc == PV_OK && i < g->n; i++) {
			struct signer_slot *slot = &g->slots[i];

			if (g->state != GROUP_WORKING ||
			    slot->state != SLOT_GO ||
			    (slot->made && slot->rc != PV_HSM_TEMP))
				continue;
			slot->made = false;
			rc = workers_put(s->askers, slot, err);
		}
	}
	return rc;
}

enum pv_code signer_next_token(struct signer *s, const struct err *why,
			       struct err *err)
{
	enum pv_code rc;

	if (s->login.token + 1 >= s->opts->authority->tokens_n) {
		*err = *why;
		return why->code;
	}
	signer_close_token(s);
	s->login.token++;
	/* Its keys are held against what is recorded, as the first one's. */
	rc = signer_open_token(s, err);
	if (rc == PV_OK)
		rc = ctl_say_switched(s->opts->ctl, why, err);
	if (rc == PV_OK)
		rc = work_again(s, err);
	s->moved = true;
	return rc;
}
