/*
 * ceremony_room: whether a plan's transcript can hold what its steps make, so
 * that one that cannot is refused before anything is made. Of revocation lists
 * there may be thousands.
 *
 * Does not check: lists of other CAs that are due behind the last step:
 * transcript_put() refuses the first that does not fit, before it is signed.
 */
#ifndef PV_CEREMONY_CEREMONY_ROOM_H
#define PV_CEREMONY_CEREMONY_ROOM_H

#include "lib/flow/authority.h"
#include "lib/store/store.h"
#include "policy/plan.h"

/*
 * store: of an authority that is there; NULL: the plan makes it. PV_DENIED,
 * "transcript.size". Codes of plantemplate_read(), template_parse() and
 * crl_issuers_load().
 */
PV_MUST enum pv_code ceremony_room(const struct plan *plan, const char *dir,
				   const struct authority *a,
				   struct store *store, struct err *err);

#endif
