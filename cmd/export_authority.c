#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cmd/export.h"
#include "cmd/opts.h"
#include "cmd/out.h"
#include "cmd/session.h"
#include "lib/flow/export.h"

#define TEXT_MAX (1024u * 1024u)

const char *export_to(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (strcmp(path, "-") == 0)
		return "stdout";
	return slash && slash[1] ? slash + 1 : path;
}

enum pv_code export_run_key(const struct app *app, int argc, char **argv,
			    struct err *err)
{
	const char *purpose = NULL, *output = "-";
	uint64_t generation = 0;
	bool vkey = false;
	const struct opt opts[] = {
		{ "purpose", 0, OPT_STRING, &purpose, 0, 0 },
		{ "generation", 0, OPT_NUMBER, &generation, 1, UINT32_MAX },
		{ "vkey", 0, OPT_FLAG, &vkey, 0, 0 },
		{ "output", 'o', OPT_STRING, &output, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	CLEANUP(buf_release) struct buf out;
	SESSION s = { .a = NULL };
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 0, 0, &args, err);

	buf_init(&out, TEXT_MAX);
	if (rc == PV_OK && !purpose)
		rc = err_fail(err, PV_USAGE, "usage.option", "see --help",
			      "--purpose is missing");
	if (rc == PV_OK)
		rc = session_open(
			app, SESSION_STORE | SESSION_MAY(ROLE_OP_EXPORT_PUBLIC),
			&s, err);
	if (rc == PV_OK)
		rc = export_key(s.a, s.store, purpose, (unsigned)generation,
				vkey, &out, err);
	return rc == PV_OK
		       ? export_give(app, &s, purpose, vkey ? "vkey" : "key",
				     output, 0644, buf_span(&out), err)
		       : rc;
}
