/*
 * device: the receiver of sealed bundles (formats.md 1 to 4), for a firmware.
 *
 * Freestanding C99, no heap, no recursion. Checks run strictly in the order of
 * formats.md 1 "Device order"; the first failure ends the session: nothing was
 * activated, secrets are wiped, and every later call but pvdev_receipt() and
 * pvdev_begin() returns PVDEV_STATE.
 *
 * Memory: struct pvdev, its configuration, the segment that the caller holds,
 * one bit a segment in config.seen. On a Cortex-M4 (clang 14, -Os): 720 and 272
 * bytes, 1056 with chunk 1024, 64 for 512 segments, 1544 bytes of stack beside
 * the callbacks: 3656 together. Manifest and descriptor are not copied: they
 * stay readable and unchanged (memory-mapped flash will do) until
 * pvdev_finish() returned.
 * Does not check: certificates and contents inside components (content.h
 * helps), min-version of components.
 */
#ifndef PV_DEVICE_DEVICE_H
#define PV_DEVICE_DEVICE_H

#include "lib/device/port.h"

/* Bytes of any call here, beside the callbacks, as measured above; at most. */
#define PVDEV_STACK_MAX 1600

/* Provisioned, never read from input. BATCH also takes plain (formats.md 3). */
enum pvdev_form { PVDEV_FORM_PLAIN, PVDEV_FORM_MAC0, PVDEV_FORM_BATCH };
enum pvdev_kind { PVDEV_KIND_P256 = 1, PVDEV_KIND_KDF = 2 };

struct pvdev_config {
	const struct pvdev_crypto *crypto;
	void *crypto_ctx;
	const struct pvdev_storage *storage;
	void *storage_ctx;
	const char *device_id;
	const char *role;              /* NULL: not assigned yet, takes any */
	const char *stage;             /* NULL: any */
	const uint8_t *vendor;         /* 16 bytes, or NULL: any */
	const uint8_t *class_id;       /* 16 bytes, or NULL: not assigned yet */
	enum pvdev_form form;
	enum pvdev_kind kind;
	uint8_t bundle_point[PVDEV_POINT_LEN]; /* unused for MAC0 */
	uint8_t bundle_kid[8];
	enum pvdev_slot seal_slot;     /* kind 1: SEALING or CERTIFIED */
	uint8_t seal_point[PVDEV_POINT_LEN];
	uint8_t key_id[PVDEV_KEY_ID_MAX]; /* kind 1: SHA-256 of the SPKI */
	size_t key_id_len;             /* 32; kind 2: 16, 0: not provisioned */
	enum pvdev_slot receipt_slot;  /* CERTIFIED, SEALING or RECEIPT (Mac0) */
	uint8_t receipt_kid[8];        /* not for RECEIPT */
	const uint8_t *challenge;      /* nonce of my last evidence, or NULL */
	size_t challenge_len;
	const uint8_t *evidence_hash;  /* SHA-256 of it, 32 bytes, or NULL */
	bool has_clock;
	uint64_t now;                  /* seconds since the epoch */
	uint8_t *seen;                 /* one bit a segment of the bundle */
	size_t seen_len;               /* bytes */
};

struct pvdev_component {
	const uint8_t *id;             /* points into the descriptor */
	const uint8_t *commit;         /* 32 bytes; NULL for a clear one */
	const uint8_t *check;          /* mac, or digest of a clear one */
	uint32_t len;                  /* total-len, or max-size until given */
	uint32_t first_bit;            /* of segment 0 in config.seen */
	uint16_t chunk;                /* bytes; 0 for a clear one */
	uint8_t id_len;
	bool given;                    /* a clear one is staged */
};

enum pvdev_state { PVDEV_IDLE, PVDEV_RECEIVING, PVDEV_DONE, PVDEV_FAILED };

/* Fields are the library's; zeroed by pvdev_begin(). */
struct pvdev {
	const struct pvdev_config *cfg;
	enum pvdev_state state;
	enum pvdev_result result;
	bool verified;                 /* descriptor verified: receipts allowed */
	struct pvdev_facts facts;
	uint64_t manifest_seq;
	/* As binding and manifest say; point into them. For activate. */
	struct cbor_bytes role, stage, vendor, class_id;
	uint8_t bs[PVDEV_KEY_LEN];
	uint8_t keys[PVDEV_KEY_LEN + PVDEV_NONCE_LEN + PVDEV_KEY_LEN];
	unsigned keys_of;              /* component of keys; MAX: none */
	unsigned sealed_n, clear_n;
	struct pvdev_component comp[PVDEV_COMPONENTS_MAX];
};

/* Everything up to the key commitments. cfg must outlive the session. */
enum pvdev_result pvdev_begin(struct pvdev *d, const struct pvdev_config *cfg,
			      struct cbor_bytes manifest,
			      struct cbor_bytes descriptor);
/* Clear component j (order of binding 7), whole. Twice the same is fine. */
enum pvdev_result pvdev_clear(struct pvdev *d, unsigned j, const uint8_t *p,
			      size_t len);
/*
 * One segment of sealed component i, in any order. Opened in place: seg holds
 * no plaintext after the call. Twice the same is fine.
 */
enum pvdev_result pvdev_segment(struct pvdev *d, unsigned i, uint8_t *seg,
				size_t len);
/* All present, all macs right, then storage.activate. */
enum pvdev_result pvdev_finish(struct pvdev *d);
/* Wipes secrets; also after a refusal. Takes a finished session. */
void pvdev_abort(struct pvdev *d);

/* Components: sealed_n sealed ones, then clear_n clear ones; NULL past them. */
const struct pvdev_component *pvdev_component(const struct pvdev *d,
					      unsigned i);
#endif
