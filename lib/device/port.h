/*
 * port: what a firmware gives the receiver: cryptography, storage, identity.
 *
 * Every callback returns true on success and gets the configuration's context
 * for its table. Keys of the device stay behind slots and never enter the receiver's memory.
 * At most one SHA-256 and one HMAC stream are open at a time; their states are
 * the callbacks' own. Freestanding C99; from a C library the receiver needs
 * memcpy, memmove, memset, memcmp and strlen, and no header (cbor_mem.h).
 */
#ifndef PV_DEVICE_PORT_H
#define PV_DEVICE_PORT_H

#include "lib/base/cbor.h"
#include "lib/device/result.h"

#define PVDEV_HASH_LEN 32
#define PVDEV_KEY_LEN 32
#define PVDEV_POINT_LEN 65       /* uncompressed, SEC 1 2.3.3 */
#define PVDEV_POINT_FORM 0x04    /* its first byte; hybrid forms are refused */
#define PVDEV_SIG_LEN 64         /* raw r||s */
#define PVDEV_NONCE_LEN 12
#define PVDEV_TAG_LEN 16
#define PVDEV_KW_LEN 40          /* RFC 3394 of 32 bytes */
#define PVDEV_UUID_LEN 16
#define PVDEV_BUNDLE_ID_LEN 16
#define PVDEV_COMPONENTS_MAX 16  /* formats.md, opening section */
#define PVDEV_ID_MAX 64
#define PVDEV_CHALLENGE_MAX 64   /* EAT nonce, RFC 9711 4.1 */
#define PVDEV_KEY_ID_MAX 32
#define PVDEV_MASTER_ID_LEN 16   /* key id of kind 2, kid of a Mac0 */

enum pvdev_slot {
	PVDEV_SLOT_CERTIFIED,    /* P-256: receipts; envelope if certified-key */
	PVDEV_SLOT_SEALING,      /* P-256: envelope of kind 1 */
	PVDEV_SLOT_KEK,          /* AES-256: envelope of kind 2 */
	PVDEV_SLOT_AUTH,         /* HMAC: descriptors of form mac0 */
	PVDEV_SLOT_RECEIPT       /* HMAC: receipts */
};

struct pvdev_crypto {
	bool (*sha256_begin)(void *ctx);
	bool (*sha256_update)(void *ctx, const uint8_t *p, size_t len);
	bool (*sha256_final)(void *ctx, uint8_t out[PVDEV_HASH_LEN]);
	/* HMAC-SHA256; len may be 0. */
	bool (*hmac_begin)(void *ctx, const uint8_t *key, size_t len);
	bool (*hmac_begin_slot)(void *ctx, enum pvdev_slot slot);
	bool (*hmac_update)(void *ctx, const uint8_t *p, size_t len);
	bool (*hmac_final)(void *ctx, uint8_t out[PVDEV_HASH_LEN]);
	/* False for a wrong signature and for a point not on the curve. */
	bool (*p256_verify)(void *ctx, const uint8_t point[PVDEV_POINT_LEN],
			    const uint8_t digest[PVDEV_HASH_LEN],
			    const uint8_t sig[PVDEV_SIG_LEN]);
	bool (*p256_sign)(void *ctx, enum pvdev_slot slot,
			  const uint8_t digest[PVDEV_HASH_LEN],
			  uint8_t sig[PVDEV_SIG_LEN]);
	/* x of the shared point; false for a peer not on the curve. */
	bool (*p256_ecdh)(void *ctx, enum pvdev_slot slot,
			  const uint8_t peer[PVDEV_POINT_LEN],
			  uint8_t x[PVDEV_KEY_LEN]);
	/* AES-256-GCM in place; the tag follows the len bytes at p. */
	bool (*gcm_open)(void *ctx, const uint8_t key[PVDEV_KEY_LEN],
			 const uint8_t nonce[PVDEV_NONCE_LEN],
			 const uint8_t *aad, size_t aad_len, uint8_t *p,
			 size_t len);
	/* RFC 3394 under PVDEV_SLOT_KEK; false when its check fails. */
	bool (*kw_unwrap)(void *ctx, const uint8_t in[PVDEV_KW_LEN],
			  uint8_t out[PVDEV_KEY_LEN]);
};

/* What a receipt says; enough to make it again after a power cut. */
struct pvdev_facts {
	uint8_t bundle_id[PVDEV_BUNDLE_ID_LEN];
	uint8_t bh[PVDEV_HASH_LEN];
	uint64_t seq;
	uint8_t challenge[PVDEV_CHALLENGE_MAX];
	size_t challenge_len;    /* 0: no evidence was asked for */
	uint8_t key_id[PVDEV_KEY_ID_MAX]; /* binding 8's, kid of a Mac0 */
	size_t key_id_len;
};

struct pvdev;

struct pvdev_storage {
	/* Stored counters; both 0 on a fresh device. */
	bool (*load)(void *ctx, uint64_t *seq, uint64_t *manifest_seq);
	/*
	 * Staging area of component i (sealed ones in the order of binding 6,
	 * then clear ones): not visible to the application before activate.
	 */
	bool (*stage)(void *ctx, unsigned i, uint32_t offset, const uint8_t *p,
		      size_t len);
	bool (*read_back)(void *ctx, unsigned i, uint32_t offset, uint8_t *p,
			  size_t len);
	/*
	 * In one atomic step: makes the staged components current and stores
	 * both counters and the facts. d answers pvdev_component(). Any other
	 * result than PVDEV_OK leaves the former configuration and counters.
	 */
	enum pvdev_result (*activate)(void *ctx, const struct pvdev *d,
				      uint64_t manifest_seq,
				      const struct pvdev_facts *facts);
};

#endif
