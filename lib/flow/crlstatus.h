/*
 * crlstatus: whether a certificate is revoked, for who compares with what
 * others show. Its row is held against the log; where there is none, the newest
 * list of its shard may not name it either, unless it was held and the log says
 * that it was let go of since.
 *
 * Does not check: that the log is the one that was signed (whoever opens the
 * store and audit do).
 */
#ifndef PV_FLOW_CRLSTATUS_H
#define PV_FLOW_CRLSTATUS_H

#include "lib/flow/crlissuer.h"

/*
 * Of that serial number, issued by i; *r is its row when *revoked. One view of
 * the store of its own. PV_INTEGRITY, "store.edited", and as crl_row_newest();
 * PV_STORAGE.
 */
PV_MUST enum pv_code crl_status(struct store *store, const struct crl_issuer *i,
				struct span serial, struct store_revocation *r,
				bool *revoked, struct err *err);

#endif
