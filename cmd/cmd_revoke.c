#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cmd/opts.h"
#include "cmd/out.h"
#include "cmd/publish.h"
#include "cmd/revoke.h"
#include "cmd/session.h"
#include "lib/base/fileio.h"
#include "lib/base/pvtime.h"

static enum pv_code usage(const char *what, struct err *err)
{
	return err_fail(err, PV_USAGE, "usage.option",
			"see provctl revoke --help", "%s", what);
}

static enum pv_code check(const struct revoke_args *in, struct revoke_job *job,
			  struct err *err)
{
	const char *const selectors[] = { in->device,	in->serial, in->order,
					  in->template, in->from,   in->ca };
	size_t n = 0;

	for (size_t i = 0; i < sizeof(selectors) / sizeof(*selectors); i++)
		n += selectors[i] != NULL;
	if (n != 1)
		return usage("give one of --device, --serial, --order, "
			     "--template, --from and --ca",
			     err);
	if (in->generation && !in->ca)
		return usage("--generation goes with --ca", err);
	if (in->yes && !in->ca)
		return usage("--yes goes with --ca", err);
	if (in->retire && in->ca)
		return usage("--retire is for devices", err);
	if (!in->reason)
		return usage("--reason is missing", err);
	if (!revocation_reason_find(in->reason, &job->reason))
		return usage("that is no reason of RFC 5280 for a certificate",
			     err);
	job->invalidity_s = STORE_NO_TIME;
	if (in->invalidity &&
	    !pvtime_parse(in->invalidity, strlen(in->invalidity),
			  &job->invalidity_s))
		return usage("--invalidity is a time, YYYY-MM-DDTHH:MM:SSZ",
			     err);
	job->device = in->device;
	job->serial = in->serial;
	job->order = in->order;
	job->template = in->template;
	job->dry_run = in->dry_run;
	job->retire = in->retire;
	return PV_OK;
}

static enum pv_code open_list(const char *path, struct namelist *list, int *fd,
			      struct err *err)
{
	const char *end = path ? strrchr(path, '.') : NULL;
	enum pv_code rc = PV_OK;

	if (path && strcmp(path, "-") == 0)
		*fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	else if (path)
		rc = file_open(AT_FDCWD, path, FILEIO_NOFOLLOW, fd, err);
	if (rc == PV_OK)
		namelist_init(list, *fd,
			      end && strcasecmp(end, ".csv") == 0 ? ROWS_CSV
								  : ROWS_JSONL);
	return rc;
}

static enum pv_code revoke_them(const struct app *app,
				const struct revoke_args *in,
				struct revoke_job *job, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = -1;
	CLEANUP(namelist_release) struct namelist list = { .rows.fd = -1 };
	SESSION s = { .a = NULL };
	struct revoke_report report;
	unsigned may = in->dry_run ? SESSION_MAY(ROLE_OP_READ) : SESSION_GATED;
	enum pv_code rc = open_list(in->from, &list, &fd, err);

	if (rc == PV_OK)
		rc = session_open(app, SESSION_STORE | may, &s, err);
	if (rc != PV_OK)
		return rc;
	job->a = s.a;
	job->store = s.store;
	job->list = in->from ? &list : NULL;
	job->told = revoke_tell;
	job->ctx = job;
	rc = revoke_run(job, &report, err);
	if (rc == PV_INPUT && in->from)
		err_object(err, in->from);
	if (rc != PV_OK)
		return rc;
	revoke_sum_up(app, job, &report);
	return in->dry_run ? PV_OK : publish_changes(app, &s, err);
}

static enum pv_code run(const struct app *app, int argc, char **argv,
			struct err *err)
{
	struct revoke_args in = { .device = NULL };
	struct approvals_want want = { .op = QUORUM_REVOKE };
	struct revoke_job job = { .want = &want };
	const struct opt opts[] = {
		{ "device", 0, OPT_STRING, &in.device, 0, 0 },
		{ "serial", 0, OPT_STRING, &in.serial, 0, 0 },
		{ "order", 0, OPT_STRING, &in.order, 0, 0 },
		{ "template", 0, OPT_STRING, &in.template, 0, 0 },
		{ "from", 0, OPT_STRING, &in.from, 0, 0 },
		{ "ca", 0, OPT_STRING, &in.ca, 0, 0 },
		{ "generation", 0, OPT_NUMBER, &in.generation, 1, UINT32_MAX },
		{ "reason", 0, OPT_STRING, &in.reason, 0, 0 },
		{ "invalidity", 0, OPT_STRING, &in.invalidity, 0, 0 },
		{ "retire", 0, OPT_FLAG, &in.retire, 0, 0 },
		{ "yes", 0, OPT_FLAG, &in.yes, 0, 0 },
		{ "dry-run", 0, OPT_FLAG, &in.dry_run, 0, 0 },
		{ "approval", 0, OPT_LIST, &in.approvals, 0, 0 },
		{ "request", 0, OPT_STRING, &in.request, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 0, 0, &args, err);

	if (rc == PV_OK)
		rc = check(&in, &job, err);
	if (rc != PV_OK)
		return rc;
	want.files = in.approvals.values;
	want.files_n = in.approvals.n;
	want.request_out = in.request;
	return in.ca ? revoke_run_ca(app, &in, job.reason, job.invalidity_s,
				     &want, err)
		     : revoke_them(app, &in, &job, err);
}

const struct verb verb_revoke = {
	.name = "revoke",
	.summary = "certificates: revoke, hold, let go of; retire devices; CAs",
	.help = revoke_help,
	.token = true,
	.run = run,
};
