/*
 * atrest: secrets in the store (formats.md 9): AES-256-GCM rows, sealed by the
 * HSM's store key or by a data key that is itself such a row.
 *
 *     row = key id(16) || nonce(12) || ciphertext || tag(16)
 *
 * Nonces are 96 random bits, so a key's uses are counted and refused past 2^32
 * (SP 800-38D 8.3). The caller keeps the count of the store key across runs.
 */
#ifndef PV_SEAL_ATREST_H
#define PV_SEAL_ATREST_H

#include "lib/hsm.h"

#define ATREST_ID_LEN 16
#define ATREST_KEY_LEN 32
#define ATREST_OVERHEAD (ATREST_ID_LEN + 12 + 16)
#define ATREST_USES_MAX ((uint64_t)1 << 32)
#define ATREST_NAME_MAX 512 /* bytes of an authority's or object's name */

struct atrest_name {
	const char *authority;
	const char *object; /* "secret/fleet-key", "intent/<serial>/..." */
	uint32_t version;
};

struct atrest; /* one key ready for use, one thread */

/* By the HSM's store key; uses: how often this generation was used so far. */
PV_MUST enum pv_code atrest_new_hsm(struct hsm *h, struct hsm_key *key,
				    uint64_t uses, struct atrest **a,
				    struct err *err);
/* By a data key of 32 bytes (copied). PV_INTERNAL on another length. */
PV_MUST enum pv_code atrest_new_data(const struct secret *key,
				     const uint8_t id[static ATREST_ID_LEN],
				     uint64_t uses, struct atrest **a,
				     struct err *err);
void atrest_free(struct atrest *a);

const uint8_t *atrest_id(const struct atrest *a); /* ATREST_ID_LEN bytes */
uint64_t atrest_uses(const struct atrest *a);

/*
 * Appends the row of plain to row. PV_DENIED, rule "atrest.uses", past 2^32
 * uses: rotate; PV_INPUT, rule "atrest.name"; codes of hsm_seal(). row has its
 * former length after a failure; a failed attempt counts as a use.
 */
PV_MUST enum pv_code atrest_seal(struct atrest *a,
				 const struct atrest_name *name,
				 const struct secret *plain, struct buf *row,
				 struct err *err);

/*
 * Opposite. PV_INTEGRITY: rule "atrest.key" when the row names another key,
 * "store.sealed" when it is cut, altered, or another object's.
 */
PV_MUST enum pv_code atrest_open(struct atrest *a,
				 const struct atrest_name *name,
				 struct span row, struct secret *plain,
				 struct err *err);

/* The key id a row names (for finding its key). PV_INTEGRITY when too short. */
PV_MUST enum pv_code atrest_row_id(struct span row,
				   uint8_t id[static ATREST_ID_LEN],
				   struct err *err);

#endif
