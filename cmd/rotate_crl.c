#include <stdio.h>

#include "cmd/opts.h"
#include "cmd/out.h"
#include "cmd/rotate.h"
#include "cmd/session.h"
#include "lib/flow/publish.h"

static enum pv_code say(const struct app *app, const struct publish_report *r,
			struct err *err)
{
	if (app->json)
		return out_json(json_pack("{s:I, s:I, s:I, s:b}", "lists",
					  (json_int_t)r->lists, "answers",
					  (json_int_t)r->answers, "files",
					  (json_int_t)r->files, "hook",
					  r->hook),
				err);
	printf("%llu revocation list%s and %llu OCSP answer%s made, %llu "
	       "file%s "
	       "written%s\n",
	       (unsigned long long)r->lists, err_s(r->lists),
	       (unsigned long long)r->answers, err_s(r->answers),
	       (unsigned long long)r->files, err_s(r->files),
	       r->hook ? ", the hook ran" : "");
	return PV_OK;
}

enum pv_code rotate_run_crl(const struct app *app, int argc, char **argv,
			    struct err *err)
{
	struct publish_job job = { .look = true };
	const struct opt opts[] = {
		{ "all", 0, OPT_FLAG, &job.all, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	struct publish_report r;
	SESSION s = { .a = NULL };
	struct opt_args args;
	struct err why;
	enum pv_code rc = opts_parse(opts, argc, argv, 0, 0, &args, err);
	enum pv_code made;

	if (rc == PV_OK)
		rc = session_open(app,
				  SESSION_STORE | SESSION_HSM |
					  SESSION_MAY(ROLE_OP_ROTATE),
				  &s, err);
	if (rc != PV_OK)
		return rc;
	job.a = s.a;
	job.store = s.store;
	job.tokens = &s.tokens;
	job.covered = &s.log.last;
	err_init(&why);
	made = publish_run(&job, &r, &why);
	rc = session_checkpoint(app, &s, err);
	if (rc == PV_OK && made == PV_OK)
		rc = say(app, &r, err);
	if (rc == PV_OK && made != PV_OK) {
		*err = why;
		rc = made;
	}
	return rc;
}
