/*
 * keytable: ECDSA P-256 verification under one key with a table of the key's
 * multiples, for the files of lib/x509 only. A verification costs about a third
 * of OpenSSL's own; the table costs as much as some hundred of them and 150
 * KiB.
 */
#ifndef PV_X509_KEYTABLE_H
#define PV_X509_KEYTABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

struct keytable;

/*
 * point: uncompressed, of a key that was checked (x509_ctx_import()). *out is
 * NULL when this OpenSSL makes no such tables. PV_INTERNAL when it fails.
 */
PV_MUST enum pv_code keytable_new(const uint8_t point[65],
				  struct keytable **out, struct err *err);
/* Takes NULL. */
void keytable_free(struct keytable *t);

/*
 * Is sig (raw r || s) the key's over the SHA-256 digest? FIPS 186-5, 6.4.2;
 * false for r and s out of range too. PV_INTERNAL when OpenSSL fails: then
 * *right is false.
 */
PV_MUST enum pv_code keytable_verify(struct keytable *t,
				     const uint8_t digest[32],
				     const uint8_t sig[64], bool *right,
				     struct err *err);

#endif
