/*
 * ceremonyended: whether a ceremony of this authority did end, once something
 * in its folder says so: the transcript, its note and the files beside it hold
 * (ceremonycheck.h), it is what the log says of it, and log keys that the
 * authority had have signed the note. A file that somebody puts there ends
 * nothing.
 *
 * Does not check: who was there.
 */
#ifndef PV_CEREMONY_CEREMONYENDED_H
#define PV_CEREMONY_CEREMONYENDED_H

#include "lib/flow/authority.h"
#include "lib/store/store.h"
#include "policy/plan.h"

/*
 * folder: the ceremony's; mode: it has to be of that one (else PV_DENIED,
 * "ceremony.mode"); NULL: of any. Codes of ceremonycheck() and
 * checkpoint_load(); PV_INTEGRITY, "ceremony.note": a key signed it that is
 * none of the authority's; PV_NOT_FOUND: a file.
 */
PV_MUST enum pv_code ceremony_ended(const struct authority *a,
				    struct store *store,
				    const struct plan *plan, int folder,
				    const char *mode, struct err *err);

#endif
