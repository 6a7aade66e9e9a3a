/*
 * tokennote: lines of signed notes (lib/base/note.h) by keys of the authority
 * on its token.
 *
 * Does not check: what the text says; that the token's key is the recorded one
 * (ownkey_find() does).
 */
#ifndef PV_FLOW_TOKENNOTE_H
#define PV_FLOW_TOKENNOTE_H

#include "lib/base/note.h"
#include "lib/flow/context.h"
#include "lib/hsm.h"

/*
 * Signs text, verifies, and appends the line under name to note, which
 * note_start() began with that text. own is what was recorded of key: Ed25519
 * or P-256. Codes of hsm_sign_message(), hsm_sign_digest(); PV_HSM_FATAL,
 * "note.signature": the token's own signature is wrong. note is then as before.
 */
PV_MUST enum pv_code tokennote_add(struct hsm *hsm, struct hsm_key *key,
				   const struct issue_key *own,
				   const char *name, struct span text,
				   struct buf *note, struct err *err);

#endif
