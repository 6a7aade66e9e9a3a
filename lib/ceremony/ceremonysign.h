/*
 * ceremonysign: the note over a transcript's head (transcript.h), signed with
 * the log's keys.
 */
#ifndef PV_CEREMONY_CEREMONYSIGN_H
#define PV_CEREMONY_CEREMONYSIGN_H

#include "lib/flow/authority.h"
#include "lib/hsm.h"
#include "lib/log/transcript.h"
#include "lib/store/store.h"
#include "policy/plan.h"

/*
 * Writes transcript.note into folder, durable. An authority without a log key
 * gets none. Codes of checkpoint_load() and of the token; PV_CONFLICT,
 * "output.exists", when another note is there.
 */
PV_MUST enum pv_code ceremony_sign(const struct authority *a,
				   struct store *store, struct hsm *hsm,
				   int folder, const struct plan *plan,
				   const struct transcript_head *head,
				   struct err *err);

#endif
