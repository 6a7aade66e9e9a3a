/*
 * datakey: the AES-256 key that seals one run's rows at rest (formats.md 9),
 * drawn by a signer, itself stored as a row of the HSM's store key; and rows
 * that the store key seals by itself.
 */
#ifndef PV_FLOW_DATAKEY_H
#define PV_FLOW_DATAKEY_H

#include "lib/flow/context.h"
#include "lib/hsm.h"
#include "lib/seal/atrest.h"

/*
 * Draws a key and appends its row to row; the row's own id is that of the
 * store key, id gets the data key's. uses: rows that the store key has sealed
 * so far. PV_HSM_*, PV_NOT_FOUND without store key, PV_DENIED "atrest.uses".
 */
PV_MUST enum pv_code datakey_new(struct hsm *hsm, const struct issue_key *store,
				 uint64_t uses, const char *authority,
				 uint8_t id[ATREST_ID_LEN], struct buf *row,
				 struct atrest **key, struct err *err);

/* Opens the row of data key id. PV_INTEGRITY, PV_HSM_*. */
PV_MUST enum pv_code
datakey_open(struct hsm *hsm, const struct issue_key *store,
	     const char *authority, const uint8_t id[ATREST_ID_LEN],
	     struct span row, struct atrest **key, struct err *err);

/*
 * Appends value, sealed for bound by the store key in use, to row, and opens it
 * again: what the token cannot give back is not kept. PV_HSM_*, "hsm.seal" for
 * that; PV_NOT_FOUND without store key, PV_DENIED "atrest.uses".
 */
PV_MUST enum pv_code datakey_seal_by_store(const struct authority *a,
					   struct store *store, struct hsm *hsm,
					   const struct atrest_name *bound,
					   const struct secret *value,
					   struct buf *row, struct err *err);

#endif
