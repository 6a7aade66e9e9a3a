/*
 * gcm: AES-256-GCM (SP 800-38D), 96-bit nonce, 128-bit tag, on one kept
 * context: the key is set once, then many messages are sealed without any
 * allocation. One thread.
 *
 * Does not check: that a nonce is new. Callers derive or draw it.
 */
#ifndef PV_SEAL_GCM_H
#define PV_SEAL_GCM_H

#include "lib/base/buf.h"

#define GCM_KEY_LEN 32
#define GCM_NONCE_LEN 12
#define GCM_TAG_LEN 16

struct gcm;

PV_MUST enum pv_code gcm_new(struct gcm **g, struct err *err);
void gcm_free(struct gcm *g);

/* The key of all calls until the next gcm_key() or gcm_forget(). */
PV_MUST enum pv_code
gcm_key(struct gcm *g, const uint8_t key[static GCM_KEY_LEN], struct err *err);
/* Replaces the kept key by zeros. */
void gcm_forget(struct gcm *g);

/* Writes plain.len + GCM_TAG_LEN bytes to out, which may be plain.p. */
PV_MUST enum pv_code gcm_seal(struct gcm *g,
			      const uint8_t nonce[static GCM_NONCE_LEN],
			      struct span aad, struct span plain, uint8_t *out,
			      struct err *err);
/*
 * sealed is ciphertext || tag; writes sealed.len - GCM_TAG_LEN bytes to out.
 * PV_INTEGRITY, rule "seal.gcm", without a message about contents; out is wiped
 * then.
 */
PV_MUST enum pv_code gcm_open(struct gcm *g,
			      const uint8_t nonce[static GCM_NONCE_LEN],
			      struct span aad, struct span sealed, uint8_t *out,
			      struct err *err);

#endif
