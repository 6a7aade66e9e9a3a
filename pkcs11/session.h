/*
 * session: the one logged-in session of this process, and how it is kept
 * alive: fault, one way to heal (rv.h), one more try, then the error.
 *
 * A process that comes in (C_Initialize to C_Login) holds the token's lock.
 * C_Login is called once for each way in; after a refused PIN never again.
 * Nobody is ever logged out: other processes may share the login.
 */
#ifndef PV_PKCS11_SESSION_H
#define PV_PKCS11_SESSION_H

#include <sys/types.h>

#include "pkcs11/facts.h"
#include "pkcs11/quirks.h"

#define P11_SESSION_WAIT_STEP_MS 50 /* on CKR_SESSION_COUNT */
#define P11_SESSION_WAIT_TRIES 60   /* so 3 s, below the 5 s bound */

/* A key on the token; owned by struct p11 through its list. */
struct hsm_key {
	struct hsm_key *next;
	struct hsm_key_info info;
	CK_OBJECT_HANDLE handle;	/* private or secret key */
	CK_OBJECT_HANDLE public_handle; /* 0 for secret keys */
	unsigned long generation; /* of the session the handles belong to */
	bool by_kdf;		  /* HSM_KEY_KDF used through SP 800-108 */
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
	CK_SESSION_HANDLE session;
	bool open;		  /* session is ours to close */
	bool stale;		  /* reopen before the next operation */
	bool pin_refused;	  /* no C_Login any more */
	bool known;		  /* facts.serial was seen once */
	pid_t owner;		  /* a forked copy is of no use */
	unsigned long generation; /* +1 with every new session */
	struct hsm_key *keys;
	uint8_t last_random[32]; /* SHA-256 of the last call's first bytes */
	bool random_seen;
};

/* One Cryptoki operation, repeatable; key may be NULL. */
struct p11_op {
	const char *call; /* function that fails: "C_Sign" */
	CK_RV (*run)
	(struct p11 *p, CK_SESSION_HANDLE session, const struct hsm_key *key,
	 void *arg);
	bool once; /* never repeated: it may have had an effect */
};

/* Way in: lock, C_Initialize, slot, C_OpenSession, C_Login, unlock. */
PV_MUST enum pv_code p11_session_enter(struct p11 *p, struct err *err);
/* Way out: closes the session, finalizes; keys stay known by CKA_ID. */
void p11_session_leave(struct p11 *p);
/* A new session on the same token, logged in. */
PV_MUST enum pv_code p11_session_reopen(struct p11 *p, struct err *err);

/*
 * Runs op, and once more after healing. A key's handles are found anew and
 * its identity is compared whenever the session changed.
 */
PV_MUST enum pv_code p11_do(struct p11 *p, struct hsm_key *key,
			    const struct p11_op *op, void *arg,
			    struct err *err);
/* What p11_do() does after rv, for callers that look at rv themselves. */
PV_MUST enum pv_code p11_heal_after(struct p11 *p, CK_RV rv, struct err *err);
/* Records rv of an operation that is given up. */
PV_MUST enum pv_code p11_op_failed(struct p11 *p, CK_RV rv, const char *call,
				   struct err *err);
/* Makes key's handles good for the present session (and that session good). */
PV_MUST enum pv_code p11_ready(struct p11 *p, struct hsm_key *key,
			       struct err *err);

#endif
