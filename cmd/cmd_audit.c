#include <string.h>

#include "cmd/audit.h"
#include "cmd/opts.h"

static enum pv_code run(const struct app *app, int argc, char **argv,
			struct err *err)
{
	if (argc > 1 && strcmp(argv[1], "show") == 0)
		return audit_run_show(app, argc - 1, argv + 1, err);
	if (argc > 1 && strcmp(argv[1], "reconcile") == 0)
		return audit_run_reconcile(app, argc - 1, argv + 1, err);
	if (argc > 1 && strcmp(argv[1], "anomalies") == 0)
		return audit_run_anomalies(app, argc - 1, argv + 1, err);
	if (argc > 1 && strcmp(argv[1], "witness") == 0)
		return audit_run_witness(app, argc - 1, argv + 1, err);
	if (argc > 1 && strcmp(argv[1], "cosign") == 0)
		return audit_run_cosign(app, argc - 1, argv + 1, err);
	return audit_run_verify(app, argc, argv, err);
}

const struct verb verb_audit = {
	.name = "audit",
	.summary = "hold log, store, token and files against each other; show "
		   "the log",
	.help = audit_help,
	.parts = audit_parts,
	.token = true,
	.run = run,
};
