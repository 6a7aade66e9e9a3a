/*
 * crypto_openssl: the receiver's cryptography on OpenSSL 3.0, for tests and
 * for the simulated device. The tables of cryptography are the only files of
 * lib/device that include anything but lib/base/cbor.h and cose.h; this one
 * uses the heap and is not for a firmware.
 */
#ifndef PV_DEVICE_CRYPTO_OPENSSL_H
#define PV_DEVICE_CRYPTO_OPENSSL_H

#include <openssl/evp.h>

#include "lib/device/port.h"

struct pvdev_openssl {
	EVP_MD *sha256;
	EVP_MAC *hmac;
	EVP_CIPHER *gcm, *wrap;
	EVP_MD_CTX *md_ctx;
	EVP_MAC_CTX *mac_ctx;
	EVP_PKEY *certified;           /* P-256, borrowed, may be NULL */
	EVP_PKEY *sealing;             /* P-256, borrowed, may be NULL */
	const uint8_t *kek;            /* 32 bytes, borrowed, may be NULL */
	const uint8_t *auth;
	const uint8_t *receipt;
};

/* Callbacks for a struct pvdev_openssl as crypto_ctx. */
extern const struct pvdev_crypto pvdev_crypto_openssl;

/* Fetches the algorithms; keys are set by the caller. False: none is held. */
bool pvdev_openssl_init(struct pvdev_openssl *o);
/* Takes one whose init failed. Keys stay the caller's. */
void pvdev_openssl_release(struct pvdev_openssl *o);

/* Uncompressed point of a P-256 key. */
bool pvdev_openssl_point(const EVP_PKEY *key, uint8_t out[PVDEV_POINT_LEN]);
/* SHA-256 of the key's SubjectPublicKeyInfo. */
bool pvdev_openssl_spki_hash(const EVP_PKEY *key, uint8_t out[PVDEV_HASH_LEN]);

#endif
