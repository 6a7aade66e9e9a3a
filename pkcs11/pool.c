#include "pkcs11/pool.h"

#include <string.h>

enum pv_code p11_pool_init(struct p11_pool *pool, struct err *err)
{
	memset(pool, 0, sizeof(*pool));
	err_init(&pool->failure);
	if (pthread_mutex_init(&pool->lock, NULL) != 0 ||
	    pthread_cond_init(&pool->back, NULL) != 0 ||
	    pthread_cond_init(&pool->quiet, NULL) != 0)
		return err_fail(err, PV_INTERNAL, NULL, NULL,
				"no lock for the sessions");
	return PV_OK;
}

void p11_pool_destroy(struct p11_pool *pool)
{
	pthread_cond_destroy(&pool->quiet);
	pthread_cond_destroy(&pool->back);
	pthread_mutex_destroy(&pool->lock);
}

bool p11_pool_take(struct p11_pool *pool, bool waited, struct p11_lease *lease)
{
	if (pool->alone || pool->idle_n <= (waited ? 0 : pool->waiting))
		return false;
	lease->seat = pool->idle[--pool->idle_n];
	lease->session = pool->seats[lease->seat].session;
	lease->heals = pool->heals;
	return true;
}

void p11_pool_wait(struct p11_pool *pool)
{
	pool->waiting++;
	pthread_cond_wait(&pool->back, &pool->lock);
	pool->waiting--;
}

void p11_pool_pass_on(struct p11_pool *pool)
{
	if (pool->waiting && pool->idle_n && !pool->alone)
		pthread_cond_signal(&pool->back);
}

void p11_pool_give(struct p11_pool *pool, const struct p11_lease *lease)
{
	pool->idle[pool->idle_n++] = (uint8_t)lease->seat;
	if (pool->alone && pool->idle_n == pool->size)
		pthread_cond_signal(&pool->quiet);
	p11_pool_pass_on(pool);
}

void p11_pool_stale(struct p11_pool *pool, const struct p11_lease *lease)
{
	if (pool->stale_n == pool->size)
		return;
	pool->seats[lease->seat].stale = true;
	pool->stale_n++;
}

void p11_pool_stale_all(struct p11_pool *pool)
{
	pool->stale_n = pool->size;
}

void p11_pool_alone(struct p11_pool *pool)
{
	pool->alone = true;
	while (pool->idle_n < pool->size)
		pthread_cond_wait(&pool->quiet, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
}

void p11_pool_share(struct p11_pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pool->alone = false;
	pthread_cond_broadcast(&pool->back);
}

void p11_pool_clear(struct p11_pool *pool)
{
	pool->size = pool->idle_n = pool->stale_n = 0;
}

void p11_pool_add(struct p11_pool *pool, CK_SESSION_HANDLE session)
{
	pool->seats[pool->size] = (struct p11_seat){ .session = session };
	pool->idle[pool->idle_n++] = (uint8_t)pool->size++;
	pool->generation++;
}
