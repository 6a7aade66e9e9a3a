/*
 * value: may this text stand in a certificate? RFC 5280 A.1 (upper bounds and
 * alphabets), 4.2.1.6 (names), formats.md 6 (characters refused in any text).
 * Each returns NULL or what is wrong, as the end of a sentence.
 */
#ifndef PV_X509_VALUE_H
#define PV_X509_VALUE_H

#include "lib/x509/profile.h"

/* UTF-8 without controls and bidi marks; *chars gets the characters. */
PV_MUST const char *value_text(struct span v, size_t *chars);
/* In the alphabet of a string type, without controls. */
PV_MUST const char *value_string(enum der_string type, struct span v,
				 size_t *chars);
/* A value of a subject attribute, with its bounds. */
PV_MUST const char *value_attribute(const struct oid *oid, enum der_string type,
				    struct span v);
PV_MUST const char *value_dns(struct span v);
PV_MUST const char *value_uri(struct span v);
PV_MUST const char *value_email(struct span v);
/* The serial of a HardwareModuleName (RFC 4108 5). */
PV_MUST const char *value_hw_serial(struct span v);
/* "192.0.2.1" or "2001:db8::1", NUL-terminated; 4 or 16 octets out. */
PV_MUST const char *value_ip(const char *v, uint8_t out[16], size_t *len);

#endif
