/* record_quarantine: what a signer tells the writer before it ends a run. */
#ifndef PV_FLOW_RECORD_QUARANTINE_H
#define PV_FLOW_RECORD_QUARANTINE_H

#include "lib/flow/records.h"

/* WIRE_QUARANTINE: a device that the token gave a wrong signature for. */
struct record_quarantine {
	struct record_refused of;
	uint32_t number;
	struct span serial;
	char key[HSM_LABEL_MAX];
	struct span signature; /* empty: none of the right length */
};
void record_put_quarantine(struct wire *w, const struct record_quarantine *q);
PV_MUST enum pv_code record_get_quarantine(struct wire_rec *rec,
					   struct record_quarantine *q,
					   struct err *err);

#endif
