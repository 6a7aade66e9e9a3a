/*
 * due: the stages of which a device has its bundle as soon as it is issued:
 * those that its template seals for its role without attestation. Asked by who
 * records a result, gives one out, or audits it; each keeps its own struct.
 */
#ifndef PV_FLOW_DUE_H
#define PV_FLOW_DUE_H

#include "lib/store/store.h"
#include "policy/template.h"

#define DUE_TEMPLATES 8 /* kept parsed: seldom more than one is asked for */

struct due { /* zero is empty */
	struct template *kept[DUE_TEMPLATES];
	size_t next;
};
void due_release(struct due *u);

/* The bit of a stage's name; 0 when there is no such stage. */
PV_MUST unsigned due_bit(const char *stage);
/* The stored template of that digest, as long as u is used for no more than
 * DUE_TEMPLATES others. Codes as below. */
PV_MUST enum pv_code due_template(struct due *u, struct store *store,
				  const uint8_t sha256[32],
				  const struct template **out, struct err *err);
/*
 * Bits of the stages due to s, by the stored template of its digest.
 * PV_INTEGRITY, rule "store.edited": that template is damaged, or has no such
 * role. PV_STORAGE, PV_INTERNAL.
 */
PV_MUST enum pv_code due_stages(struct due *u, struct store *store,
				const struct store_subject *s, unsigned *bits,
				struct err *err);

#endif
