/*
 * backup: a P-256 key that was generated to be backed up, out of the token
 * under a session wrap key, and onto another one; hsm_back_up() and
 * hsm_restore() say the rest. PKCS#11 2.40 5.13; SoftHSM wraps PKCS#8.
 *
 * Does not check: who has the wrap key.
 */
#ifndef PV_PKCS11_BACKUP_H
#define PV_PKCS11_BACKUP_H

#include "pkcs11/session.h"

PV_MUST enum pv_code p11_back_up(struct p11 *p, struct hsm_key *key,
				 const struct secret *by, struct buf *out,
				 struct err *err);
PV_MUST enum pv_code p11_restore(struct p11 *p, struct hsm_restore *in,
				 struct hsm_key **key, struct err *err);

#endif
