/* rotate_impl: shared by rotate*.c and release.c only. */
#ifndef PV_FLOW_ROTATE_IMPL_H
#define PV_FLOW_ROTATE_IMPL_H

#include "lib/flow/rotate.h"

/* The device's row, which agrees with the log and is not retired. PV_INPUT
 * "device.id"; PV_NOT_FOUND "device.unknown"; PV_DENIED "device.retired". */
PV_MUST enum pv_code rotate_find(struct store *store, const char *device,
				 struct store_device *d, struct err *err);
/* The lines as a file that a process can be given; PV_INTERNAL. */
PV_MUST enum pv_code rotate_file(struct span lines, int *fd, struct err *err);

#endif
