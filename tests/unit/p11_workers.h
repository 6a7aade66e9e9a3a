/*
 * p11_workers: a SoftHSM token, a P-256 key and threads that use one hsm at
 * once, with p11_fault in between. A thread judges nothing itself: it leaves
 * what came of its calls for the main thread.
 */
#ifndef PV_TESTS_P11_WORKERS_H
#define PV_TESTS_P11_WORKERS_H

#include <pthread.h>

#include "pkcs11/session.h"

#define WORKERS_MAX 8
#define WORKERS_DELAY_US 1000 /* a slow token: calls overlap */

/* What the suite works on. */
struct workers_hsm {
	struct hsm *h;
	struct p11 *p; /* the same */
	struct hsm_key *key;
};
extern struct workers_hsm whsm;

struct worker {
	pthread_t thread;
	int number;
	int rounds; /* wanted */
	int good, wrong;
	enum pv_code code; /* of the call that ended it */
	struct err err;
};
extern struct worker workers[WORKERS_MAX];

/* A new token with that many sessions at most, and the faults installed. */
void workers_open(unsigned sessions);
/* Starts so many threads on work and waits for them. */
void workers_run(int threads, int rounds, void *(*work)(void *));
/* work: signs and verifies until it is done or a call fails. */
void *workers_sign(void *worker);

/* What came of them. */
void workers_all_good(int threads, int rounds);
void workers_all_failed(int threads, enum pv_code code, const char *rule);
/* Forgets the faults: every one of the sessions is free and works. */
void workers_pool_is_whole(unsigned sessions);

#endif
