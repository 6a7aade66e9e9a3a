/*
 * bundled: the fifth stage of a device's way: its components are sealed, one
 * bundle for each stage that needs no attestation, or for the one that evidence
 * is for. Sealing comes first, for
 * each device; then the descriptors of a whole group are signed together, so
 * that a batch costs one HSM signature; then the containers are put together.
 * Specification: formats.md 1 to 3.
 */
#ifndef PV_FLOW_BUNDLED_H
#define PV_FLOW_BUNDLED_H

#include "lib/flow/issued.h"

struct bundled;

PV_MUST enum pv_code bundled_new(struct bundled **b, struct err *err);
void bundled_free(struct bundled *b);
/* Nothing of the device before it is left to be taken for another's. */
void bundled_reset(struct bundled *b);

/*
 * Seals what i's device gets now; b borrows i. PV_INPUT (a value too long for
 * its component, a stored secret that is not there), PV_HSM_*, PV_INTERNAL.
 */
PV_MUST enum pv_code bundle_seal(struct bundled *b, struct signing *s,
				 const struct issued *i, struct err *err);

/*
 * Signs the descriptors of n sealed devices of one signing context (plain,
 * mac0 or one batch for each stage). All or none. PV_INPUT, rule "size.limit",
 * also for a container that would be too long.
 */
PV_MUST enum pv_code bundles_sign(struct bundled *const *list, size_t n,
				  struct signing *s, uint64_t now_ms,
				  struct err *err);

struct bundle_out {
	const char *stage;
	uint8_t id[SEAL_ID_LEN];
	uint64_t seq;
	uint8_t bh[32], payload_sha256[32];
	struct span escrow; /* CMS of all escrowed values; may be empty */
	uint8_t anchors[ANCHORS_MAX]
		       [32]; /* hashes of the trust anchors in it */
	size_t anchors_n;
};

const struct issued *bundled_issued(const struct bundled *b);
/* 0 to TPL_STAGES_MAX bundles. */
size_t bundled_count(const struct bundled *b);
void bundled_get(const struct bundled *b, size_t n, struct bundle_out *out);
/* Appends the .pvb file of bundle n, which bundles_sign() found to be in size;
 * it is put together here, and nowhere else. out->failed when out is full. */
void bundled_put_container(const struct bundled *b, size_t n, struct buf *out);

#endif
