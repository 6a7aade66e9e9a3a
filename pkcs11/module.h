/*
 * module: finding and loading a PKCS#11 module safely.
 *
 * A module is code that gets the PIN, so its path is absolute and every step
 * of it (folders, symbolic links, the file) belongs to root or the caller and
 * is not writable by anyone else; a sticky folder such as /tmp passes, since
 * what lies in it is checked the same way. The resolved path is loaded.
 *
 * Does not check: what the module links to, or its signature.
 */
#ifndef PV_PKCS11_MODULE_H
#define PV_PKCS11_MODULE_H

#include <limits.h>

#include "lib/base/err.h"
#include "pkcs11/cryptoki.h"

#define P11_LINKS_MAX 16 /* symbolic links followed in one path */

struct p11_module {
	void *dl;	     /* dlopen handle; owned */
	CK_FUNCTION_LIST *f; /* the module's */
	bool initialised;    /* by us, in this process */
};

/*
 * Checks path and writes where it really leads. PV_DENIED rule "hsm.module"
 * (relative, wrong owner, writable by others, not a regular file, too many
 * links), PV_NOT_FOUND (nothing there), PV_STORAGE.
 */
PV_MUST enum pv_code p11_module_resolve(const char *path, char out[PATH_MAX],
					struct err *err);
/*
 * Resolves, loads and asks for the function list (2.40); nothing is
 * initialised. PV_HSM_FATAL when it is no PKCS#11 2.20+ module.
 */
PV_MUST enum pv_code p11_module_load(struct p11_module *m, const char *path,
				     struct err *err);
/*
 * C_Initialize with CKF_OS_LOCKING_OK. PV_HSM_FATAL, rule "hsm.call", when
 * another part of this process has initialised the module.
 */
PV_MUST enum pv_code p11_module_start(struct p11_module *m, struct err *err);
/* C_Finalize if initialised; its result does not matter any more. */
void p11_module_stop(struct p11_module *m);
/* Stops and forgets. The code stays mapped: modules crash when unmapped. */
void p11_module_unload(struct p11_module *m);

#endif
