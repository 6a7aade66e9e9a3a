/*
 * manifest: formats.md 2. Payload from a plain struct, the digest that the
 * bundle key signs, the finished COSE_Sign1, and the strict way back.
 *
 * Does not check: the signature (callers verify against the bundle key), that
 * sequence and dates fit a template.
 */
#ifndef PV_SEAL_MANIFEST_H
#define PV_SEAL_MANIFEST_H

#include "lib/base/buf.h"

#define MANIFEST_COMPONENTS_MAX 16 /* formats.md, opening section */
#define MANIFEST_ROLES_MAX 16
#define MANIFEST_NAME_MAX 64 /* bytes of an id, version, role, stage */
#define MANIFEST_ORIGIN_MAX 255
#define MANIFEST_KID_LEN 8	/* of SHA-256(SPKI DER) */
#define MANIFEST_SIZE_MAX 65536 /* bytes of the COSE message */
#define MANIFEST_MAX_SIZE_MAX ((uint64_t)1 << 31) /* a component's max-size */

struct manifest_component {
	char id[MANIFEST_NAME_MAX + 1];
	char version[MANIFEST_NAME_MAX + 1];
	char min_version[MANIFEST_NAME_MAX + 1];
	bool sealed;
	uint8_t digest[32]; /* SHA-256 of a clear component */
	uint64_t max_size;  /* bytes */
};

struct manifest_role {
	char name[MANIFEST_NAME_MAX + 1];
	uint32_t components; /* bit i: component i; not 0 */
};

struct manifest {
	uint8_t vendor[16], class_id[16];
	uint64_t sequence; /* 1 to 2^63 - 1 */
	uint64_t not_before_s, not_after_s;
	struct manifest_component components[MANIFEST_COMPONENTS_MAX];
	size_t components_n; /* 1 to 16 */
	char origin[MANIFEST_ORIGIN_MAX + 1];
	struct manifest_role roles[MANIFEST_ROLES_MAX];
	size_t roles_n; /* 1 to 16; any order */
	char stage[MANIFEST_NAME_MAX + 1];
};

/*
 * Appends the payload (a deterministic map) to out. PV_INPUT, rule
 * "manifest.content", naming the field: sequence, dates, ids, doubled names, an
 * empty role, max-size 0 or past 2^31.
 */
PV_MUST enum pv_code manifest_payload(const struct manifest *m, struct buf *out,
				      struct err *err);

/* SHA-256 of the Sig_structure: what the bundle key signs (ES256). */
PV_MUST enum pv_code manifest_digest(struct span payload,
				     const uint8_t kid[static MANIFEST_KID_LEN],
				     uint8_t digest[static 32],
				     struct err *err);
/* Appends the COSE_Sign1 of payload and the raw signature to out. */
PV_MUST enum pv_code manifest_finish(struct span payload,
				     const uint8_t kid[static MANIFEST_KID_LEN],
				     const uint8_t sig[static 64],
				     struct buf *out, struct err *err);

/* What a signed manifest holds; spans point into the message. */
struct manifest_parts {
	struct span payload; /* its SHA-256 is binding key 9 */
	struct span kid;     /* 8 bytes */
	struct span sig;     /* 64 bytes */
	uint8_t payload_sha256[32];
	uint8_t digest[32]; /* what sig must verify against */
};

/*
 * Strict parse of a COSE_Sign1 manifest. m may be NULL. PV_INPUT, rule
 * "manifest.format".
 */
PV_MUST enum pv_code manifest_parse(struct span message, struct manifest *m,
				    struct manifest_parts *parts,
				    struct err *err);

#endif
