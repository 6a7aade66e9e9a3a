/*
 * op: one Cryptoki operation on a session of the pool: fault, one way to heal
 * (rv.h), one more try, then the error.
 *
 * Any number of threads may be in p11_do(). A thread that has to heal is
 * alone while it does. Whoever failed on the same sessions meanwhile does not
 * heal again but shares what came of it: tries once more when it went well,
 * reports the same error when it did not. So one fault in n threads is
 * one C_Login, or one C_Finalize and C_Initialize with no call in the module.
 */
#ifndef PV_PKCS11_OP_H
#define PV_PKCS11_OP_H

#include "pkcs11/session.h"

/* Repeatable; key may be NULL. */
struct p11_op {
	const char *call; /* function that fails: "C_Sign" */
	CK_RV(*run)
	(struct p11 *p, CK_SESSION_HANDLE session, const struct hsm_key *key,
	 void *arg);
	bool once; /* never repeated: it may have had an effect */
};

/*
 * Runs op, and once more after healing. A key's handles are found anew and
 * its identity is compared whenever sessions or login changed.
 */
PV_MUST enum pv_code p11_do(struct p11 *p, struct hsm_key *key,
			    const struct p11_op *op, void *arg,
			    struct err *err);

/*
 * The steps of p11_do(), for callers that look at the CK_RV themselves.
 * p11_lease() waits for a good session, with key's handles good for it; the
 * one who has it ends it by one of the three that follow.
 */
PV_MUST enum pv_code p11_lease(struct p11 *p, struct hsm_key *key,
			       struct p11_lease *lease, struct err *err);
void p11_give_back(struct p11 *p, const struct p11_lease *lease);
/* Gives back and does what rv asks for; after PV_OK one more try is due. */
PV_MUST enum pv_code p11_heal_after(struct p11 *p,
				    const struct p11_lease *lease, CK_RV rv,
				    struct err *err);
/* Gives back and records rv of an operation that is given up. */
PV_MUST enum pv_code p11_op_failed(struct p11 *p, const struct p11_lease *lease,
				   CK_RV rv, const char *call, struct err *err);

/*
 * One C_Finalize and C_Initialize with a login, alone: what is read next is
 * what the token keeps. For a thread that has no session.
 */
PV_MUST enum pv_code p11_start_over(struct p11 *p, struct err *err);

/* How many operations can be under way at once, now. */
unsigned p11_sessions(struct p11 *p);

#endif
