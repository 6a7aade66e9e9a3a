/*
 * bundle_impl: what the files of one bundle share (formats.md 1): keys of the
 * binding, derived keys, segments, and the hook by which a test fixes BS.
 * Only this folder and its tests include it.
 */
#ifndef PV_SEAL_BUNDLE_IMPL_H
#define PV_SEAL_BUNDLE_IMPL_H

#include "lib/base/cose.h"
#include "lib/seal/bundle.h"
#include "lib/seal/gcm.h"
#include "lib/seal/kdf.h"

#define SEAL_FORMAT "provctl-bundle-1"
#define SEAL_BS_LEN 32
#define SEAL_HASH_LEN 32
#define SEAL_ENVELOPE_KEM (HPKE_ENC_LEN + SEAL_BS_LEN + HPKE_TAG_LEN)
#define SEAL_ENVELOPE_KEK (SEAL_BS_LEN + 8)
#define SEAL_BINDING_MAX 4096 /* 16 components with the longest ids: 2.7 KB */

enum seal_binding_key {
	SEAL_B_FORMAT = 1,
	SEAL_B_BUNDLE = 2,
	SEAL_B_DEVICE = 3,
	SEAL_B_ROLE = 4,
	SEAL_B_SEQ = 5,
	SEAL_B_SEALED = 6,
	SEAL_B_CLEAR = 7,
	SEAL_B_RECIPIENT = 8,
	SEAL_B_MANIFEST = 9,
	SEAL_B_EVIDENCE = 10 /* left out when no evidence was asked for */
};

/* OKM(i), as HKDF gives it. */
struct seal_keys {
	uint8_t commit[SEAL_HASH_LEN];
	uint8_t key[GCM_KEY_LEN];
	uint8_t base_iv[GCM_NONCE_LEN];
	uint8_t dk[KDF_HASH_LEN];
};

_Static_assert(sizeof(struct seal_keys) == 108, "OKM(i) is 108 bytes");

/* Every rule on a job but those that need its recipient's curve. */
PV_MUST enum pv_code seal_job_check(const struct seal_job *job,
				    struct err *err);
PV_MUST bool seal_chunk_ok(uint64_t chunk);
/* The binding; w is large enough (SEAL_BINDING_MAX). */
void seal_binding_put(struct cbor_writer *w, const struct seal_job *job);

/*
 * Encrypts one component into out, which has room for seal_segments_len()
 * bytes. keys->key and base_iv are used, nothing else.
 */
PV_MUST enum pv_code
seal_segments_put(struct gcm *gcm, const struct seal_keys *keys,
		  const uint8_t bh[static SEAL_HASH_LEN], uint16_t component,
		  const struct secret *plain, uint32_t chunk, uint8_t *out,
		  struct err *err);

/* For known answers: the next bundle uses this BS and ephemeral key, once. */
PV_MUST enum pv_code seal_set_secrets(struct seal *s, const struct secret *bs,
				      const struct secret *ephemeral,
				      struct err *err);
/* The kept contexts, for recipient.c and descriptor.c. */
struct hpke *seal_hpke(struct seal *s);
struct kdf *seal_kdf(struct seal *s);

#endif
