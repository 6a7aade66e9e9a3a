/*
 * kept: what of a request is kept with its device, so that it can be rotated
 * without the device being asked, or get what its evidence is for: the sealing
 * key and the fields. Only where the template rotates, or has a stage that asks
 * for evidence. Held against the hash that cert.intent has of it.
 *
 * The row is deterministic CBOR: [sealing key (SPKI DER, bstr, may be empty),
 * {field: value, ...} as an array [name, value, ...] in the request's order].
 */
#ifndef PV_FLOW_KEPT_H
#define PV_FLOW_KEPT_H

#include "lib/base/cbor.h"
#include "lib/flow/request.h"
#include "lib/store/store.h"
#include "policy/template.h"

#define KEPT_MAX 65536u /* bytes */

struct kept { /* borrows the row; zero: there is nothing */
	struct span seal_key;
	struct {
		struct cbor_bytes name, value; /* UTF-8, not terminated */
	} fields[REQUEST_FIELDS_MAX];
	size_t fields_n;
};

/* Whether t has anything kept. */
PV_MUST bool kept_by(const struct template *t);
/* Appends the row; nothing when there is nothing to keep. */
PV_MUST enum pv_code kept_put(const struct request *r, struct buf *out,
			      struct err *err);
/* PV_INTEGRITY, rule "store.edited". An empty row is a zero *k. */
PV_MUST enum pv_code kept_read(struct span row, struct kept *k,
			       struct err *err);
/* The row of d, compared with the log, into row, taken apart. PV_INTEGRITY,
 * PV_STORAGE. */
PV_MUST enum pv_code kept_load(struct store *store,
			       const struct store_device *d, struct buf *row,
			       struct kept *k, struct err *err);

#endif
