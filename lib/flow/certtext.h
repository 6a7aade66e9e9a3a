/*
 * certtext: names and extensions of a certificate as OpenSSL prints them, for
 * people and for comparing. A file of its own, since OpenSSL's x509v3.h and
 * lib/x509/profile.h name the keyUsage bits alike and number them differently.
 */
#ifndef PV_FLOW_CERTTEXT_H
#define PV_FLOW_CERTTEXT_H

#include "lib/base/buf.h"

struct certtext;

/* PV_INPUT "cert.malformed". *c is owned by the caller. */
PV_MUST enum pv_code certtext_new(struct span der, struct certtext **c,
				  struct err *err);
/* Takes NULL. */
void certtext_free(struct certtext *c);

/* All of it but signature and public key, a line each. As below. */
char *certtext_print(const struct certtext *c);
/* RFC 2253 form, UTF-8. The caller frees all texts below; NULL: no memory. */
char *certtext_subject(const struct certtext *c);
char *certtext_issuer(const struct certtext *c);
/* The same of a Name (DER) alone; NULL also when it is none. */
char *certtext_name(struct span der);

enum certtext_ext {
	CERTTEXT_UNKNOWN, /* no such name, and no dotted OID either */
	CERTTEXT_ABSENT,
	CERTTEXT_PRESENT
};
/* name: OpenSSL's short name or a dotted OID. */
enum certtext_ext certtext_find(const struct certtext *c, const char *name,
				bool *critical);
/* Printed form, without a line end behind it; NULL when absent. */
char *certtext_extension(const struct certtext *c, const char *name);
/* Contents of its OCTET STRING as lower-case hex; NULL when absent. */
char *certtext_hex(const struct certtext *c, const char *name);

#endif
