/* rotate_impl: shared by rotate*.c only. */
#ifndef PV_FLOW_ROTATE_IMPL_H
#define PV_FLOW_ROTATE_IMPL_H

#include "lib/flow/rotate.h"

/* The lines as a file that a process can be given; PV_INTERNAL. */
PV_MUST enum pv_code rotate_file(struct span lines, int *fd, struct err *err);

#endif
