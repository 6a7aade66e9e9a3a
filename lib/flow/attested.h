/*
 * attested: a device that attests, and what its template asks of it: the
 * version in effect now, not the one that it was issued under, so that new
 * reference values count for all. Rows are held against the log.
 *
 * Does not check: the manifest's signature (it is checked where a bundle is
 * made), which keys are enrolled.
 */
#ifndef PV_FLOW_ATTESTED_H
#define PV_FLOW_ATTESTED_H

#include "lib/evidence/evidence.h"
#include "lib/flow/trustcerts.h"

struct attested {
	struct store_device d; /* its current credential */
	struct template *t;
	uint8_t template_sha256[32];
	struct buf trust_room;
	struct trustcerts trust; /* in trust_room */
};
void attested_init(struct attested *x);
void attested_release(struct attested *x);

/*
 * Into x, which is initialised and empty. PV_INPUT "device.id"; PV_NOT_FOUND
 * "device.unknown"; PV_DENIED "device.held", "device.revoked",
 * "device.retired", "device.open" (it is not issued), "attest.none" (its
 * template asks for none); PV_INTEGRITY, PV_STORAGE.
 */
PV_MUST enum pv_code attested_load(struct store *store, const char *device,
				   struct attested *x, struct err *err);

/* Whether the template takes evidence of that format. */
PV_MUST bool attested_format(const struct attested *x,
			     enum evidence_format format);

/*
 * The stage that is sealed on evidence: NULL: the one there is. *name is
 * static. PV_INPUT "attest.stage"; PV_DENIED "attest.stage" (it needs no
 * evidence, or the device's role has nothing in it).
 */
PV_MUST enum pv_code attested_stage(const struct attested *x, const char *stage,
				    const char **name, struct err *err);
/* SHA-256 of the payload of that stage's manifest, as A and binding 9 have it.
 * PV_INTEGRITY "store.edited"; PV_STORAGE. */
PV_MUST enum pv_code attested_manifest(struct store *store,
				       const struct attested *x,
				       const char *stage,
				       uint8_t sha256[static 32],
				       struct err *err);
/*
 * The key that its bundles are sealed to, SPKI DER, appended to out; nothing
 * where they are sealed under its KEK. given: of the device, which may have
 * named none; empty: the one that was kept. PV_DENIED "evidence.seal_key": it
 * is another's, or not the one that the device has; PV_INPUT
 * "evidence.seal_key": none was given or kept, or it is none of P-256.
 */
PV_MUST enum pv_code attested_seal_key(struct store *store,
				       const struct attested *x,
				       struct span given, struct buf *out,
				       struct err *err);

#endif
