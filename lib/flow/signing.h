/*
 * signing: what one signer process signs and seals with: keys found in the
 * token and compared with the ones the authority recorded, verifiers for what
 * the token answers, compiled configurations. Made after login, once a run.
 */
#ifndef PV_FLOW_SIGNING_H
#define PV_FLOW_SIGNING_H

#include "lib/flow/context.h"
#include "lib/hsm.h"
#include "lib/seal/bundle.h"
#include "lib/seal/content.h"
#include "lib/seal/escrow.h"
#include "lib/x509/cert.h"

/* A signature that the token gave and that is not its key's. */
struct wrong_signature {
	const char *label; /* of the key; NULL: none */
	bool has_bytes;	   /* it was 64 bytes, not all zero */
	uint8_t bytes[64];
};

#define SIGNING_IDS 64 /* drawn at once */
#define SIGNING_KDF_MAX 16

/* A generation of the KDF master: a device stays with its own (kdfof.h). */
struct signing_kdf {
	const struct issue_key *recorded; /* the context's */
	struct hsm_key *key;		  /* hsm's; NULL: it is gone */
};

struct signing { /* for one template, that is, one context */
	const struct issue_context *ctx;	 /* borrowed */
	const char *authority;			 /* name, borrowed */
	struct hsm *hsm;			 /* borrowed */
	struct hsm_key *issuer_key, *bundle_key; /* hsm's; NULL: key none */
	struct signing_kdf kdf[SIGNING_KDF_MAX]; /* the one in use first */
	size_t kdf_n;
	struct x509_verifier *issuer_verifier, *bundle_verifier;
	struct seal *seal;
	struct content_config *configs[TPL_COMPONENTS_MAX]; /* or NULL */
	struct escrow_to *escrow[TPL_ESCROW_MAX];
	uint8_t ids[SIGNING_IDS * SEAL_ID_LEN]; /* of bundles to come */
	size_t ids_left;
	struct wrong_signature wrong; /* what the last signing_sign() got */
};

enum signing_key { SIGNING_ISSUER, SIGNING_BUNDLE };

/*
 * Finds every key that ctx names. PV_HSM_FATAL when a key is missing, doubled
 * or not the one recorded, rule "hsm.key" (ownkey_find()).
 */
PV_MUST enum pv_code signing_open(const struct issue_context *ctx,
				  const char *authority, struct hsm *hsm,
				  struct signing *s, struct err *err);
void signing_close(struct signing *s);

/* The KDF master of that id; NULL: the one in use. PV_NOT_FOUND "key.missing",
 * PV_HSM_FATAL "hsm.key-missing" (of an earlier one). */
PV_MUST enum pv_code signing_kdf(const struct signing *s, const uint8_t *id,
				 const struct signing_kdf **kdf,
				 struct err *err);

/* Draws a bundle's random id, which is no secret. PV_INTERNAL. */
PV_MUST enum pv_code signing_draw_id(struct signing *s, uint8_t id[SEAL_ID_LEN],
				     struct err *err);

/*
 * Asks the token and verifies what it gives. A wrong, zero or short signature
 * is PV_HSM_FATAL, "hsm.signature", and kept in s->wrong. PV_HSM_*.
 */
PV_MUST enum pv_code signing_sign(struct signing *s, enum signing_key which,
				  const uint8_t digest[32], uint8_t sig[64],
				  struct err *err);
/*
 * Its two halves, for who has the token asked by one thread and the answer
 * verified by another: a signature of signing_ask() is worth nothing before
 * signing_check() has passed. ahead: of x509_verify_ahead(), or NULL.
 */
PV_MUST enum pv_code signing_ask(struct signing *s, enum signing_key which,
				 const uint8_t digest[32], uint8_t sig[64],
				 struct err *err);
PV_MUST enum pv_code signing_check(struct signing *s, enum signing_key which,
				   const uint8_t digest[32],
				   const uint8_t sig[64],
				   const struct x509_ahead *ahead,
				   struct err *err);

#endif
