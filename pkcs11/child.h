/*
 * child: runs a function in a forked child, bounded in time, and brings back
 * its code, its error and a plain struct. What the function did to memory
 * (libp11's copies of a PIN, a module's state) ends with the child, and a
 * module that hangs is killed without hanging the caller.
 *
 * The caller must not have the module initialised: PKCS#11 2.40, 6.7.1, leaves
 * a child of an initialised process undefined. Single-threaded callers only.
 */
#ifndef PV_PKCS11_CHILD_H
#define PV_PKCS11_CHILD_H

#include "lib/base/err.h"

#define P11_TIMEOUT_DEFAULT_S 20u /* hsm_timeout_s when none is given */

struct p11_child {
	/* In the child; result points to result_len bytes to be filled. */
	enum pv_code (*run)(const void *ctx, void *result, struct err *err);
	const void *ctx;
	size_t result_len;  /* bytes */
	unsigned timeout_s; /* 0: P11_TIMEOUT_DEFAULT_S */
	const char *what;   /* for messages: "preflight" */
};

/*
 * result (result_len bytes, may be NULL when 0) is filled as the child left
 * it, also when its code is not PV_OK; it is untouched after PV_HSM_TEMP rule
 * "hsm.timeout" (killed), PV_HSM_FATAL rule "hsm.crash" (the module took the
 * child down) and PV_INTERNAL (no fork, no pipe).
 */
PV_MUST enum pv_code p11_child_run(const struct p11_child *child, void *result,
				   struct err *err);

#endif
