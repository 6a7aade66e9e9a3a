#include "pkcs11/session.h"

#include <string.h>
#include <time.h>

#include "lib/base/pvtime.h"
#include "pkcs11/lock.h"
#include "pkcs11/rv.h"

void p11_watch_enter(struct p11 *p, unsigned slot)
{
	if (p->cfg.watch)
		p->cfg.watch->busy_since_ms[slot] = pvtime_mono_ms();
}

void p11_watch_leave(struct p11 *p, unsigned slot)
{
	if (p->cfg.watch)
		p->cfg.watch->busy_since_ms[slot] = 0;
}

static CK_SESSION_HANDLE first_of(const struct p11 *p)
{
	return p->pool.seats[0].session;
}

static void close_all(struct p11 *p)
{
	for (unsigned i = 0; i < p->pool.size; i++)
		p->mod.f->C_CloseSession(p->pool.seats[i].session);
	p11_pool_clear(&p->pool);
}

static CK_RV open_one(const struct p11 *p, CK_SESSION_HANDLE *session)
{
	CK_FLAGS flags = CKF_SERIAL_SESSION;

	if (!p->facts.write_protected)
		flags |= CKF_RW_SESSION;
	return p->mod.f->C_OpenSession(p->slot, flags, NULL, NULL, session);
}

/* CKR_SESSION_COUNT may pass: waits for it, bounded. */
static CK_RV open_patiently(const struct p11 *p, CK_SESSION_HANDLE *session)
{
	const struct timespec step = { 0, P11_SESSION_WAIT_STEP_MS * 1000000L };
	CK_RV rv = CKR_SESSION_COUNT;

	for (int i = 0; i < P11_SESSION_WAIT_TRIES; i++) {
		rv = open_one(p, session);
		if (rv != CKR_SESSION_COUNT)
			return rv;
		nanosleep(&step, NULL);
	}
	return rv;
}

static enum pv_code open_first(struct p11 *p, struct err *err)
{
	CK_SESSION_HANDLE session = 0;
	CK_RV rv = open_patiently(p, &session);

	if (rv != CKR_OK)
		return p11_rv_fail(err, rv, "C_OpenSession");
	p11_pool_add(&p->pool, session);
	return PV_OK;
}

static unsigned at_most(unsigned n, unsigned long limit)
{
	return limit && limit < n ? (unsigned)limit : n;
}

/* What is asked for, within what the token says it has room for. */
static unsigned sessions_wanted(const struct p11 *p)
{
	unsigned n = p->cfg.sessions ? p->cfg.sessions : 1;

	n = at_most(n, P11_SESSIONS_MAX);
	n = at_most(n, p->facts.max_sessions);
	if (!p->facts.write_protected)
		n = at_most(n, p->facts.max_rw_sessions);
	return n;
}

/* Modules have many words for "no more": whatever it is, the first session
 * serves, and tells when there is more to it. */
static void open_others(struct p11 *p)
{
	unsigned wanted = sessions_wanted(p);
	CK_SESSION_HANDLE session = 0;

	while (p->pool.size < wanted && open_one(p, &session) == CKR_OK)
		p11_pool_add(&p->pool, session);
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
	/* A person at the pad may take their time. */
	if (pad)
		p11_watch_leave(p, 0);
	rv = p->mod.f->C_Login(first_of(p), CKU_USER, pad ? NULL : p->pin->data,
			       pad ? 0 : p->pin->len);
	p11_watch_enter(p, 0);
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

/* Without a login the sessions are of no use. */
static enum pv_code come_in(struct p11 *p, struct err *err)
{
	enum pv_code rc = open_first(p, err);

	if (rc == PV_OK)
		rc = login(p, err);
	if (rc == PV_OK)
		open_others(p);
	else
		close_all(p);
	return rc;
}

/* Under the lock, from nothing to a token that was looked at. */
static enum pv_code meet_locked(struct p11 *p, struct err *err)
{
	CK_TOKEN_INFO info;
	enum pv_code rc = p11_module_start(&p->mod, err);

	if (rc == PV_OK)
		rc = p11_slot_find(&p->mod, p->uri, &p->slot, &info, err);
	if (rc == PV_OK)
		rc = take_facts(p, &info, err);
	return rc == PV_OK ? p11_facts_judge(&p->facts, err) : rc;
}

/* Under the lock, from nothing to a login. */
static enum pv_code enter_locked(struct p11 *p, struct err *err)
{
	enum pv_code rc = meet_locked(p, err);

	return rc == PV_OK ? come_in(p, err) : rc;
}

static enum pv_code token_info(const struct p11 *p, CK_TOKEN_INFO *info,
			       struct err *err)
{
	CK_RV rv = p->mod.f->C_GetTokenInfo(p->slot, info);

	return rv == CKR_OK ? PV_OK : p11_rv_fail(err, rv, "C_GetTokenInfo");
}

/* Under the lock: the same token, new sessions. */
static enum pv_code reopen_locked(struct p11 *p, struct err *err)
{
	CK_TOKEN_INFO info;
	enum pv_code rc;

	close_all(p);
	rc = token_info(p, &info, err);
	if (rc == PV_OK)
		rc = take_facts(p, &info, err);
	return rc == PV_OK ? come_in(p, err) : rc;
}

/* Under the lock: the same token, the same sessions. */
static enum pv_code login_locked(struct p11 *p, struct err *err)
{
	CK_TOKEN_INFO info;
	enum pv_code rc = token_info(p, &info, err);

	if (rc == PV_OK)
		rc = take_facts(p, &info, err);
	if (rc == PV_OK)
		rc = login(p, err);
	/* Private objects may have new handles. */
	p->pool.generation++;
	return rc;
}

/* Waiting for the lock is not the token's time. */
static enum pv_code
with_lock(struct p11 *p, enum pv_code (*what)(struct p11 *p, struct err *err),
	  struct err *err)
{
	CLEANUP(p11_lock_release) struct p11_lock lock = P11_LOCK_INIT;
	enum pv_code rc = p11_lock_take(&lock, p->cfg.lock_dir, p->cfg.module,
					p->cfg.timeout_s, err);

	if (rc != PV_OK)
		return rc;
	p11_watch_enter(p, 0);
	rc = what(p, err);
	p11_watch_leave(p, 0);
	return rc;
}

enum pv_code p11_session_enter(struct p11 *p, struct err *err)
{
	enum pv_code rc = with_lock(p, enter_locked, err);

	if (rc != PV_OK)
		p11_session_leave(p);
	return rc;
}

enum pv_code p11_session_meet(struct p11 *p, struct err *err)
{
	enum pv_code rc = with_lock(p, meet_locked, err);

	if (rc != PV_OK)
		p11_session_leave(p);
	return rc;
}

void p11_session_leave(struct p11 *p)
{
	p11_watch_enter(p, 0);
	if (p->mod.initialised)
		close_all(p);
	p11_pool_clear(&p->pool);
	p11_module_stop(&p->mod);
	p11_watch_leave(p, 0);
}

enum pv_code p11_session_reopen(struct p11 *p, struct err *err)
{
	return p->mod.initialised ? with_lock(p, reopen_locked, err)
				  : p11_session_enter(p, err);
}

enum pv_code p11_session_login(struct p11 *p, struct err *err)
{
	return with_lock(p, login_locked, err);
}

static void replace_stale(struct p11 *p)
{
	struct p11_pool *pool = &p->pool;

	for (unsigned i = 0; i < pool->size; i++) {
		struct p11_seat *seat = &pool->seats[i];

		if (!seat->stale)
			continue;
		p->mod.f->C_CloseSession(seat->session);
		seat->session = 0;
		if (open_one(p, &seat->session) != CKR_OK) {
			p11_pool_stale_all(pool);
			return;
		}
		seat->stale = false;
		pool->stale_n--;
		/* Session objects of the old one are gone. */
		pool->generation++;
	}
}

void p11_session_replace(struct p11 *p)
{
	p11_watch_enter(p, 0);
	replace_stale(p);
	p11_watch_leave(p, 0);
}
