/*
 * lock: one process at a time between C_Initialize and C_Login.
 *
 * SoftHSM loses logins (and, killed there, token files) when processes enter
 * at once, so the way in is taken one by one: flock on a file in a folder that
 * the caller names. The kernel drops the lock of a dead process.
 *
 * The file is per module and not per token. Which token a URI means is known
 * only after C_Initialize, and one token has many URIs (by label, by serial
 * number); C_Initialize reads every token of the module, also those that
 * others log in to. Two homes that share a token should name one folder.
 */
#ifndef PV_PKCS11_LOCK_H
#define PV_PKCS11_LOCK_H

#include "lib/base/cleanup.h"
#include "lib/base/err.h"

#define P11_LOCK_PATIENCE 8 /* ways in that one may wait for */

struct p11_lock {
	int fd; /* -1: not held */
};

#define P11_LOCK_INIT                                                          \
	{                                                                      \
		-1                                                             \
	}

/*
 * module as p11_module_resolve() gives it: one spelling. Waits for as many
 * others as P11_LOCK_PATIENCE says, each of which is ended after timeout_s (0:
 * the default). PV_HSM_TEMP rule "hsm.lock" when others hold it all the time;
 * PV_DENIED when the folder is writable by others; PV_STORAGE. lock_dir NULL:
 * nothing is held.
 */
PV_MUST enum pv_code p11_lock_take(struct p11_lock *lock, const char *lock_dir,
				   const char *module, unsigned timeout_s,
				   struct err *err);
void p11_lock_release(struct p11_lock *lock);

#endif
