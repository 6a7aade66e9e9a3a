#include "pkcs11/op.h"

#include <unistd.h>

#include "pkcs11/keys.h"
#include "pkcs11/rv.h"

/* With the lock and nobody alone, or alone. */
static bool sessions_are_good(const struct p11_pool *pool)
{
	return pool->size && !pool->stale_n;
}

static bool handles_are_good(const struct p11_pool *pool,
			     const struct hsm_key *key)
{
	return !key || key->generation == pool->generation;
}

/* What came of the last attempt to heal. */
static enum pv_code share_outcome(const struct p11_pool *pool, struct err *err)
{
	if (pool->failure.code == PV_OK)
		return PV_OK;
	if (err && err->code == PV_OK)
		*err = pool->failure;
	return pool->failure.code;
}

/* Alone. *healing: all sessions had to go. */
static enum pv_code set_right_alone(struct p11 *p, struct hsm_key *key,
				    bool *healing, struct err *err)
{
	struct p11_pool *pool = &p->pool;
	enum pv_code rc = PV_OK;

	if (pool->stale_n && pool->stale_n < pool->size)
		p11_session_replace(p);
	*healing = !sessions_are_good(pool);
	if (*healing)
		rc = p11_session_reopen(p, err);
	if (rc != PV_OK || handles_are_good(pool, key))
		return rc;
	p11_watch_enter(p, 0);
	rc = p11_key_refind(p, key, err);
	p11_watch_leave(p, 0);
	if (rc == PV_HSM_TEMP)
		p11_pool_stale_all(pool);
	return rc;
}

/*
 * With the lock, nobody alone. seen: attempts when the caller came; one that
 * failed since then was made for it too.
 */
static enum pv_code set_right(struct p11 *p, struct hsm_key *key,
			      unsigned long seen, struct err *err)
{
	struct p11_pool *pool = &p->pool;
	bool healing = false;
	struct err why;
	enum pv_code rc;

	if (!sessions_are_good(pool) && pool->heals != seen &&
	    pool->failure.code != PV_OK)
		return share_outcome(pool, err);
	err_init(&why);
	p11_pool_alone(pool);
	rc = set_right_alone(p, key, &healing, &why);
	p11_pool_share(pool);
	if (healing) {
		pool->heals++;
		pool->failure = why;
	}
	if (rc != PV_OK && err && err->code == PV_OK)
		*err = why;
	return rc;
}

enum pv_code p11_lease(struct p11 *p, struct hsm_key *key,
		       struct p11_lease *lease, struct err *err)
{
	struct p11_pool *pool = &p->pool;
	enum pv_code rc = PV_OK;
	bool waited = false;
	unsigned long seen;

	/* First of all: a forked copy may have got its lock taken. */
	if (p->owner != getpid())
		return err_fail(err, PV_INTERNAL, "hsm.fork", NULL,
				"a process forked after login uses the HSM");
	pthread_mutex_lock(&pool->lock);
	seen = pool->heals;
	while (rc == PV_OK) {
		if (!pool->alone &&
		    (!sessions_are_good(pool) || !handles_are_good(pool, key)))
			rc = set_right(p, key, seen, err);
		else if (p11_pool_take(pool, waited, lease))
			break;
		else {
			p11_pool_wait(pool);
			waited = true;
		}
	}
	p11_pool_pass_on(pool);
	pthread_mutex_unlock(&pool->lock);
	if (rc == PV_OK)
		p11_watch_enter(p, 1 + lease->seat);
	return rc;
}

void p11_give_back(struct p11 *p, const struct p11_lease *lease)
{
	p11_watch_leave(p, 1 + lease->seat);
	pthread_mutex_lock(&p->pool.lock);
	p11_pool_give(&p->pool, lease);
	pthread_mutex_unlock(&p->pool.lock);
}

static enum pv_code heal_alone(struct p11 *p, enum p11_heal how,
			       struct err *err)
{
	switch (how) {
	case P11_HEAL_REOPEN:
		return p11_session_reopen(p, err);
	case P11_HEAL_LOGIN:
		return p11_session_login(p, err);
	case P11_HEAL_REINIT:
		p11_session_leave(p);
		return p11_session_enter(p, err);
	case P11_HEAL_NONE:
		break;
	}
	return PV_OK;
}

/* With the lock, without a session. Not p11_pool_wait(): no session is to be
 * kept for this thread. */
static void wait_until_shared(struct p11_pool *pool)
{
	while (pool->alone)
		pthread_cond_wait(&pool->back, &pool->lock);
}

/* With the lock, nobody alone. */
static void heal(struct p11 *p, enum p11_heal how)
{
	struct p11_pool *pool = &p->pool;
	struct err why;
	enum pv_code rc;

	err_init(&why);
	p11_pool_alone(pool);
	rc = heal_alone(p, how, &why);
	p11_pool_share(pool);
	pool->heals++;
	pool->failure = why;
	pool->failure.code = rc;
}

enum pv_code p11_start_over(struct p11 *p, struct err *err)
{
	struct p11_pool *pool = &p->pool;
	enum pv_code rc;

	pthread_mutex_lock(&pool->lock);
	wait_until_shared(pool);
	heal(p, P11_HEAL_REINIT);
	rc = share_outcome(pool, err);
	pthread_mutex_unlock(&pool->lock);
	return rc;
}

enum pv_code p11_heal_after(struct p11 *p, const struct p11_lease *lease,
			    CK_RV rv, struct err *err)
{
	struct p11_pool *pool = &p->pool;
	enum pv_code rc;

	p11_watch_leave(p, 1 + lease->seat);
	pthread_mutex_lock(&pool->lock);
	p11_pool_give(pool, lease);
	wait_until_shared(pool);
	if (pool->heals == lease->heals)
		heal(p, p11_rv_heal(rv));
	rc = share_outcome(pool, err);
	pthread_mutex_unlock(&pool->lock);
	return rc;
}

enum pv_code p11_op_failed(struct p11 *p, const struct p11_lease *lease,
			   CK_RV rv, const char *call, struct err *err)
{
	struct p11_pool *pool = &p->pool;

	p11_watch_leave(p, 1 + lease->seat);
	pthread_mutex_lock(&pool->lock);
	/* The token may not be the same when it is back: nothing is used
	 * before that was looked at. */
	if (p11_rv_code(rv) == PV_HSM_TEMP)
		p11_pool_stale_all(pool);
	/* The operation is still active in the module. */
	else if (rv == CKR_BUFFER_TOO_SMALL)
		p11_pool_stale(pool, lease);
	p11_pool_give(pool, lease);
	pthread_mutex_unlock(&pool->lock);
	return p11_rv_fail(err, rv, call);
}

/* Holds the lease still when *rv is not CKR_OK. */
static enum pv_code try_once(struct p11 *p, struct hsm_key *key,
			     const struct p11_op *op, void *arg,
			     struct p11_lease *lease, CK_RV *rv,
			     struct err *err)
{
	enum pv_code rc = p11_lease(p, key, lease, err);

	*rv = CKR_OK;
	if (rc != PV_OK)
		return rc;
	*rv = op->run(p, lease->session, key, arg);
	if (*rv == CKR_OK)
		p11_give_back(p, lease);
	return PV_OK;
}

enum pv_code p11_do(struct p11 *p, struct hsm_key *key, const struct p11_op *op,
		    void *arg, struct err *err)
{
	struct p11_lease lease;
	CK_RV rv, first;
	enum pv_code rc = try_once(p, key, op, arg, &lease, &rv, err);

	if (rc != PV_OK || rv == CKR_OK)
		return rc;
	if (p11_rv_heal(rv) == P11_HEAL_NONE)
		return p11_op_failed(p, &lease, rv, op->call, err);
	first = rv;
	rc = p11_heal_after(p, &lease, rv, err);
	if (rc == PV_OK && op->once)
		return p11_rv_fail(err, rv, op->call);
	if (rc == PV_OK)
		rc = try_once(p, key, op, arg, &lease, &rv, err);
	if (rc != PV_OK) {
		err_prefix(err, "after %s from %s", p11_rv_name(first),
			   op->call);
		return rc;
	}
	return rv == CKR_OK ? PV_OK
			    : p11_op_failed(p, &lease, rv, op->call, err);
}

unsigned p11_sessions(struct p11 *p)
{
	struct p11_pool *pool = &p->pool;
	unsigned n;

	pthread_mutex_lock(&pool->lock);
	wait_until_shared(pool);
	n = pool->size;
	pthread_mutex_unlock(&pool->lock);
	return n;
}
