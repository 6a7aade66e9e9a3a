/*
 * pool: the sessions of one login, and who may be in the module when.
 *
 * Two ways in, as with a reader-writer lock. Sharing: a thread takes a
 * session, runs one operation on it and gives it back; so many at once as
 * there are sessions, the others wait in about the order in which they came.
 * Alone: a thread waits until every session is back, and nobody takes one
 * until it is done. Sessions are opened and closed, the module is finalized,
 * handles and facts change only while somebody is alone: whoever holds a
 * session reads all of that without a lock.
 *
 * The waits have no bound of their own: the only thing they wait for is a
 * call in the module, and one that hangs ends with its process
 * (hsm_timeout_s). Nothing of Cryptoki is called here.
 */
#ifndef PV_PKCS11_POOL_H
#define PV_PKCS11_POOL_H

#include <pthread.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/hsm.h"
#include "pkcs11/cryptoki.h"

#define P11_SESSIONS_MAX HSM_SESSIONS_MAX

struct p11_seat {
	CK_SESSION_HANDLE session;
	bool stale; /* an operation may be active on it */
};

struct p11_pool {
	pthread_mutex_t lock;
	pthread_cond_t back;  /* a session is free, or nobody is alone */
	pthread_cond_t quiet; /* the last session came back */
	struct p11_seat seats[P11_SESSIONS_MAX];
	unsigned size; /* sessions that are open; 0: go in first */
	uint8_t idle[P11_SESSIONS_MAX]; /* seats not taken: a stack */
	unsigned idle_n;
	unsigned stale_n; /* to be reopened first; size: all of them */
	unsigned waiting; /* threads without a session */
	bool alone;
	unsigned long generation; /* of handles: +1 with a session or login */
	unsigned long heals;	  /* attempts to heal, good or bad */
	struct err failure; /* of the last attempt; PV_OK when it was good */
};

/* One session in one thread's hands. */
struct p11_lease {
	CK_SESSION_HANDLE session;
	unsigned seat;
	unsigned long heals; /* when it was taken */
};

PV_MUST enum pv_code p11_pool_init(struct p11_pool *pool, struct err *err);
void p11_pool_destroy(struct p11_pool *pool);

/*
 * With the lock held. p11_pool_take() is false when somebody is alone or no
 * session is left; who has not waited leaves one to everybody who does.
 */
PV_MUST bool p11_pool_take(struct p11_pool *pool, bool waited,
			   struct p11_lease *lease);
void p11_pool_wait(struct p11_pool *pool);
void p11_pool_give(struct p11_pool *pool, const struct p11_lease *lease);
/* A thread that waited and goes without a session: the next one's turn. */
void p11_pool_pass_on(struct p11_pool *pool);
/* Its session is not used before it was reopened. */
void p11_pool_stale(struct p11_pool *pool, const struct p11_lease *lease);
/* No session is. */
void p11_pool_stale_all(struct p11_pool *pool);

/* Entered with the lock and without a session; returns without the lock. */
void p11_pool_alone(struct p11_pool *pool);
/* The opposite; returns with the lock. */
void p11_pool_share(struct p11_pool *pool);

/* While alone: forgets all sessions; takes one more in. */
void p11_pool_clear(struct p11_pool *pool);
void p11_pool_add(struct p11_pool *pool, CK_SESSION_HANDLE session);

#endif
