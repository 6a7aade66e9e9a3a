#include <fcntl.h>
#include <stdio.h>

#include "cmd/opts.h"
#include "cmd/out.h"
#include "cmd/rotate.h"
#include "cmd/session.h"
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/pem.h"
#include "lib/base/pvtime.h"
#include "lib/flow/calist.h"
#include "lib/flow/publish.h"

#define CRL_LABEL "X509 CRL"

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

/* One that came on a medium, DER or PEM. */
static enum pv_code take_list(const struct app *app, const struct session *s,
			      const char *path, struct err *err)
{
	CLEANUP(buf_release) struct buf bytes;
	CLEANUP(buf_release) struct buf der;
	char ca[STORE_ID_MAX + 1];
	struct span list;
	enum pv_code rc;

	buf_init(&bytes, CALIST_MAX);
	buf_init(&der, CALIST_MAX);
	rc = file_read(AT_FDCWD, path, 0, &bytes, err);
	list = buf_span(&bytes);
	if (rc == PV_OK && pem_is(list, CRL_LABEL)) {
		rc = pem_decode(list, CRL_LABEL, &der, err);
		list = buf_span(&der);
	}
	if (rc == PV_OK)
		rc = calist_take(s->a, s->store, list, pvtime_now_s(), ca, err);
	if (rc != PV_OK)
		err_object(err, path);
	else
		out_note(app, "the list of %s is kept and published", ca);
	return rc;
}

enum pv_code rotate_run_crl(const struct app *app, int argc, char **argv,
			    struct err *err)
{
	struct publish_job job = { .look = true };
	const char *list = NULL;
	const struct opt opts[] = {
		{ "list", 0, OPT_STRING, &list, 0, 0 },
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
	if (list)
		rc = take_list(app, &s, list, err);
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
