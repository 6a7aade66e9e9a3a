/*
 * session: the logged-in sessions of this process, how it comes in, goes out
 * and comes in again. All of it is for a thread that is alone (pool.h), or the
 * only one; what it changes in struct p11 others read with a lease in hand.
 *
 * A process that comes in (C_Initialize to C_Login) holds the module's lock.
 * C_Login is called once for each way in, however many sessions it opens;
 * after a refused PIN never again. As many sessions as were asked for, or as
 * the token has room for: only the first one must open. Nobody is ever logged
 * out: other processes may share the login.
 */
#ifndef PV_PKCS11_SESSION_H
#define PV_PKCS11_SESSION_H

#include <sys/types.h>

#include "pkcs11/facts.h"
#include "pkcs11/pool.h"
#include "pkcs11/quirks.h"

#define P11_SESSION_WAIT_STEP_MS 50 /* on CKR_SESSION_COUNT */
#define P11_SESSION_WAIT_TRIES 60   /* so 3 s, below the 5 s bound */

/* A key on the token; owned by struct p11 through its list. */
struct hsm_key {
	struct hsm_key *next;
	struct hsm_key_info info;
	CK_OBJECT_HANDLE handle;	/* private or secret key */
	CK_OBJECT_HANDLE public_handle; /* 0 for secret keys */
	unsigned long generation; /* of the pool that the handles belong to */
	bool by_kdf;		  /* HSM_KEY_KDF used through SP 800-108 */
};

/* SHA-256 of the first bytes that the last calls for random bytes gave. */
struct p11_seen {
	uint8_t hash[P11_SESSIONS_MAX][32];
	unsigned n, next;
};

struct p11 {
	struct hsm hsm; /* first: the interface */
	struct p11_module mod;
	struct p11_config cfg;	  /* strings owned */
	struct p11_uri *uri;	  /* owned */
	const struct secret *pin; /* the caller's; may be NULL (pin pad) */
	struct p11_facts facts;
	const struct p11_quirk *quirk;
	CK_SLOT_ID slot;
	struct p11_pool pool;
	bool pin_refused; /* no C_Login any more */
	bool known;	  /* facts.serial was seen once */
	pid_t owner;	  /* a forked copy is of no use */
	struct hsm_key *keys;
	struct p11_seen seen; /* the pool's lock guards it */
};

/* Way in: lock, C_Initialize, slot, C_OpenSession, C_Login, unlock. */
PV_MUST enum pv_code p11_session_enter(struct p11 *p, struct err *err);
/* The way in as far as the slot; p11_session_reopen() goes the rest of it. */
PV_MUST enum pv_code p11_session_meet(struct p11 *p, struct err *err);
/* Way out: closes the sessions, finalizes; keys stay known by CKA_ID. */
void p11_session_leave(struct p11 *p);
/* New sessions on the same token, logged in. */
PV_MUST enum pv_code p11_session_reopen(struct p11 *p, struct err *err);
/* One C_Login: the sessions are there but the login is gone. */
PV_MUST enum pv_code p11_session_login(struct p11 *p, struct err *err);
/*
 * Tells cfg.watch that something is in the module: slot 0 for what is done
 * alone, 1 + seat for an operation on a session.
 */
void p11_watch_enter(struct p11 *p, unsigned slot);
void p11_watch_leave(struct p11 *p, unsigned slot);
/*
 * New sessions for the stale ones, on the login that the others keep. When
 * that fails all of them are stale.
 */
void p11_session_replace(struct p11 *p);

#endif
