/*
 * rv: the one place where a CK_RV becomes an exit code and a way to heal.
 * The table follows the faults of pkcs11.md; a value it does not hold (a
 * vendor's own) is PV_HSM_FATAL and never healed.
 */
#ifndef PV_PKCS11_RV_H
#define PV_PKCS11_RV_H

#include "lib/base/err.h"
#include "pkcs11/cryptoki.h"

enum p11_heal {
	P11_HEAL_NONE,	 /* report it */
	P11_HEAL_REOPEN, /* new session, log in once, find the key again */
	P11_HEAL_LOGIN,	 /* one C_Login */
	P11_HEAL_REINIT	 /* one C_Finalize and C_Initialize, then report */
};

/* CKR_OK is PV_OK. */
PV_MUST enum pv_code p11_rv_code(CK_RV rv);
PV_MUST enum p11_heal p11_rv_heal(CK_RV rv);
/* "CKR_PIN_INCORRECT"; "CKR_VENDOR_DEFINED" or "unknown CK_RV" otherwise. */
const char *p11_rv_name(CK_RV rv);
/*
 * Records the failed call: the mapped code, rule "hsm.<what>", err->ckr.
 * call is the function's name ("C_Sign"). rv is not CKR_OK (that would be
 * PV_INTERNAL). An earlier cause in err stays.
 */
PV_MUST enum pv_code p11_rv_fail(struct err *err, CK_RV rv, const char *call);
/* As p11_rv_fail() with a code that the situation gives instead. */
PV_MUST enum pv_code p11_rv_fail_as(struct err *err, CK_RV rv,
				    enum pv_code code, const char *rule,
				    const char *call);

#endif
