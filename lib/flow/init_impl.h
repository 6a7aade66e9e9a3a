/* What the files of init.h share. */
#ifndef PV_FLOW_INIT_IMPL_H
#define PV_FLOW_INIT_IMPL_H

#include "lib/flow/init.h"

#define INIT_PIN_FILE "softhsm/pin"

/* A new or an empty folder of ours, mode 0700; *fd is the caller's. */
PV_MUST enum pv_code init_make_home(const char *dir, int *fd, struct err *err);
/* One that is there, no link, and ours. */
PV_MUST enum pv_code init_take_folder(const char *dir, int *fd,
				      struct err *err);
/* a->home_fd is that folder: its path, and the folders below it. */
PV_MUST enum pv_code init_open_home(struct authority *a, const char *dir,
				    struct err *err);
/*
 * Token folder, its configuration and the PINs, as far as they are not there
 * yet; SoftHSM is pointed there.
 */
PV_MUST enum pv_code init_softhsm(const struct authority *a,
				  struct secret *so_pin, struct secret *pin,
				  struct err *err);

#endif
