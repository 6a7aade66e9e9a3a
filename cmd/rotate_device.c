/* rotate device: the next credential of a device, or back to the last. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cmd/crewrun.h"
#include "cmd/issue_input.h"
#include "cmd/issue_summary.h"
#include "cmd/rotate.h"
#include "cmd/rotate_asked.h"
#include "cmd/session.h"
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/flow/rotate.h"

CLEANUP_PTR(struct authority, authority_close);

struct args {
	const char *device, *output;
	struct rotate_ask one;
	struct issue_cmd_opts many; /* --template, --from, --jobs, --out */
	bool rollback, not_installed;
};

static enum pv_code run_one(struct crewrun *c, const struct args *a,
			    const struct authority *home,
			    struct issue_opts *opts, struct err *err)
{
	CLEANUP(rotate_asked_release) struct rotate_asked asked = { 0 };
	struct rotate_input in = { .fd = -1 };
	enum pv_code rc = rotate_asked_read(&a->one, &asked, err);

	if (rc == PV_OK)
		rc = rotate_one(home, c->app->backends, a->device,
				&asked.renewal, &in, err);
	opts->source.fd = in.fd;
	opts->source.renewal = true;
	opts->template_name = in.template_name;
	if (rc == PV_OK)
		rc = crewrun_open(c, err);
	if (rc != PV_OK)
		return rc;
	rc = crewrun_go(c, home, opts, err);
	return crewrun_close(c, rc, err);
}

static enum pv_code run_many(struct crewrun *c, const struct args *a,
			     const struct authority *home,
			     struct issue_opts *opts, struct err *err)
{
	enum pv_code rc =
		issue_set_rows(&a->many, home->pin_source, &opts->source, err);

	opts->template_name = a->many.template_name;
	opts->batch = true;
	if (rc == PV_OK)
		rc = crewrun_open(c, err);
	if (rc != PV_OK)
		return rc;
	if (c->progress.fd >= 0)
		c->total = issue_count_rows(&opts->source);
	rc = crewrun_go(c, home, opts, err);
	rc = crewrun_close(c, rc, err);
	issue_summary(c->app, a->many.from, &c->n, rc == PV_OK);
	return rc;
}

static enum pv_code rotate(const struct app *app, const struct args *a,
			   struct err *err)
{
	CLEANUP(cleanup_authority_close) struct authority *home = NULL;
	CLEANUP(crewrun_release)
	struct crewrun c = { .app = app,
			     .label = "rotate",
			     .out = a->many.out,
			     .output = a->output,
			     .one = a->device != NULL };
	struct actor_claim claim;
	struct issue_opts opts = {
		.claim = &claim,
		.rotate = true,
		.in_order = true,
		.jobs = (unsigned)a->many.jobs,
		.source = { .fd = -1, .folder = -1, .rotate = true }
	};
	enum pv_code rc = session_home(app, &home, &claim, err);

	if (rc == PV_OK)
		rc = a->device ? run_one(&c, a, home, &opts, err)
			       : run_many(&c, a, home, &opts, err);
	fd_cleanup(&opts.source.fd);
	fd_cleanup(&opts.source.folder);
	return rc;
}

static enum pv_code check(const struct args *a, struct err *err)
{
	const struct rotate_ask *o = &a->one;
	bool otherwise = o->role || o->sets.n > 0;
	bool one = o->csr || o->seal_key || o->seal_sig || o->key_sig ||
		   o->parts || a->output || o->fresh || otherwise;
	bool many = a->many.template_name || a->many.out || a->many.jobs;

	if (a->rollback && (!a->device || one || many))
		return err_fail(err, PV_USAGE, "usage.option",
				"see provctl rotate device --help",
				"--rollback takes one ID, and no other option "
				"but --not-installed");
	if (a->not_installed && !a->rollback)
		return err_fail(err, PV_USAGE, "usage.option",
				"see provctl rotate device --help",
				"--not-installed goes with --rollback");
	if (!a->device == !a->many.from || (a->device && many) ||
	    (!a->device && (one || !a->many.template_name)))
		return err_fail(err, PV_USAGE, "usage.option",
				"see provctl rotate device --help",
				"give one ID with its options, or --template "
				"and --from");
	if (o->parts && otherwise)
		return err_fail(err, PV_USAGE, "usage.option",
				"rotate without --components",
				"--set and --role make a new credential, "
				"--components none");
	if (o->parts && (o->csr || o->seal_key || o->seal_sig || o->key_sig))
		return err_fail(err, PV_USAGE, "usage.option",
				"rotate without --components",
				"a new key comes with a new certificate: "
				"--components takes none");
	if (o->fresh && !o->parts)
		return err_fail(err, PV_USAGE, "usage.option",
				"see provctl rotate device --help",
				"--fresh goes with --components");
	return PV_OK;
}

enum pv_code rotate_run_device(const struct app *app, int argc, char **argv,
			       struct err *err)
{
	struct args a = { .device = NULL };
	const struct opt opts[] = {
		{ "csr", 0, OPT_STRING, &a.one.csr, 0, 0 },
		{ "seal-key", 0, OPT_STRING, &a.one.seal_key, 0, 0 },
		{ "seal-key-sig", 0, OPT_STRING, &a.one.seal_sig, 0, 0 },
		{ "key-sig", 0, OPT_STRING, &a.one.key_sig, 0, 0 },
		{ "components", 0, OPT_STRING, &a.one.parts, 0, 0 },
		{ "fresh", 0, OPT_FLAG, &a.one.fresh, 0, 0 },
		{ "role", 0, OPT_STRING, &a.one.role, 0, 0 },
		{ "set", 0, OPT_LIST, &a.one.sets, 0, 0 },
		{ "output", 'o', OPT_STRING, &a.output, 0, 0 },
		{ "template", 0, OPT_STRING, &a.many.template_name, 0, 0 },
		{ "from", 0, OPT_STRING, &a.many.from, 0, 0 },
		{ "out", 0, OPT_STRING, &a.many.out, 0, 0 },
		{ "jobs", 0, OPT_NUMBER, &a.many.jobs, 1, ISSUE_JOBS_MAX },
		{ "rollback", 0, OPT_FLAG, &a.rollback, 0, 0 },
		{ "not-installed", 0, OPT_FLAG, &a.not_installed, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 0, 1, &args, err);

	if (rc == PV_OK && args.n > 0)
		a.device = args.values[0];
	if (rc == PV_OK)
		rc = check(&a, err);
	if (rc != PV_OK)
		return rc;
	return a.rollback ? rotate_run_back(app, a.device, a.not_installed, err)
			  : rotate(app, &a, err);
}
