/*
 * released: evidence as the store has it, and the bundles that were sealed for
 * it. A bundle of a stage that asks for evidence counts only with the evidence
 * that it names (binding 10), verified before, and with its bundle.release.
 * Rows are held against their entries.
 *
 * Does not check: the evidence itself, which whoever verified it did; whether
 * a device may be given something now (policy/decide.h).
 */
#ifndef PV_FLOW_RELEASED_H
#define PV_FLOW_RELEASED_H

#include "lib/flow/due.h"
#include "lib/store/store_evidence.h"

#define RELEASED_SEAL_MAX 1024u /* bytes of a sealing key's SPKI */

struct released {
	struct store_evidence x; /* its span points into seal */
	struct buf seal;
	bool found;
};
void released_init(struct released *r);
void released_release(struct released *r);

/* The evidence of that hash, or with NULL the newest of that stage that was
 * verified; r->found says whether there is any. PV_INTEGRITY, "store.edited";
 * PV_STORAGE. */
PV_MUST enum pv_code released_evidence(struct store *store, const char *device,
				       const char *stage, const uint8_t *sha256,
				       struct released *r, struct err *err);
/*
 * The evidence that b, a bundle of s whose row agrees with the log, was
 * released for; r->found is false where its stage, by the template that it was
 * sealed under, asks for none. PV_INTEGRITY, "store.edited": it has none and
 * needs one, or the other way round, or the log has no such release.
 */
PV_MUST enum pv_code released_bundle(struct store *store, struct due *due,
				     const struct store_subject *s,
				     const struct store_bundle *b,
				     struct released *r, struct err *err);

#endif
