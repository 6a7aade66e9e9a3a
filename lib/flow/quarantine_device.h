/*
 * quarantine_device: devices whose intent is held since the token signed
 * wrongly for them. They have no number in quarantine and nothing releases
 * them: no run takes such an intent up again. Each is held against the log
 * before it is shown.
 */
#ifndef PV_FLOW_QUARANTINE_DEVICE_H
#define PV_FLOW_QUARANTINE_DEVICE_H

#include "lib/store/store_device.h"

struct quarantine_device { /* strings are the log's and the row's */
	struct store_device d;
	char serial[2 * STORE_SERIAL_MAX + 1]; /* lower-case hex */
	char rule[STORE_ID_MAX + 1];
	char key[STORE_LABEL_MAX + 1]; /* label of the one that signed */
	uint64_t put_index;	       /* of its quarantine.put */
};

struct quarantine_devices {
	struct quarantine_device *list; /* by number */
	size_t n;
};

/*
 * All of them; release to in any case. Reads the log from the first such
 * intent on, and nothing of it while there is none. PV_INTEGRITY,
 * "store.edited", or "store.governance" when no entry holds the device.
 */
PV_MUST enum pv_code quarantine_devices(struct store *store,
					struct quarantine_devices *to,
					struct err *err);
void quarantine_devices_release(struct quarantine_devices *to);

#endif
