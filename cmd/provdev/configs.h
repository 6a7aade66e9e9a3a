/*
 * configs: what a device has of configurations: the active one, the one that is
 * being received, and the one that was active before, of which number and
 * serial stay when its contents go.
 *
 * Does not check: that what is being received is what the descriptor says.
 */
#ifndef PV_CMD_PROVDEV_CONFIGS_H
#define PV_CMD_PROVDEV_CONFIGS_H

#include <jansson.h>

#include "cmd/provdev/state.h"

#define CONFIG_ABOUT "about" /* in staging: the number of what is received */

/* The certificate's serial, lower-case hex, of the components in the folder;
 * "" when none has a certificate. */
PV_MUST enum pv_code config_serial(int dirfd, char out[STATE_SERIAL_MAX],
				   struct err *err);
/* Notes in the staging folder which bundle is being received. */
PV_MUST enum pv_code config_note(int staging, uint64_t seq, struct err *err);
/*
 * Appends {"state","seq","serial"} of each to list: "active", "staged",
 * "previous"; serial is null where there is no certificate, or not all of it
 * yet.
 */
PV_MUST enum pv_code configs_list(int dirfd, const struct state *s,
				  json_t *list, struct err *err);

#endif
