/*
 * device_fixture: an authority for tests of the receiver, written from
 * formats.md 1 to 4 alone on OpenSSL (its own HKDF, key wrap and ECDH), sharing
 * nothing with lib/seal and no derivation with lib/device. And storage in
 * memory. Everything is deterministic but signatures and ephemeral keys.
 */
#ifndef PV_TESTS_DEVICE_FIXTURE_H
#define PV_TESTS_DEVICE_FIXTURE_H

#include <openssl/evp.h>

#include "lib/base/buf.h"
#include "lib/device/container.h"
#include "lib/device/crypto_mbedtls.h"
#include "lib/device/crypto_openssl.h"
#include "lib/device/device.h"
#include "lib/device/receipt.h"

#define FX_ITEMS_MAX 512
#define FX_EDITS_MAX 4
#define FX_STORE_MAX 65536

struct fx_component {
	const char *id;
	bool sealed;
	uint32_t chunk;
	size_t len;            /* bytes of plaintext */
	uint32_t max_size;
	bool other_role;       /* in the manifest, not in this role */
	const uint8_t *data;   /* NULL: pseudo-random */
};

/* Replaces (or, with hex NULL, drops) the value behind an unsigned key. */
struct fx_edit {
	uint64_t key;
	const char *hex;
};

enum fx_flip {
	FX_COMMIT = 1,
	FX_MAC = 2,
	FX_ENVELOPE = 4,
	FX_DIGEST = 8,
	FX_HYBRID = 16 /* not a flip: enc as a hybrid point */
};

struct fx_spec {
	enum pvdev_form form;
	enum pvdev_kind kind;
	const char *device_id, *role, *stage;
	uint64_t seq, manifest_seq;
	uint64_t not_before, not_after;
	const struct fx_component *comps;
	size_t comps_n;
	bool certified_recipient;
	const uint8_t *evidence_hash;
	unsigned batch_n, batch_index; /* 0: a plain descriptor */
	unsigned flips;                /* of enum fx_flip */
	bool other_signer;             /* descriptor by a key of the same kid */
	bool other_manifest_signer;
	const char *kid;               /* hex, in place of the right one */
	const char *manifest_kid;
	struct fx_edit binding[FX_EDITS_MAX], manifest[FX_EDITS_MAX];
	struct fx_edit claims[FX_EDITS_MAX];  /* of a batch receipt's header 15 */
	struct fx_edit headers[FX_EDITS_MAX]; /* of its protected header */
	uint64_t proof_size;           /* in the proof, 0: the right one */
	uint8_t last_xor;              /* into the last flag of segments */
};

struct fx_keys {
	EVP_PKEY *bundle, *other, *certified, *sealing;
	uint8_t kek[32], auth[32], receipt[32], kdf_id[16];
	uint8_t vendor[16], class_id[16];
};

struct fx_bundle {
	struct buf payload;            /* of the descriptor */
	struct buf binding, manifest_payload;
	struct buf item[FX_ITEMS_MAX];
	size_t items;
	uint8_t bs[32], bh[32], bundle_id[16];
	uint8_t *plain[PVDEV_COMPONENTS_MAX]; /* sealed in order, then clear */
	size_t plain_len[PVDEV_COMPONENTS_MAX];
	size_t plain_n;
};

/* Memory behind struct pvdev_storage. */
struct fx_store {
	uint64_t seq, manifest_seq;
	uint8_t *stage[PVDEV_COMPONENTS_MAX];
	uint8_t *active[PVDEV_COMPONENTS_MAX];
	size_t active_len[PVDEV_COMPONENTS_MAX];
	size_t active_n;
	size_t staged_bytes;
	struct pvdev_facts facts;
	unsigned activations;
	unsigned calls, fail_at;       /* fail_at-th call fails, 0: none */
};

/*
 * One of the receiver's tables: OpenSSL's, or mbed TLS's where $FX_CRYPTO says
 * "mbedtls" (tests/device_tables.sh). Keys are set in both contexts.
 */
struct fx_crypto {
	const struct pvdev_crypto *table;
	void *ctx;
	struct pvdev_openssl openssl;
	struct pvdev_mbedtls mbedtls;
	uint8_t certified[32], sealing[32]; /* scalars */
};
void fx_crypto_init(struct fx_crypto *c);
void fx_crypto_release(struct fx_crypto *c);
/* Borrows them; certified may be NULL. */
void fx_crypto_keys(struct fx_crypto *c, EVP_PKEY *certified,
		    EVP_PKEY *sealing);
void fx_crypto_secrets(struct fx_crypto *c, const uint8_t *kek,
		       const uint8_t *auth, const uint8_t *receipt);

struct fx {
	struct fx_keys keys;
	struct fx_crypto crypto;
	struct fx_store store;
	struct pvdev_config cfg;
	struct pvdev dev;
	uint8_t seen[1024];
};

extern const struct pvdev_storage fx_storage;

/* A device with keys of all kinds, set up for the spec's form and kind. */
void fx_setup(struct fx *f, const struct fx_spec *s);
void fx_release(struct fx *f);
/* A sound spec with an identity and a net component and a clear one. */
struct fx_spec fx_spec_default(enum pvdev_form form, enum pvdev_kind kind);
void fx_build(const struct fx_keys *k, const struct fx_spec *s,
	      struct fx_bundle *b);
void fx_bundle_release(struct fx_bundle *b);

/* Feeds all items in order up to and with finish; the first refusal. */
enum pvdev_result fx_open(struct fx *f, struct fx_bundle *b);
enum pvdev_result fx_begin(struct fx *f, struct fx_bundle *b);
/* Item n, from a copy of exactly its size. */
enum pvdev_result fx_feed(struct fx *f, struct fx_bundle *b, size_t n);
/* The active components are the bundle's plaintexts and counters are stored. */
void fx_assert_active(const struct fx *f, const struct fx_bundle *b,
		      const struct fx_spec *s);
/* Nothing was activated, counters stand, no secret is left in the session. */
void fx_assert_untouched(const struct fx *f);

/* ---- primitives, for tests ---- */
void fx_sha256(const void *p, size_t len, uint8_t out[32]);
void fx_hmac(const uint8_t *key, size_t key_len, const void *p, size_t len,
	     uint8_t out[32]);
void fx_hkdf_expand(const uint8_t prk[32], const void *info, size_t info_len,
		    uint8_t *out, size_t len);
void fx_hkdf_extract(const uint8_t *salt, size_t salt_len, const void *ikm,
		     size_t len, uint8_t out[32]);
void fx_gcm_seal(const uint8_t key[32], const uint8_t nonce[12],
		 const void *aad, size_t aad_len, const uint8_t *p, size_t len,
		 uint8_t *out);
void fx_key_wrap(const uint8_t kek[32], const uint8_t in[32], uint8_t out[40]);
EVP_PKEY *fx_new_key(void);
void fx_sign(EVP_PKEY *key, const void *p, size_t len, uint8_t sig[64]);
bool fx_verify(EVP_PKEY *key, const void *p, size_t len,
	       const uint8_t sig[64]);
/* Envelope of kind 1 (RFC 9180 single-shot base mode). hybrid: enc is in the
 * form 06 or 07 of X9.62 4.3.6, which RFC 9180 does not know. */
void fx_hpke_seal(EVP_PKEY *to, const void *info, size_t info_len,
		  const uint8_t pt[32], bool hybrid, uint8_t out[113]);
void fx_random(uint64_t *seed, uint8_t *out, size_t len);
/* Applies edits to an encoded map with unsigned keys; out is appended. */
void fx_apply(struct buf *out, const uint8_t *map, size_t len,
	      const struct fx_edit *edits);

#endif
