/*
 * state: the one file that says what is active. It is replaced atomically, so
 * counters, contents and receipt facts change in one step.
 */
#ifndef PV_CMD_PROVDEV_STATE_H
#define PV_CMD_PROVDEV_STATE_H

#include "lib/base/fileio.h"
#include "lib/device/device.h"

#define STATE_ROLE_MAX 255
#define STATE_FOLDER_MAX 32 /* "gen-" and a number */
#define STATE_SERIAL_MAX 41 /* 20 octets in hex */

struct state {
	bool fresh; /* there is no file yet */
	uint64_t manifest_seq;
	struct pvdev_facts facts;      /* of what is active; seq in them */
	char role[STATE_ROLE_MAX + 1]; /* taken with the first bundle */
	uint8_t class_id[PVDEV_UUID_LEN];
	uint64_t previous_seq; /* of what was active before; 0: none */
	char previous_serial[STATE_SERIAL_MAX]; /* "": it had none */
};

/* A missing file is a fresh device. PV_INTEGRITY for a broken one. */
PV_MUST enum pv_code state_read(int dirfd, struct state *s, struct err *err);
PV_MUST enum pv_code state_write(int dirfd, const struct state *s,
				 struct err *err);
/* Folder of the active components: "gen-7"; empty for a fresh device. */
void state_folder(const struct state *s, char out[STATE_FOLDER_MAX]);

#endif
