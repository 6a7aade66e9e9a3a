/* rotate device --rollback: back to the credential that a device had. */
#include <stdio.h>

#include "cmd/out.h"
#include "cmd/publish.h"
#include "cmd/rotate.h"
#include "cmd/session.h"
#include "lib/flow/rotate.h"

enum pv_code rotate_run_back(const struct app *app, const char *device,
			     bool not_installed, struct err *err)
{
	SESSION s = { .a = NULL };
	enum pv_code rc = session_open(
		app, SESSION_STORE | SESSION_MAY(ROLE_OP_ROTATE), &s, err);

	if (rc == PV_OK)
		rc = rotate_back(s.store, device, not_installed, err);
	if (rc == PV_OK)
		rc = publish_changes(app, &s, err);
	if (rc != PV_OK)
		return rc;
	if (app->json)
		return out_json(json_pack("{s:s, s:s}", "device", device,
					  "status", "rolled-back"),
				err);
	printf("%s: back to the credential it had\n", device);
	return PV_OK;
}
