/* A first plan that goes on where a crash or people stopped it. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/ceremony/init_impl.h"
#include "lib/ceremony/plantemplate.h"
#include "lib/flow/authority_json.h"
#include "lib/flow/ceremonyfolder.h"

/* What a run may be told later it may not be told by its folder, either. */
static enum pv_code check_kept(struct init_work *w, struct err *err)
{
	enum pv_code rc = init_check_roster(w, err);

	if (rc != PV_OK || strcmp(w->mode, "run") != 0)
		return rc;
	if (w->roster.len > 0 && !plan_roster(w->plan)) {
		err_object(err, w->plan->name);
		return err_fail(err, PV_DENIED, "plan.roster",
				"take roster.json out of the ceremony's folder",
				"a roster lies there that the plan does not "
				"set");
	}
	return ceremony_folder_take_rehearsed(w->folder, &w->rehearsed, err);
}

/* What the first run kept; the module is looked at anew. */
static enum pv_code take_up(struct init_work *w, struct err *err)
{
	CLEANUP(buf_release) struct buf home;
	enum pv_code rc = ceremony_folder_same(w->folder, buf_span(&w->text),
					       w->opts->plan, err);

	buf_init(&home, AUTHORITY_JSON_MAX);
	if (rc == PV_OK)
		rc = init_read_mode(w->folder, w->mode, err);
	if (rc == PV_OK)
		rc = file_read(w->folder, CEREMONY_HOME_FILE,
			       FILEIO_NOFOLLOW | FILEIO_PRIVATE, &home, err);
	if (rc == PV_OK)
		rc = authority_parse(w->a, buf_span(&home), err);
	if (rc == PV_OK)
		rc = authority_check_module(w->a, err);
	if (rc == PV_OK)
		rc = authority_use_softhsm(w->a, err);
	if (rc == PV_OK && faccessat(w->folder, CEREMONY_ROSTER_FILE, F_OK,
				     AT_SYMLINK_NOFOLLOW) == 0)
		rc = file_read(w->folder, CEREMONY_ROSTER_FILE,
			       FILEIO_NOFOLLOW | FILEIO_PRIVATE, &w->roster,
			       err);
	return rc == PV_OK ? check_kept(w, err) : rc;
}

enum pv_code init_resume(const struct init_opts *opts,
			 struct init_report *report, struct err *err)
{
	INIT_WORK w;
	enum pv_code rc = init_begin(&w, opts, report, err);

	w.resume = true;
	if (rc == PV_OK && init_is_finished(&w))
		return init_existing(&w, err);
	if (rc == PV_OK)
		rc = init_take_folder(opts->dir, &w.a->home_fd, err);
	if (rc == PV_OK && faccessat(w.a->home_fd, "provctl.json", F_OK,
				     AT_SYMLINK_NOFOLLOW) == 0)
		rc = err_fail(err, PV_CONFLICT, "authority.exists", NULL,
			      "the authority is made, by another plan");
	if (rc == PV_OK)
		rc = ceremony_folder_open(w.a->home_fd, w.plan, &w.folder, err);
	report->touched = rc == PV_OK;
	if (rc == PV_OK)
		rc = init_open_home(w.a, opts->dir, err);
	if (rc == PV_OK)
		rc = take_up(&w, err);
	if (rc == PV_OK)
		rc = plantemplate_bound(w.plan, w.mode, opts->templates_dir,
					err);
	if (rc == PV_OK)
		rc = init_look(&w, err);
	if (rc == PV_OK)
		rc = init_run_plan(&w, err);
	if (rc == PV_OK)
		rc = authority_save(w.a, err);
	init_fill_report(&w);
	return rc;
}
