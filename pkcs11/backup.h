/*
 * backup: a P-256 key that was generated to be backed up, out of the token
 * under a session wrap key, and onto another one; hsm_back_up() and
 * hsm_restore() say the rest. PKCS#11 2.40 5.13; SoftHSM wraps PKCS#8.
 *
 * Does not check: who has the wrap key.
 */
#ifndef PV_PKCS11_BACKUP_H
#define PV_PKCS11_BACKUP_H

#include "pkcs11/wrap.h"

/* A key that was generated to leave this token: else PV_HSM_FATAL, "hsm.key".
 */
PV_MUST enum pv_code p11_may_leave(const struct hsm_key *key, struct err *err);
/* Wraps it under by, tries what came of that, and drops by in any case. */
PV_MUST enum pv_code p11_wrap_out(struct p11 *p, struct p11_wrap_key *by,
				  struct hsm_key *key, struct buf *out,
				  struct err *err);
PV_MUST enum pv_code p11_back_up(struct p11 *p, struct hsm_key *key,
				 const struct secret *by, struct buf *out,
				 struct err *err);
PV_MUST enum pv_code p11_restore(struct p11 *p, struct hsm_restore *in,
				 struct hsm_key **key, struct err *err);

#endif
