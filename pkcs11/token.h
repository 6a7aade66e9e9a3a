/*
 * token: the life of a token through libp11: load, slots, find, initialise,
 * certificates. Runs only in a child process (child.h): libp11 0.4.12 closes
 * sessions that are not its own, keeps the PIN in its heap and loops for ever
 * when C_OpenSession fails, so a probe session is opened before its own.
 */
#ifndef PV_PKCS11_TOKEN_H
#define PV_PKCS11_TOKEN_H

#include "pkcs11/pkcs11.h"

/* In a child. *found tells whether out was filled. Codes: p11_preflight(). */
PV_MUST enum pv_code p11_token_facts(const struct p11_config *cfg,
				     struct p11_facts *out, bool *found,
				     struct err *err);

/* What p11_token_store_certificate() stores. */
struct p11_certificate {
	const char *label;
	const uint8_t *id; /* HSM_ID_LEN bytes: CKA_ID of its key */
	struct span der;
};

/*
 * Starts its own child; the caller has finalised the module. One certificate
 * of that label and id is on the token afterwards: the same bytes count as
 * done, others are PV_CONFLICT. pin as for p11_open().
 */
PV_MUST enum pv_code p11_token_store_certificate(
	const struct p11_config *cfg, const struct secret *pin,
	const struct p11_certificate *cert, struct err *err);

#endif
