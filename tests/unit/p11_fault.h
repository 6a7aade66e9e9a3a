/*
 * p11_fault: puts faults between struct p11 and its module: function x, from
 * the nth call on, so many times, CK_RV y. Counts every call that it covers,
 * and who is in the module at once. Calls may come from any thread; what is
 * set for a token (flags, serial, sessions, random) is set while one runs.
 */
#ifndef PV_TESTS_P11_FAULT_H
#define PV_TESTS_P11_FAULT_H

#include "pkcs11/session.h"

enum fault_fn {
	FAULT_INITIALIZE,
	FAULT_FINALIZE,
	FAULT_GET_SLOT_LIST,
	FAULT_GET_TOKEN_INFO,
	FAULT_OPEN_SESSION,
	FAULT_LOGIN,
	FAULT_FIND_INIT,
	FAULT_GET_ATTRIBUTE,
	FAULT_SIGN_INIT,
	FAULT_SIGN,
	FAULT_ENCRYPT,
	FAULT_DECRYPT,
	FAULT_RANDOM,
	FAULT_DESTROY,
	FAULT_GENERATE,
	FAULT_N
};

#define FAULT_FOR_EVER (-1)

/* Replaces p's function list by one with faults, none of them set. */
void fault_install(struct p11 *p);
/* skip calls pass first; then times calls answer rv, unexecuted. */
void fault_set(enum fault_fn fn, int skip, int times, CK_RV rv);
/* Those times calls wait for each other, so that so many threads fail at once;
 * after fault_set(). */
void fault_gather(enum fault_fn fn);
/* What every call of it takes, done or not. */
void fault_delay(enum fault_fn fn, unsigned us);
/* Calls since fault_install() or fault_reset(). */
int fault_calls(enum fault_fn fn);
/* Most calls inside the module at once; how many of those were beside
 * C_Initialize or C_Finalize, which is never allowed. */
int fault_most(void);
int fault_overlaps(void);
/* Forgets faults and counts. */
void fault_reset(void);
/* Token flags that C_GetTokenInfo adds, and a serial it gives instead. */
void fault_token(CK_FLAGS flags, const char *serial);
/* The limit of sessions that C_GetTokenInfo gives instead. */
void fault_sessions(CK_ULONG most);
/* Length that C_Sign, C_Decrypt or C_GetAttributeValue claims (0: its own),
 * with the call done. */
void fault_length(enum fault_fn fn, CK_ULONG len);
/* C_DestroyObject says that it was done, C_FindObjects no longer finds the
 * object, and after C_Finalize it is back. */
void fault_undead(bool on);
/* What C_GenerateRandom fills in: a byte, or -1 for the token's own. */
void fault_random(int byte);

/* How many objects the first session of h sees, its own among them. */
size_t fault_objects(struct hsm *h);

#endif
