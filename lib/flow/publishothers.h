/*
 * publishothers: of CAs whose key another authority has, what dependants fetch
 * beside our own: the certificate, and the list that a medium brought
 * (calist.h). Included by publish*.c only.
 */
#ifndef PV_FLOW_PUBLISHOTHERS_H
#define PV_FLOW_PUBLISHOTHERS_H

#include "lib/flow/publishdir.h"
#include "lib/store/store.h"

/*
 * ca/CA-1.cer and crl/CA/0.crl. A list in the folder that is newer than the one
 * that is kept, and by the same key, stays. What fails with one CA keeps no
 * other back; the worst goes to *worst (outcome.h): calist_check()'s codes,
 * PV_INTEGRITY, PV_STORAGE.
 */
void publish_others(struct publish_dir *d, struct store *store, int64_t now_s,
		    struct err *worst);

#endif
