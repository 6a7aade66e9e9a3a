/*
 * descriptor: the signed head of a bundle (formats.md 1) in its plain and mac0
 * forms, and the strict parse of all three forms. batch.h makes the third.
 *
 * Signing is split: digest, a signature by the caller's key, finish.
 * Does not check: signatures and tags; who may open what.
 */
#ifndef PV_SEAL_DESCRIPTOR_H
#define PV_SEAL_DESCRIPTOR_H

#include "lib/seal/bundle.h"

#define SEAL_KID_LEN 8 /* of SHA-256(SPKI DER) of the bundle key */

enum seal_form { SEAL_FORM_PLAIN, SEAL_FORM_MAC0, SEAL_FORM_BATCH };

/* Plain: SHA-256 of the Sig_structure over payload, for ES256. */
PV_MUST enum pv_code seal_plain_digest(struct span payload,
				       const uint8_t kid[static SEAL_KID_LEN],
				       uint8_t digest[static 32],
				       struct err *err);
/* Appends the descriptor with its raw r||s signature to out. */
PV_MUST enum pv_code seal_plain_finish(struct span payload,
				       const uint8_t kid[static SEAL_KID_LEN],
				       const uint8_t sig[static 64],
				       struct buf *out, struct err *err);

/*
 * Mac0, HMAC 256/256 by the device's auth key (32 bytes); kid is the id of the
 * KDF master. Only for kind 2: else, or when kid is not the id in binding 8,
 * PV_INTERNAL, rule "seal.mac0".
 */
PV_MUST enum pv_code seal_mac0(struct seal *s, struct span payload,
			       const struct secret *auth_key,
			       const uint8_t kid[static SEAL_MASTER_ID_LEN],
			       struct buf *out, struct err *err);

struct seal_view_component {
	char id[SEAL_NAME_MAX + 1];
	uint32_t chunk;		 /* bytes */
	uint64_t total;		 /* bytes */
	struct span commit, mac; /* 32 bytes each */
};

/* A descriptor taken apart; spans point into the bytes parsed. */
struct seal_view {
	enum seal_form form;
	struct span payload; /* descriptor payload */
	struct span binding; /* its first element, as encoded */
	uint8_t bh[32];	     /* SHA-256(binding) */
	struct span kid;
	struct span auth; /* signature or tag */
	char device_id[SEAL_NAME_MAX + 1];
	char role[SEAL_NAME_MAX + 1];
	uint64_t seq;
	uint8_t bundle_id[SEAL_ID_LEN];
	struct seal_view_component sealed[SEAL_COMPONENTS_MAX];
	size_t sealed_n;
	char clear[SEAL_COMPONENTS_MAX][SEAL_NAME_MAX + 1];
	size_t clear_n;
	enum seal_kind kind;
	struct span key_id; /* 32 or 16 bytes */
	struct span manifest_sha256;
	struct span evidence_sha256; /* len 0 when left out */
	struct span envelope;	     /* 113 or 40 bytes */
};

/*
 * Strict parse of a descriptor in whatever form it has. Of a batch receipt only
 * the form is checked; seal_batch_open() follows its proof. PV_INPUT, rules
 * "seal.descriptor" and "seal.batch".
 */
PV_MUST enum pv_code seal_descriptor_parse(struct span bytes,
					   struct seal_view *view,
					   struct err *err);
/* The same for a bare descriptor payload (form, kid and auth stay unset). */
PV_MUST enum pv_code seal_payload_parse(struct span payload,
					struct seal_view *view,
					struct err *err);

#endif
