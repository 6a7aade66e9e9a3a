/* `audit cosign': the authority takes in what its witnesses answered. */
#include <fcntl.h>
#include <stdio.h>

#include "cmd/audit.h"
#include "cmd/opts.h"
#include "cmd/out.h"
#include "cmd/session.h"
#include "lib/base/fileio.h"
#include "lib/flow/cosigned.h"

#define LINES_MAX 65536u /* bytes of what a witness answered */

static enum pv_code take_file(const struct app *app, struct session *s,
			      const char *path, struct err *err)
{
	CLEANUP(buf_release) struct buf lines;
	struct cosigned_taken taken;
	enum pv_code rc;

	buf_init(&lines, LINES_MAX);
	rc = file_read(AT_FDCWD, path, 0, &lines, err);
	if (rc == PV_OK)
		rc = cosigned_take(s->a, s->store, buf_span(&lines), &taken,
				   err);
	if (rc != PV_OK) {
		err_object(err, path);
		return rc;
	}
	if (app->json)
		return out_json(json_pack("{s:s, s:I, s:I, s:I, s:b}", "file",
					  path, "size", (json_int_t)taken.size,
					  "cosigned", (json_int_t)taken.count,
					  "required",
					  (json_int_t)s->a->witnesses_required,
					  "new", taken.news),
				err);
	printf("%s: %zu of the witnesses cosigned the log of %llu entr%s, %u "
	       "must%s\n",
	       path, taken.count, (unsigned long long)taken.size,
	       err_ies(taken.size), s->a->witnesses_required,
	       taken.news ? "" : "; this adds nothing");
	return PV_OK;
}

enum pv_code audit_run_cosign(const struct app *app, int argc, char **argv,
			      struct err *err)
{
	struct opt_list from = { .n = 0 };
	const struct opt opts[] = {
		{ "from", 0, OPT_LIST, &from, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	SESSION s = { .a = NULL };
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 0, 0, &args, err);

	if (rc == PV_OK && from.n == 0)
		rc = err_fail(err, PV_USAGE, "usage.option", "see --help",
			      "--from is missing");
	if (rc == PV_OK)
		rc = session_open(app,
				  SESSION_STORE | SESSION_MAY(ROLE_OP_WITNESS),
				  &s, err);
	for (size_t i = 0; rc == PV_OK && i < from.n; i++)
		rc = take_file(app, &s, from.values[i], err);
	return rc;
}
