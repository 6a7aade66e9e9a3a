/*
 * destroy: the key objects of one CKA_ID, counted and destroyed. A module's
 * word is not enough: p11_is_gone() asks it again after a new start.
 */
#ifndef PV_PKCS11_DESTROY_H
#define PV_PKCS11_DESTROY_H

#include "pkcs11/session.h"

/* hsm_destroy(). */
PV_MUST enum pv_code p11_destroy_key(struct p11 *p,
				     const struct hsm_doomed *key,
				     struct err *err);
/*
 * Starts the module anew and looks: PV_OK only when none is left. PV_HSM_FATAL,
 * rule "hsm.not-destroyed", when one is. Session objects (p11_wrap_key) are
 * gone afterwards.
 */
PV_MUST enum pv_code p11_is_gone(struct p11 *p, const uint8_t id[HSM_ID_LEN],
				 struct err *err);
/* Takes back what was made under that CKA_ID, which nobody else has: destroyed
 * whatever its label, and p11_is_gone(). */
PV_MUST enum pv_code p11_destroy_id(struct p11 *p, const uint8_t id[HSM_ID_LEN],
				    struct err *err);
/* How many key objects have that CKA_ID, whatever their label. */
PV_MUST enum pv_code p11_count_id(struct p11 *p, const uint8_t id[HSM_ID_LEN],
				  size_t *n, struct err *err);

#endif
