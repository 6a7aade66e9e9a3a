/*
 * newpin: the PIN that tokens are to have from now on: from a source, or typed
 * twice on the terminal, since nobody sees what is typed.
 */
#ifndef PV_CMD_NEWPIN_H
#define PV_CMD_NEWPIN_H

#include "lib/flow/backends.h"

/*
 * source: as of person_pin(), or NULL for the terminal; name: the authority's,
 * for the prompt. Appends to pin. PV_INPUT, "pin.twice" (the two are not the
 * same); PV_DENIED, "pin.terminal"; codes of person_pin().
 */
PV_MUST enum pv_code newpin_read(const struct backends *b, const char *source,
				 const char *name, struct secret *pin,
				 struct err *err);

#endif
