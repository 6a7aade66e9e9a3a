/*
 * crypto_mbedtls: the receiver's cryptography on mbed TLS 2.28, for firmware
 * and for tests on a host. Private keys are scalars in memory that the caller
 * lends; a part with a key store behind its slots writes a table of its own.
 *
 * Memory: mbed TLS takes its big numbers from its own calloc, at most about 6
 * KiB at a time on a Cortex-M (MBEDTLS_MEMORY_BUFFER_ALLOC_C gives it a fixed
 * arena); nothing is kept there between two calls but what init made.
 * Does not check: that scalars are in 1 to n-1 (mbed TLS does when it uses
 * one).
 */
#ifndef PV_DEVICE_CRYPTO_MBEDTLS_H
#define PV_DEVICE_CRYPTO_MBEDTLS_H

#include <mbedtls/ecp.h>
#include <mbedtls/md.h>
#include <mbedtls/sha256.h>

#include "lib/device/port.h"

struct pvdev_mbedtls {
	mbedtls_sha256_context sha;
	mbedtls_md_context_t hmac;
	mbedtls_ecp_group group;  /* P-256 */
	const uint8_t *certified; /* scalars, 32 bytes, big-endian; */
	const uint8_t *sealing;	  /* borrowed, may be NULL */
	const uint8_t *kek;	  /* 32 bytes, borrowed, may be NULL */
	const uint8_t *auth;
	const uint8_t *receipt;
	/* Blinds private operations, never makes a key; 0: it gave len bytes.
	 */
	int (*random)(void *ctx, unsigned char *out, size_t len);
	void *random_ctx;
};

/* Callbacks for a struct pvdev_mbedtls as crypto_ctx. */
extern const struct pvdev_crypto pvdev_crypto_mbedtls;

/* Keys and random are set by the caller, who keeps them. False: none is held.
 */
bool pvdev_mbedtls_init(struct pvdev_mbedtls *m);
/* Takes one whose init failed. */
void pvdev_mbedtls_release(struct pvdev_mbedtls *m);

#endif
