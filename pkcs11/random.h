/*
 * random: bytes from the token, with a health test: 16 bytes of zero, or the
 * same 16 bytes twice in a row in a call, or at the head of two of the last 64
 * calls of whichever threads, are fatal.
 */
#ifndef PV_PKCS11_RANDOM_H
#define PV_PKCS11_RANDOM_H

#include "pkcs11/session.h"

/* PV_HSM_FATAL, rule "hsm.random", from the health test. */
PV_MUST enum pv_code p11_random(struct p11 *p, uint8_t *out, size_t len,
				struct err *err);

#endif
