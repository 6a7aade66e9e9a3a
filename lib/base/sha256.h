/* sha256: one-shot SHA-256 (FIPS 180-4) through EVP. */
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

#endif
