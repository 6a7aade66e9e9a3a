/* Of ceremonies: what the steps about a key that another token gets share. */
#ifndef PV_CEREMONY_CEREMONY_TRANSPORT_H
#define PV_CEREMONY_CEREMONY_TRANSPORT_H

#include "lib/base/note.h"
#include "lib/ceremony/ceremony_kinds.h"

#define TRANSPORT_FILE_END ".transport" /* behind a purpose */

/* Of the transport key of this ceremony; 0: it is not made yet. */
unsigned ceremony_transport_generation(const struct ceremony *c);
/* A public key of another authority: the plan has its hash, or people compare
 * it; text: for what. PV_DENIED, "transport.spki". */
PV_MUST enum pv_code ceremony_transport_meet(struct ceremony *c,
					     const struct plan_step *step,
					     struct span spki, const char *text,
					     struct err *err);
/* Which log key signed that file, into the transcript. */
PV_MUST enum pv_code ceremony_transport_tell_signer(struct ceremony *c,
						    const char *from,
						    const char *file,
						    const struct note_key *log,
						    struct err *err);
/* PV_INTEGRITY, "transport.other". */
PV_MUST enum pv_code ceremony_transport_not_theirs(const char *file,
						   const char *from,
						   struct err *err);

#endif
