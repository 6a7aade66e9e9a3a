/*
 * lock: one process at a time between C_Initialize and C_Login.
 *
 * SoftHSM loses logins (and, killed there, token files) when processes enter
 * at once, so the way in is taken one by one: flock on a file per token in a
 * folder that the caller names. The kernel drops the lock of a dead process.
 * Two homes that share a token should name one folder.
 */
#ifndef PV_PKCS11_LOCK_H
#define PV_PKCS11_LOCK_H

#include "lib/base/cleanup.h"
#include "lib/base/err.h"

struct p11_lock {
	int fd; /* -1: not held */
};

#define P11_LOCK_INIT                                                          \
	{                                                                      \
		-1                                                             \
	}

/*
 * Waits up to timeout_s (0: the default). The file is named by module and
 * token label. PV_HSM_TEMP rule "hsm.lock" when others hold it all the time;
 * PV_DENIED when the folder is writable by others; PV_STORAGE.
 */
PV_MUST enum pv_code p11_lock_take(struct p11_lock *lock, const char *lock_dir,
				   const char *module, const char *token,
				   unsigned timeout_s, struct err *err);
void p11_lock_release(struct p11_lock *lock);

#endif
