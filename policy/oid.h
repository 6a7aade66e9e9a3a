/*
 * oid: dotted object identifiers to the contents of a DER OBJECT IDENTIFIER
 * and back (X.690 8.19). Arcs up to 2^63 - 1. Private to policy/.
 */
#ifndef PV_POLICY_OID_H
#define PV_POLICY_OID_H

#include "lib/x509/profile.h"

/* False, with *out untouched, when s is not one or does not fit. */
PV_MUST bool policy_oid_parse(const char *s, struct oid *out);
/* Text of at most cap - 1 bytes; false when it does not fit or is malformed. */
PV_MUST bool policy_oid_format(const struct oid *oid, char *out, size_t cap);
PV_MUST bool policy_oid_equal(const struct oid *a, const struct oid *b);
PV_MUST bool policy_oid_is(const struct oid *a, const char *dotted);

#endif
