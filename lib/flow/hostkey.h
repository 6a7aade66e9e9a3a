/*
 * hostkey: a P-256 key pair made by provctl for a device that cannot make its
 * own; the private half leaves only inside a sealed component.
 */
#ifndef PV_FLOW_HOSTKEY_H
#define PV_FLOW_HOSTKEY_H

#include "lib/base/secret.h"
#include "lib/x509/cert.h"

#define HOSTKEY_PKCS8_LEN 138 /* RFC 5958, RFC 5915 with the public key */

/* pkcs8: DER of the pair; spki: its public half. PV_INTERNAL. */
PV_MUST enum pv_code hostkey_generate(struct secret *pkcs8,
				      uint8_t spki[X509_P256_SPKI_LEN],
				      struct err *err);

#endif
