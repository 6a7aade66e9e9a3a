/*
 * bundle: seals the components of one device (formats.md 1): draws the secret
 * BS, builds binding and descriptor payload, encrypts every segment. Nothing
 * is signed here: descriptor.h and batch.h build what the bundle key signs.
 *
 * A struct seal keeps its contexts between bundles; it belongs to one thread
 * and is made after the last fork. BS and what is derived from it is wiped
 * before a call returns, also when it fails: the same bundle is never made
 * twice, a retry resends stored bytes or starts with a new BS.
 *
 * Does not check: that the components are what a manifest lists.
 */
#ifndef PV_SEAL_BUNDLE_H
#define PV_SEAL_BUNDLE_H

#include "lib/base/buf.h"
#include "lib/base/secret.h"
#include "lib/seal/hpke.h"

#define SEAL_COMPONENTS_MAX 16 /* formats.md, opening section */
#define SEAL_ID_LEN 16	       /* bundle-id */
#define SEAL_NAME_MAX 64       /* bytes: device-id, component-id, role */
#define SEAL_CHUNK_MIN 256
#define SEAL_CHUNK_MAX 4096
#define SEAL_TOTAL_MAX ((uint64_t)1 << 31)
#define SEAL_KEY_ID_LEN 32	  /* kind 1: SHA-256(SPKI DER) */
#define SEAL_MASTER_ID_LEN 16	  /* kind 2: CKA_ID of the KDF master */
#define SEAL_DESCRIPTOR_MAX 16384 /* bytes of a descriptor payload */
#define SEAL_SEGMENT_OVERHEAD 32  /* bytes a full segment adds to its chunk */

enum seal_kind {
	SEAL_KIND_KEM = 1, /* P-256 sealing key, HPKE */
	SEAL_KIND_KEK = 2  /* symmetric device, AES key wrap */
};

struct seal_sealed {
	const char *id;
	uint32_t chunk;	   /* bytes: a power of two, 256 to 4096 */
	uint64_t max_size; /* bytes, from the manifest */
	const struct secret *plain;
};

struct seal_clear {
	const char *id;
	uint64_t max_size;
	struct span bytes;
};

/* Nothing is owned. Components in the order of manifest key 7. */
struct seal_job {
	const char *device_id, *role;
	uint64_t seq;			/* 1 to 2^63 - 1 */
	uint8_t bundle_id[SEAL_ID_LEN]; /* random, drawn by the caller */
	struct seal_sealed sealed[SEAL_COMPONENTS_MAX];
	size_t sealed_n; /* at least 1 */
	struct seal_clear clear[SEAL_COMPONENTS_MAX];
	size_t clear_n;
	enum seal_kind kind;
	uint8_t point[HPKE_POINT_LEN];	 /* kind 1 */
	uint8_t key_id[SEAL_KEY_ID_LEN]; /* kind 1: 32 bytes, kind 2: first 16
					  */
	const struct secret *kek;	 /* kind 2: 32 bytes */
	uint8_t manifest_sha256[32];	 /* of the manifest's payload */
	const uint8_t *evidence_sha256;	 /* 32 bytes, or NULL: not asked for */
};

struct seal;

/* *s owned by the caller. PV_INTERNAL. */
PV_MUST enum pv_code seal_new(struct seal **s, struct err *err);
void seal_free(struct seal *s);
/* Its kept SHA-256, for who has a seal and something to hash. */
struct sha256 *seal_hash(struct seal *s);

/*
 * Seals one bundle: the descriptor payload is appended to payload, all segments
 * (component 0 first) to segments, and SHA-256(binding) goes to bh. PV_INPUT,
 * rules "seal.name", "seal.seq", "seal.chunk", "seal.size" (empty or past
 * max-size), "seal.components", "seal.point"; PV_INTERNAL. After a failure both
 * buffers have their former length and s may be used again.
 */
PV_MUST enum pv_code seal_bundle_make(struct seal *s,
				      const struct seal_job *job,
				      struct buf *payload, struct buf *segments,
				      uint8_t bh[static 32], struct err *err);

/* Bytes of all segments of one component of total bytes. */
uint64_t seal_segments_len(uint64_t total, uint32_t chunk);

#endif
