/*
 * tokensign: one key of the authority, found in the token, compared with what
 * the store recorded, and a verifier beside it: what the token answers is
 * checked before anybody sees it (promise 1).
 */
#ifndef PV_FLOW_TOKENSIGN_H
#define PV_FLOW_TOKENSIGN_H

#include "lib/flow/context.h"
#include "lib/hsm.h"
#include "lib/x509/cert.h"

struct tokensign {
	struct hsm *hsm;     /* borrowed */
	struct hsm_key *key; /* the hsm's */
	struct x509_verifier *verifier;
	uint8_t spki[HSM_SPKI_MAX];
	size_t spki_len;
	uint8_t kid[8]; /* first bytes of SHA-256(SPKI) */
};

/*
 * Finds the P-256 key that was recorded as want. Codes of ownkey_find(), and
 * PV_HSM_FATAL, "hsm.key", when it is of another kind.
 */
PV_MUST enum pv_code tokensign_open(struct tokensign *t, struct hsm *hsm,
				    const struct issue_key *want,
				    struct err *err);
/* Takes one that is zeroed. */
void tokensign_close(struct tokensign *t);

/* Signs a SHA-256 digest and verifies; sig is all zero after a failure. */
PV_MUST enum pv_code tokensign_digest(struct tokensign *t,
				      const uint8_t digest[32], uint8_t sig[64],
				      struct err *err);

#endif
