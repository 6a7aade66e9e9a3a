/* approve: what does not fit cmd_approve.c. */
#ifndef PV_CMD_APPROVE_H
#define PV_CMD_APPROVE_H

#include "cmd/app.h"

/* The requests of a folder, by default of the home. Ends with the code of the
 * first file there that is no request, behind all that are. */
PV_MUST enum pv_code approve_run_list(const struct app *app, int argc,
				      char **argv, struct err *err);

#endif
