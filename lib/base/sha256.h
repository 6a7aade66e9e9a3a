/*
 * sha256: SHA-256 (FIPS 180-4) through EVP: one-shot, or on contexts that are
 * kept, for who hashes much: half of a short hash is fetching and allocating.
 */
#ifndef PV_BASE_SHA256_H
#define PV_BASE_SHA256_H

#include "lib/base/buf.h"

#define SHA256_LEN 32

/* PV_INTERNAL when OpenSSL fails. */
PV_MUST enum pv_code sha256(struct span bytes, uint8_t out[static SHA256_LEN],
			    struct err *err);
/* Of n parts one after the other. */
PV_MUST enum pv_code sha256_parts(const struct span *parts, size_t n,
				  uint8_t out[static SHA256_LEN],
				  struct err *err);

/* Kept contexts of one thread. *h owned by the caller. PV_INTERNAL. */
struct sha256;
PV_MUST enum pv_code sha256_new(struct sha256 **h, struct err *err);
void sha256_free(struct sha256 *h);
/*
 * Begins anew, whatever went before; adds; ends. A failure is told at the end:
 * PV_INTERNAL. After sha256_begin() nothing of what was hashed is left in h.
 */
void sha256_begin(struct sha256 *h);
void sha256_add(struct sha256 *h, struct span bytes);
PV_MUST enum pv_code
sha256_end(struct sha256 *h, uint8_t out[static SHA256_LEN], struct err *err);
/* sha256() on h. */
PV_MUST enum pv_code sha256_kept(struct sha256 *h, struct span bytes,
				 uint8_t out[static SHA256_LEN],
				 struct err *err);

#endif
