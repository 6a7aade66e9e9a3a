/*
 * facts: which slot holds the token of a URI, and what that token can.
 * Asked for at every start, never assumed. Needs an initialised module and no
 * login.
 */
#ifndef PV_PKCS11_FACTS_H
#define PV_PKCS11_FACTS_H

#include "pkcs11/module.h"
#include "pkcs11/pkcs11.h"
#include "pkcs11/uri.h"

#define P11_SLOTS_MAX 1024 /* a module that names more is not believed */

/*
 * The one initialised token that matches. PV_HSM_TEMP rule
 * "hsm.token-missing" when none does, PV_HSM_FATAL rule "hsm.token-double".
 */
PV_MUST enum pv_code p11_slot_find(const struct p11_module *m,
				   const struct p11_uri *uri, CK_SLOT_ID *slot,
				   CK_TOKEN_INFO *info, struct err *err);
/* Flags, limits and mechanisms. Unknown mechanisms are false, not errors. */
void p11_facts_read(const struct p11_module *m, CK_SLOT_ID slot,
		    const CK_TOKEN_INFO *info, struct p11_facts *out);
/*
 * Whether we may go on: PV_HSM_FATAL rule "hsm.pin-locked" (locked or on the
 * final try), "hsm.pin" (never set); PV_DENIED rule "hsm.mechanism".
 */
PV_MUST enum pv_code p11_facts_judge(const struct p11_facts *facts,
				     struct err *err);
/* The state of the PIN alone, before a login. Codes as above. */
PV_MUST enum pv_code p11_facts_judge_pin(const struct p11_facts *facts,
					 struct err *err);

/*
 * Copies a blank-padded field of len bytes into len + 1; what is no text for
 * a terminal becomes '?' (notechars_clean()).
 */
void p11_field(char *out, const CK_UTF8CHAR *field, size_t len);

#endif
