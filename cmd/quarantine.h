/* quarantine: what the verb's files share. */
#ifndef PV_CMD_QUARANTINE_H
#define PV_CMD_QUARANTINE_H

#include "cmd/app.h"
#include "lib/store/store.h"

extern const char quarantine_help[]; /* one screen: quarantine_help.c */
extern const struct verb_part quarantine_parts[];

/*
 * Prints the devices that are held since the token signed wrongly for them: a
 * line each, or all that is known of the one that is named. PV_NOT_FOUND,
 * "quarantine.none", when that one is not.
 */
PV_MUST enum pv_code quarantine_print_devices(const struct app *app,
					      struct store *store,
					      const char *device,
					      struct err *err);

#endif
