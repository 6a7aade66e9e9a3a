/*
 * kdf: HMAC-SHA256 and HKDF-SHA256 (RFC 5869) on kept contexts, and the inputs
 * of the HSM's key derivation KDF(purpose, x) (formats.md 1, SP 800-108
 * counter mode). The derivation itself is hsm_derive(); kdf_counter_cmac() is
 * the same function in software, for keys that are not in an HSM.
 */
#ifndef PV_SEAL_KDF_H
#define PV_SEAL_KDF_H

#include "lib/base/buf.h"
#include "lib/base/secret.h"

#define KDF_HASH_LEN 32
#define KDF_CMAC_LEN 16
#define KDF_OUT_LEN 32 /* every KDF(purpose, x) is 256 bits */
#define KDF_EXPAND_MAX (255 * KDF_HASH_LEN) /* RFC 5869 2.3 */
#define KDF_INPUT_MAX 256 /* bytes of a fixed input: all of ours fit */

#define KDF_KEK "provctl/kek/v1"
#define KDF_AUTH "provctl/auth/v1"
#define KDF_RECEIPT "provctl/receipt/v1"
#define KDF_SECRET "provctl/secret/v1"

struct kdf;

/* One thread's kept HMAC context. *k owned by the caller. PV_INTERNAL. */
PV_MUST enum pv_code kdf_new(struct kdf **k, struct err *err);
void kdf_free(struct kdf *k);

/*
 * HMAC-SHA256 of the n parts in order. key.p NULL repeats the key of the last
 * call on k (cheaper). An empty key has p not NULL and len 0.
 */
PV_MUST enum pv_code kdf_hmac(struct kdf *k, struct span key,
			      const struct span *parts, size_t n,
			      uint8_t out[static KDF_HASH_LEN],
			      struct err *err);
/* HKDF-Extract (RFC 5869 2.2) of the n parts; an empty salt is 32 zeros. */
PV_MUST enum pv_code kdf_extract(struct kdf *k, struct span salt,
				 const struct span *ikm, size_t n,
				 uint8_t prk[static KDF_HASH_LEN],
				 struct err *err);
/* HKDF-Expand (RFC 5869 2.3): 1 to KDF_EXPAND_MAX bytes, else PV_INTERNAL. */
PV_MUST enum pv_code kdf_expand(struct kdf *k, struct span prk,
				const struct span *info, size_t n, uint8_t *okm,
				size_t len, struct err *err);
/* Replaces the kept key by zeros: call when a secret key was used last. */
void kdf_forget(struct kdf *k);

/*
 * Fixed input of KDF(purpose, x): purpose || 00 || x || be32(256), appended to
 * out. x is a device id or any other text without NUL. PV_INPUT, rule
 * "kdf.input", when x is empty or the input passes KDF_INPUT_MAX.
 */
PV_MUST enum pv_code kdf_input(const char *purpose, const char *x,
			       struct buf *out, struct err *err);
/* The input of a `derive` secret: x = label || 00 || device-id. */
PV_MUST enum pv_code kdf_secret_input(const char *label, const char *device_id,
				      struct buf *out, struct err *err);

/* AES-CMAC (SP 800-38B, RFC 4493) with a key of 32 bytes, of the n parts. */
PV_MUST enum pv_code kdf_cmac(const struct secret *key,
			      const struct span *parts, size_t n,
			      uint8_t out[static KDF_CMAC_LEN],
			      struct err *err);
/*
 * SP 800-108 counter mode with CMAC-AES-256, 32-bit counter before the fixed
 * input, nothing else added: what hsm_derive() does inside the token. len
 * bytes (1 to 4096) into out. PV_INTERNAL; out is empty after a failure.
 */
PV_MUST enum pv_code kdf_counter_cmac(const struct secret *key,
				      struct span fixed_input, size_t len,
				      struct secret *out, struct err *err);

#endif
