/*
 * keytable: ECDSA P-256 verification under one key with a table of the key's
 * multiples, for the files of lib/x509 only. A verification costs half of OpenSSL's
 * own, and a quarter with an inverse that is at hand; the table costs as much
 * as some hundred of them and 150 KiB.
 */
#ifndef PV_X509_KEYTABLE_H
#define PV_X509_KEYTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

#define KEYTABLE_INVERSE_LEN 32
#define KEYTABLE_INVERSES_MAX 64

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
 * One inversion for many: writes for sig i (raw r || s) what
 * keytable_verify() would spend a third of its time on. What is out of range
 * gets zeros, and changes nothing for the others. At most
 * KEYTABLE_INVERSES_MAX. PV_INTERNAL when OpenSSL fails.
 */
PV_MUST enum pv_code keytable_invert(struct keytable *t,
				     const uint8_t *const *sigs, size_t n,
				     uint8_t (*inverses)[KEYTABLE_INVERSE_LEN],
				     struct err *err);

/*
 * Is sig (raw r || s) the key's over the SHA-256 digest? FIPS 186-5, 6.4.2;
 * false for r and s out of range too. inverse: of s, by keytable_invert() with
 * any key's table, or NULL. It is held against s first and made anew when it is
 * another's: it makes no difference but in time. PV_INTERNAL when OpenSSL
 * fails: then *right is false.
 */
PV_MUST enum pv_code keytable_verify(struct keytable *t,
				     const uint8_t digest[32],
				     const uint8_t sig[64],
				     const uint8_t *inverse, bool *right,
				     struct err *err);

#endif
