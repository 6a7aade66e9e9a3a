/*
 * quirks: where tokens differ, as data. A row is found by manufacturer and
 * model; a token that no row names gets the last one, which asks for all that
 * PKCS#11 2.40 has.
 */
#ifndef PV_PKCS11_QUIRKS_H
#define PV_PKCS11_QUIRKS_H

#include <stdbool.h>

#include "pkcs11/pkcs11.h"

/* Forms of CKA_EC_POINT that are taken (a mask). */
#define P11_POINT_RAW 1u	  /* the point itself */
#define P11_POINT_OCTET_STRING 2u /* as PKCS#11 2.40, 2.3.3 asks */
#define P11_POINT_BIT_STRING 4u
#define P11_POINT_ANY 7u

struct p11_quirk {
	const char *manufacturer;   /* prefix; "" fits all */
	const char *model;	    /* prefix; "" fits all */
	unsigned points;	    /* P11_POINT_... */
	unsigned max_sessions;	    /* 0: what the token says */
	bool no_modifiable;	    /* CKA_MODIFIABLE may not be given */
	bool no_allowed_mechanisms; /* CKA_ALLOWED_MECHANISMS unknown */
	bool public_is_private;	    /* public keys must be CKA_PRIVATE too */
	bool ecdh_octets;	    /* a peer's point as OCTET STRING */
};

/* Never NULL. */
const struct p11_quirk *p11_quirk_for(const struct p11_facts *facts);

#endif
