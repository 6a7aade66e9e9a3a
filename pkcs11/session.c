#include "pkcs11/session.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pkcs11/keys.h"
#include "pkcs11/lock.h"
#include "pkcs11/rv.h"

static void session_close(struct p11 *p)
{
	if (p->open)
		p->mod.f->C_CloseSession(p->session);
	p->open = false;
}

/* CKR_SESSION_COUNT may pass: waits for it, bounded. */
static CK_RV open_patiently(struct p11 *p)
{
	const struct timespec step = { 0, P11_SESSION_WAIT_STEP_MS * 1000000L };
	CK_FLAGS flags = CKF_SERIAL_SESSION;
	CK_RV rv = CKR_SESSION_COUNT;

	if (!p->facts.write_protected)
		flags |= CKF_RW_SESSION;
	for (int i = 0; i < P11_SESSION_WAIT_TRIES; i++) {
		rv = p->mod.f->C_OpenSession(p->slot, flags, NULL, NULL,
					     &p->session);
		if (rv != CKR_SESSION_COUNT)
			return rv;
		nanosleep(&step, NULL);
	}
	return rv;
}

static enum pv_code session_open(struct p11 *p, struct err *err)
{
	CK_RV rv = open_patiently(p);

	if (rv != CKR_OK)
		return p11_rv_fail(err, rv, "C_OpenSession");
	p->open = true;
	p->stale = false;
	p->generation++;
	return PV_OK;
}

/* An empty PIN could pass where another process has logged in already. */
static enum pv_code check_pin(const struct p11 *p, struct err *err)
{
	size_t len = p->pin ? p->pin->len : 0;

	if (p->facts.protected_path)
		return PV_OK;
	if (len == 0)
		return err_fail(err, PV_HSM_FATAL, "hsm.pin",
				"give the token's PIN", "the PIN is empty");
	if (len < p->facts.min_pin_len ||
	    (p->facts.max_pin_len && len > p->facts.max_pin_len))
		return err_fail(err, PV_HSM_FATAL, "hsm.pin",
				"give the token's PIN",
				"the PIN's length is not one that token %s "
				"takes; it was not tried",
				p->facts.label);
	return PV_OK;
}

static bool is_about_the_pin(CK_RV rv)
{
	return p11_rv_code(rv) == PV_HSM_FATAL;
}

/* One C_Login. */
static enum pv_code login(struct p11 *p, struct err *err)
{
	bool pad = p->facts.protected_path;
	enum pv_code rc;
	CK_RV rv;

	if (!p->facts.login_required)
		return PV_OK;
	if (p->pin_refused)
		return err_fail(err, PV_HSM_FATAL, "hsm.pin",
				"start again with the right PIN",
				"the token refused the PIN before");
	rc = p11_facts_judge_pin(&p->facts, err);
	if (rc == PV_OK)
		rc = check_pin(p, err);
	if (rc != PV_OK)
		return rc;
	rv = p->mod.f->C_Login(p->session, CKU_USER, pad ? NULL : p->pin->data,
			       pad ? 0 : p->pin->len);
	if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
		return PV_OK;
	p->pin_refused = is_about_the_pin(rv);
	return p11_rv_fail(err, rv, "C_Login");
}

/* The token must be the one we met first. */
static enum pv_code take_facts(struct p11 *p, const CK_TOKEN_INFO *info,
			       struct err *err)
{
	struct p11_facts now;

	p11_facts_read(&p->mod, p->slot, info, &now);
	if (p->known && strcmp(now.serial, p->facts.serial) != 0)
		return err_fail(err, PV_HSM_FATAL, "hsm.token-changed",
				"put the right token back and start again",
				"token %s has another serial number than "
				"before",
				now.label);
	p->facts = now;
	p->quirk = p11_quirk_for(&now);
	p->known = true;
	return PV_OK;
}

static enum pv_code lock_take(const struct p11 *p, struct p11_lock *lock,
			      struct err *err)
{
	char name[33];

	p11_uri_lock_name(p->uri, name);
	return p11_lock_take(lock, p->cfg.lock_dir, p->cfg.module, name,
			     p->cfg.timeout_s, err);
}

enum pv_code p11_session_enter(struct p11 *p, struct err *err)
{
	CLEANUP(p11_lock_release) struct p11_lock lock = P11_LOCK_INIT;
	CK_TOKEN_INFO info;
	enum pv_code rc = lock_take(p, &lock, err);

	if (rc == PV_OK)
		rc = p11_module_start(&p->mod, err);
	if (rc == PV_OK)
		rc = p11_slot_find(&p->mod, p->uri, &p->slot, &info, err);
	if (rc == PV_OK)
		rc = take_facts(p, &info, err);
	if (rc == PV_OK)
		rc = p11_facts_judge(&p->facts, err);
	if (rc == PV_OK)
		rc = session_open(p, err);
	if (rc == PV_OK)
		rc = login(p, err);
	if (rc != PV_OK)
		p11_session_leave(p);
	return rc;
}

void p11_session_leave(struct p11 *p)
{
	if (p->mod.initialised)
		session_close(p);
	p->open = false;
	p11_module_stop(&p->mod);
}

enum pv_code p11_session_reopen(struct p11 *p, struct err *err)
{
	CLEANUP(p11_lock_release) struct p11_lock lock = P11_LOCK_INIT;
	CK_TOKEN_INFO info;
	enum pv_code rc;
	CK_RV rv;

	if (!p->mod.initialised)
		return p11_session_enter(p, err);
	rc = lock_take(p, &lock, err);
	if (rc != PV_OK)
		return rc;
	session_close(p);
	rv = p->mod.f->C_GetTokenInfo(p->slot, &info);
	if (rv != CKR_OK)
		return p11_rv_fail(err, rv, "C_GetTokenInfo");
	rc = take_facts(p, &info, err);
	if (rc == PV_OK)
		rc = session_open(p, err);
	if (rc == PV_OK)
		rc = login(p, err);
	/* Without a login the session is of no use. */
	if (rc != PV_OK)
		session_close(p);
	return rc;
}

/* The session is there but the login is gone. */
static enum pv_code login_again(struct p11 *p, struct err *err)
{
	CLEANUP(p11_lock_release) struct p11_lock lock = P11_LOCK_INIT;
	CK_TOKEN_INFO info;
	enum pv_code rc = lock_take(p, &lock, err);
	CK_RV rv;

	if (rc != PV_OK)
		return rc;
	rv = p->mod.f->C_GetTokenInfo(p->slot, &info);
	if (rv != CKR_OK)
		return p11_rv_fail(err, rv, "C_GetTokenInfo");
	rc = take_facts(p, &info, err);
	if (rc == PV_OK)
		rc = login(p, err);
	/* Private objects may have new handles. */
	p->generation++;
	return rc;
}

enum pv_code p11_heal_after(struct p11 *p, CK_RV rv, struct err *err)
{
	switch (p11_rv_heal(rv)) {
	case P11_HEAL_REOPEN:
		return p11_session_reopen(p, err);
	case P11_HEAL_LOGIN:
		return login_again(p, err);
	case P11_HEAL_REINIT:
		p11_session_leave(p);
		return p11_session_enter(p, err);
	case P11_HEAL_NONE:
		break;
	}
	return PV_OK;
}

enum pv_code p11_ready(struct p11 *p, struct hsm_key *key, struct err *err)
{
	enum pv_code rc = PV_OK;

	if (p->owner != getpid())
		return err_fail(err, PV_INTERNAL, "hsm.fork", NULL,
				"a process forked after login uses the HSM");
	if (!p->open || p->stale)
		rc = p11_session_reopen(p, err);
	if (rc == PV_OK && key && key->generation != p->generation)
		rc = p11_key_refind(p, key, err);
	return rc;
}

enum pv_code p11_op_failed(struct p11 *p, CK_RV rv, const char *call,
			   struct err *err)
{
	/* An operation may still be active in the module, or the session may
	 * be of no use any more: the next operation starts on a new one. */
	if (p11_rv_code(rv) == PV_HSM_TEMP || rv == CKR_BUFFER_TOO_SMALL)
		p->stale = true;
	return p11_rv_fail(err, rv, call);
}

enum pv_code p11_do(struct p11 *p, struct hsm_key *key, const struct p11_op *op,
		    void *arg, struct err *err)
{
	enum pv_code rc = p11_ready(p, key, err);
	CK_RV rv;

	if (rc != PV_OK)
		return rc;
	rv = op->run(p, p->session, key, arg);
	if (rv == CKR_OK)
		return PV_OK;
	if (p11_rv_heal(rv) == P11_HEAL_NONE)
		return p11_op_failed(p, rv, op->call, err);
	rc = p11_heal_after(p, rv, err);
	if (rc == PV_OK && op->once)
		return p11_rv_fail(err, rv, op->call);
	if (rc == PV_OK)
		rc = p11_ready(p, key, err);
	if (rc != PV_OK) {
		err_prefix(err, "after %s from %s", p11_rv_name(rv), op->call);
		return rc;
	}
	rv = op->run(p, p->session, key, arg);
	return rv == CKR_OK ? PV_OK : p11_op_failed(p, rv, op->call, err);
}
