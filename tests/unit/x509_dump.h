/* x509_dump: what OpenSSL sees in a certificate, one field a line. */
#ifndef PV_TESTS_X509_DUMP_H
#define PV_TESTS_X509_DUMP_H

#include "lib/base/buf.h"

/*
 * version, serial, signature, issuer and subject (string type, OID, value),
 * times (form and value), key, extensions (OID, critical, text, and the hex
 * of what OpenSSL has no text for). Fails the test when OpenSSL refuses it.
 */
void x509_dump(struct span cert, struct buf *out);

#endif
