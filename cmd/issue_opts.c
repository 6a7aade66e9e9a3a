/* The options of issue. */
#include <string.h>

#include "cmd/issue_input.h"
#include "lib/base/fileio.h"
#include "lib/flow/issue.h"

/* It goes into the log and before the eyes of who decides on requests. */
static enum pv_code check_station(const char *station, struct err *err)
{
	if (!station || name_is_safe(station, strlen(station)))
		return PV_OK;
	return err_fail(err, PV_INPUT, "station.name",
			"1 to 64 of 0x21-0x7E without /, not starting with . "
			"or -",
			"--station is not a station's name");
}

enum pv_code issue_parse(int argc, char **argv, struct issue_cmd_opts *o,
			 struct err *err)
{
	const struct opt table[] = {
		{ "template", 0, OPT_STRING, &o->template_name, 0, 0 },
		{ "order", 0, OPT_STRING, &o->order, 0, 0 },
		{ "station", 0, OPT_STRING, &o->station, 0, 0 },
		{ "station-key", 0, OPT_STRING, &o->station_key, 0, 0 },
		{ "station-pin", 0, OPT_STRING, &o->station_pin, 0, 0 },
		{ "device", 0, OPT_STRING, &o->device, 0, 0 },
		{ "csr", 0, OPT_STRING, &o->csr, 0, 0 },
		{ "key", 0, OPT_STRING, &o->key, 0, 0 },
		{ "role", 0, OPT_STRING, &o->role, 0, 0 },
		{ "seal-key", 0, OPT_STRING, &o->seal_key, 0, 0 },
		{ "seal-key-sig", 0, OPT_STRING, &o->seal_sig, 0, 0 },
		{ "set", 0, OPT_LIST, &o->sets, 0, 0 },
		{ "request", 0, OPT_STRING, &o->request, 0, 0 },
		{ "replace", 0, OPT_FLAG, &o->replace, 0, 0 },
		{ "reason", 0, OPT_STRING, &o->reason, 0, 0 },
		{ "output", 'o', OPT_STRING, &o->output, 0, 0 },
		{ "from", 0, OPT_STRING, &o->from, 0, 0 },
		{ "out", 0, OPT_STRING, &o->out, 0, 0 },
		{ "jobs", 0, OPT_NUMBER, &o->jobs, 1, ISSUE_JOBS_MAX },
		{ "stream", 0, OPT_FLAG, &o->stream, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	struct opt_args args;
	enum pv_code rc = opts_parse(table, argc, argv, 0, 0, &args, err);
	int forms = (o->device != NULL) + (o->from != NULL) + o->stream;

	if (rc != PV_OK)
		return rc;
	if (!o->template_name || forms != 1)
		return err_fail(err, PV_USAGE, "usage.issue",
				"see provctl issue --help",
				"give --template and one of --device, --from, "
				"--stream");
	if (!o->device &&
	    (o->csr || o->key || o->role || o->seal_key || o->seal_sig ||
	     o->sets.n > 0 || o->output || o->request || o->replace))
		return err_fail(err, PV_USAGE, "usage.issue",
				"put it into the requests",
				"--csr, --key, --role, --seal-key, --set, "
				"--request, --replace and -o go with --device");
	if (o->replace != (o->reason != NULL))
		return err_fail(err, PV_USAGE, "usage.issue",
				"as --replace --reason rework, or scrap",
				"--replace and --reason go together");
	if (o->key && (strcmp(o->key, "host") != 0 || o->csr))
		return err_fail(err, PV_USAGE, "usage.issue",
				"give --csr FILE or --key host",
				"--key takes only \"host\", without --csr");
	if ((o->station_key && (!o->station || !o->order)) ||
	    (o->station_pin && !o->station_key))
		return err_fail(err, PV_USAGE, "usage.issue", NULL,
				"--station-key goes with --station and "
				"--order, --station-pin with --station-key");
	if (o->out && o->output)
		return err_fail(err, PV_USAGE, "usage.issue", NULL,
				"--out and -o exclude each other");
	return check_station(o->station, err);
}
