/*
 * impl: what the parts of lib/device share. Only they and their tests include
 * this.
 * Freestanding C99.
 */
#ifndef PV_DEVICE_IMPL_H
#define PV_DEVICE_IMPL_H

#include "lib/base/cose.h"
#include "lib/device/device.h"

#define PVDEV_SEQ_MAX ((uint64_t)INT64_MAX)
#define PVDEV_LEN_MAX ((uint64_t)1 << 31)
/* provctl-bundle(5), "Limits" */
#define PVDEV_MANIFEST_MAX 65536u
#define PVDEV_PAYLOAD_MAX 16384u /* of a descriptor */
#define PVDEV_ROLES_MAX 16u
#define PVDEV_ORIGIN_MAX 255u
#define PVDEV_VERSION_MAX 64u
#define PVDEV_ISSUER_MAX 64u
#define PVDEV_ENVELOPE_P256_LEN (PVDEV_POINT_LEN + 32 + PVDEV_TAG_LEN)

/* ---- util.c ---- */

#define PVDEV_BYTES(p, len) ((struct cbor_bytes){ (p), (len) })
/* A string constant without its NUL. */
#define PVDEV_TEXT(s) PVDEV_BYTES((const uint8_t *)(s), sizeof(s) - 1)

void pvdev_wipe(void *p, size_t len);
/* Constant time in the contents. */
bool pvdev_same(const uint8_t *a, const uint8_t *b, size_t len);
/* Plain comparison, for public values. */
bool pvdev_equal(struct cbor_bytes a, struct cbor_bytes b);
bool pvdev_equal_str(struct cbor_bytes a, const char *s);
/* Device-id, component-id, role or stage as formats.md allows them. */
bool pvdev_id_ok(struct cbor_bytes id);
void pvdev_be16(uint8_t out[2], unsigned v);
void pvdev_be32(uint8_t out[4], uint32_t v);
bool pvdev_sha256(const struct pvdev_config *cfg,
		  const struct cbor_bytes *parts, size_t n, uint8_t out[32]);
bool pvdev_hmac(const struct pvdev_config *cfg, const uint8_t *key,
		size_t key_len, const struct cbor_bytes *parts, size_t n,
		uint8_t out[32]);
/* A byte string of exactly len bytes. */
bool pvdev_get_fixed(struct cbor_reader *r, size_t len,
		     struct cbor_bytes *v);
/* uint in 1 to max. */
bool pvdev_get_count(struct cbor_reader *r, uint64_t max, uint64_t *v);
/* Device-id, component-id, role or stage. */
bool pvdev_get_id(struct cbor_reader *r, struct cbor_bytes *v);
/* Text of 1 to max bytes, none of them NUL. */
bool pvdev_get_text(struct cbor_reader *r, size_t max, struct cbor_bytes *v);

/* ---- descriptor.c, batch.c ---- */

#define PVDEV_PROTECTED_MAX 224 /* bytes; a batch receipt's is the longest */

struct pvdev_signed {
	struct cbor_bytes payload;
	struct cbor_bytes kid;
	bool batch;
	uint64_t batch_not_after; /* claim 4, when batch */
};

/* Form and signature or MAC. A Mac0's kid is left to the caller. */
enum pvdev_result pvdev_descriptor(const struct pvdev_config *cfg,
				   struct cbor_bytes bytes,
				   struct pvdev_signed *out);
enum pvdev_result pvdev_batch(const struct pvdev_config *cfg,
			      struct cbor_bytes bytes,
			      struct pvdev_signed *out);
/* SHA-256 of the Sig_structure; false when prot is too long. */
bool pvdev_sig_digest(const struct pvdev_config *cfg, struct cbor_bytes prot,
		      struct cbor_bytes payload, uint8_t out[32]);

/* ---- binding.c ---- */

struct pvdev_binding {
	struct cbor_bytes bytes; /* encoded, as received */
	struct cbor_bytes bundle_id, device_id, role, key_id;
	struct cbor_bytes manifest_hash, evidence_hash; /* p NULL: absent */
	struct cbor_bytes envelope;
	uint64_t seq, kind;
};

/* Descriptor payload; fills d->comp as far as it says. */
enum pvdev_result pvdev_binding(struct pvdev *d, struct cbor_bytes payload,
				struct pvdev_binding *b);

/* ---- manifest.c ---- */

struct pvdev_manifest {
	struct cbor_bytes vendor, class_id, stage;
	struct cbor_bytes components, roles; /* encoded array and map */
	uint64_t sequence, not_before, not_after;
};

/* COSE, hash, signature: *payload on success. */
enum pvdev_result pvdev_manifest_open(const struct pvdev_config *cfg,
				      struct cbor_bytes bytes,
				      const struct pvdev_binding *b,
				      struct cbor_bytes *payload);
/* Strict parse of the payload. */
enum pvdev_result pvdev_manifest_parse(struct cbor_bytes payload,
				       struct pvdev_manifest *m);
/* 6 and 7 against 7 and 9; completes d->comp. */
enum pvdev_result pvdev_manifest_match(struct pvdev *d,
				       const struct pvdev_manifest *m,
				       const struct pvdev_binding *b);
/* The encoded list of role's component ids. */
bool pvdev_manifest_role(const struct pvdev_manifest *m,
			 struct cbor_bytes role, struct cbor_bytes *ids);

/* ---- keys.c, hpke.c ---- */

/* Opens the envelope into d->bs. */
enum pvdev_result pvdev_envelope(struct pvdev *d,
				 const struct pvdev_binding *b);
/* key, base-iv and dk of component i into d->keys; its commit, unless NULL. */
bool pvdev_keys(struct pvdev *d, unsigned i, uint8_t commit[32]);
/* HPKE base mode of formats.md 1, receiver's side (RFC 9180 4.1, 5.1). */
bool pvdev_hpke_schedule(const struct pvdev_config *cfg, const uint8_t enc[65],
			 struct cbor_bytes info, uint8_t key[32],
			 uint8_t nonce[12]);

/* ---- segment.c ---- */

uint32_t pvdev_segments(const struct pvdev_component *c);
/* Number in a segment's header; false when it is no segment's. */
bool pvdev_segment_number(const uint8_t *seg, size_t len, uint32_t *k);
/* Ends the session unless r is PVDEV_OK; returns r. */
enum pvdev_result pvdev_ended(struct pvdev *d, enum pvdev_result r);

#endif
