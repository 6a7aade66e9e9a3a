#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/sha256.h"
#include "lib/ceremony/ceremony_ready.h"
#include "lib/ceremony/ceremony_room.h"
#include "lib/ceremony/ceremonyended.h"
#include "lib/ceremony/init_impl.h"
#include "lib/ceremony/later_impl.h"
#include "lib/ceremony/plantemplate.h"
#include "lib/ceremony/rehearsed.h"
#include "lib/flow/ceremonyfolder.h"
#include "policy/roster.h"

CLEANUP_PTR(struct plan, plan_free);
CLEANUP_PTR(struct file_group, file_group_free);

struct later {
	const struct later_opts *opts;
	struct plan *plan;
	struct buf text;   /* the plan's bytes */
	struct buf roster; /* that it sets; empty: none */
	int folder;	   /* of the ceremony; -1: there is none yet */
	struct transcript_head rehearsed;
	bool rehearse; /* also one that goes on */
	struct later_begun begun;
	struct later_approved approved;
};

static void later_release(struct later *w)
{
	plan_free(w->plan);
	buf_release(&w->text);
	buf_release(&w->roster);
	fd_cleanup(&w->folder);
	later_approved_release(&w->approved);
}

static enum pv_code read_plan(struct later *w, struct err *err)
{
	const char *path = w->opts->plan;
	enum pv_code rc = file_read(
		AT_FDCWD, path, FILEIO_NOT_WRITABLE_BY_OTHERS, &w->text, err);

	if (rc == PV_OK)
		rc = plan_parse(buf_span(&w->text), &w->plan, err);
	if (rc == PV_OK && plan_is_first(w->plan))
		rc = err_fail(err, PV_INPUT, "plan.order", NULL,
			      "the plan makes an authority");
	if (rc != PV_OK)
		err_object(err, path);
	return rc;
}

/* The very one that the plan sets: people approve both. */
static enum pv_code read_roster(struct later *w, struct err *err)
{
	const struct plan_step *set = plan_roster(w->plan);
	const struct later_opts *opts = w->opts;
	uint8_t hash[32];
	enum pv_code rc = PV_OK;

	if (opts->resume && set)
		rc = file_read(w->folder, CEREMONY_NEXT_ROSTER_FILE,
			       FILEIO_NOFOLLOW | FILEIO_PRIVATE, &w->roster,
			       err);
	else if (opts->roster)
		rc = file_read(AT_FDCWD, opts->roster,
			       FILEIO_NOT_WRITABLE_BY_OTHERS, &w->roster, err);
	if (rc == PV_OK)
		rc = sha256(buf_span(&w->roster), hash, err);
	if (rc != PV_OK)
		return rc;
	if (!set ? w->roster.len == 0
		 : memcmp(hash, set->roster, sizeof(hash)) == 0)
		return PV_OK;
	err_object(err, opts->roster ? opts->roster : w->plan->name);
	return err_fail(err, PV_DENIED, "plan.roster",
			"give the roster whose SHA-256 the plan names with "
			"--roster",
			!set ? "the plan sets no roster"
			: w->roster.len > 0
				? "the roster is not the one that the plan sets"
				: "the plan sets a roster, and none was given");
}

/* What throw-away keys have made is no authority, and the other way round. */
static enum pv_code check_home(struct later *w, struct err *err)
{
	bool rehearsal = false;
	enum pv_code rc = rehearsed_home(w->opts->store, &rehearsal, err);

	w->rehearse = rehearsal;
	if (rc != PV_OK || w->opts->resume || rehearsal == w->opts->rehearse)
		return rc;
	err_object(err, w->opts->a->home);
	return err_fail(err, PV_DENIED, "ceremony.rehearsal",
			rehearsal ? "run it in the home of the authority"
				  : "rehearse it in the home of the rehearsal "
				    "of the plan before it; where that is "
				    "lost, rehearse in a new one what came "
				    "before",
			rehearsal ? "in that home plans are rehearsed"
				  : "that home is no rehearsal's");
}

/* ---- the folder ---- */

static const char *mode_of(const struct later *w)
{
	return w->rehearse ? "rehearsal" : "run";
}

static enum pv_code begun(const struct later *w, struct err *err)
{
	err_object(err, w->plan->name);
	return err_fail(err, PV_CONFLICT, "ceremony.begun",
			"go on with `provctl ceremony resume'",
			"an earlier run of that plan did not end");
}

static enum pv_code nothing(const struct later *w, struct err *err)
{
	err_object(err, w->plan->name);
	return err_fail(err, PV_NOT_FOUND, "ceremony.none",
			"begin it with `provctl ceremony run'",
			"there is no run of that plan to go on with");
}

/* *ended: it ran to its end. */
static enum pv_code look(struct later *w, bool *ended, struct err *err)
{
	struct err why;
	enum pv_code rc;

	err_init(&why);
	*ended = false;
	rc = ceremony_folder_open(w->opts->a->home_fd, w->plan, &w->folder,
				  &why);
	if (rc == PV_NOT_FOUND)
		return w->opts->resume ? nothing(w, err) : PV_OK;
	if (rc == PV_OK)
		rc = ceremony_folder_same(w->folder, buf_span(&w->text),
					  w->opts->plan, &why);
	/* It did not come to that. */
	if (rc == PV_NOT_FOUND)
		return w->opts->resume ? nothing(w, err) : PV_OK;
	if (rc != PV_OK) {
		*err = why;
		return rc;
	}
	*ended = ceremony_folder_ended(w->folder);
	if (*ended)
		return ceremony_ended(w->opts->a, w->opts->store, w->plan,
				      w->folder, mode_of(w), err);
	return w->opts->resume ? PV_OK : begun(w, err);
}

static enum pv_code make_folder(struct later *w, struct err *err)
{
	CLEANUP(cleanup_file_group_free) struct file_group *g = NULL;
	const struct ceremony_kept kept = {
		.plan = buf_span(&w->text),
		.roster = buf_span(&w->approved.roster),
		.approvals = buf_span(&w->approved.got.note),
		.next = buf_span(&w->roster),
		.approved = { (const uint8_t *)w->begun.subject,
			      strlen(w->begun.subject) },
		.rehearsed = w->opts->rehearsal ? &w->rehearsed : NULL
	};
	int home = w->opts->a->home_fd;
	char name[CEREMONY_NAME_MAX];
	enum pv_code rc = dir_make(home, CEREMONY_FOLDER, 0700, err);

	ceremony_folder(w->plan, name);
	if (rc == PV_OK)
		rc = dir_make(home, name, 0700, err);
	if (rc == PV_OK && w->folder < 0)
		rc = ceremony_folder_open(home, w->plan, &w->folder, err);
	if (rc == PV_OK)
		rc = file_group_new(&g, err);
	if (rc == PV_OK)
		rc = ceremony_folder_keep(w->folder, &kept, g, err);
	return rc == PV_OK ? file_group_commit(g, err) : rc;
}

static struct later_subject subject_of(const struct later *w)
{
	return (struct later_subject){ .plan = w->plan,
				       .text = buf_span(&w->text),
				       .roster = buf_span(&w->roster),
				       .rehearsed = w->rehearse
							    ? NULL
							    : &w->rehearsed };
}

static enum pv_code not_begun(const struct later *w, struct err *err)
{
	err_object(err, w->plan->name);
	return err_fail(err, PV_INTEGRITY, "ceremony.folder",
			"look at who put that folder there, take it away, and "
			"begin with `provctl ceremony run'",
			"there is a folder of that ceremony, and the log does "
			"not say that it began");
}

/* The log says first that it begins, and who approved it. */
static enum pv_code begin(struct later *w, struct err *err)
{
	const struct later_opts *opts = w->opts;
	const struct later_subject of = subject_of(w);
	enum pv_code rc = later_begun(opts->store, w->plan, &w->begun, err);

	/* The log says so before there is a folder: one that it knows nothing
	 * of was put there. */
	if (rc == PV_OK && !w->begun.found && opts->resume)
		rc = not_begun(w, err);
	/* A transcript that goes on is held against the log as it is read. */
	if (rc == PV_OK && w->begun.found && !opts->resume)
		rc = later_not_stepped(opts->store, w->plan, &w->begun, err);
	if (rc == PV_OK && !w->begun.found)
		rc = later_begin(opts, &of, mode_of(w), err);
	if (rc == PV_OK && !w->begun.found)
		rc = later_begun(opts->store, w->plan, &w->begun, err);
	if (rc == PV_OK)
		rc = later_may_go_on(opts, w->plan, &w->begun, err);
	if (rc == PV_OK)
		rc = later_approved(opts->store, &w->begun, &w->approved, err);
	if (rc == PV_OK)
		rc = later_same_subject(opts, &of, &w->begun, err);
	return rc == PV_OK && !opts->resume ? make_folder(w, err) : rc;
}

/* ---- running ---- */

static bool changes_pin(const struct plan *plan)
{
	for (size_t i = 0; i < plan->steps_n; i++)
		if (plan->steps[i].kind == PLAN_ROTATE_PIN)
			return true;
	return false;
}

/* Who goes on with a change of the PIN knows the one of before. */
static enum pv_code read_pin(const struct later *w, struct secret *pin,
			     struct err *err)
{
	const struct backends *b = w->opts->backends;

	return w->opts->resume && changes_pin(w->plan)
		       ? b->pin_read_old(w->opts->a, pin, err)
		       : b->pin_read(w->opts->a, pin, err);
}

static enum pv_code run(const struct later *w, struct err *err)
{
	const struct later_opts *opts = w->opts;
	struct ceremony_people people = { .ask = NULL };
	struct approvals_want want = { .mixed = true };
	SECRET so_pin = SECRET_INIT;
	SECRET pin = SECRET_INIT;
	struct ceremony_opts ceremony = { .backends = opts->backends,
					  .watch = opts->watch,
					  .templates_dir = opts->templates_dir,
					  .pin = &pin,
					  .folder = w->folder,
					  .log_from = w->begun.index,
					  .media = opts->media,
					  .mode = mode_of(w),
					  .resume = opts->resume,
					  .later = true,
					  .roster = buf_span(&w->roster),
					  .covered = opts->covered,
					  .want = &want,
					  .approved = &w->approved.got,
					  .progress = opts->progress,
					  .told = opts->told,
					  .progress_ctx = opts->progress_ctx };
	enum pv_code rc = read_pin(w, &pin, err);

	/* Its tokens are throw-away ones: a step may want another. */
	if (rc == PV_OK && w->rehearse)
		rc = init_so_pin(opts->a, &so_pin, err);
	if (so_pin.len > 0)
		ceremony.so_pin = &so_pin;
	ceremony.new_token = so_pin.len > 0;
	/* Of steps that people approve one by one; each asks for itself. */
	if (opts->want) {
		want.files = opts->want->files;
		want.files_n = opts->want->files_n;
	}
	/* A rehearsal asks nobody. */
	if (opts->people && !w->rehearse) {
		people = *opts->people;
		ceremony.people = &people;
		if (strcmp(opts->a->pin_source, "prompt") != 0)
			people.pin = NULL;
	}
	if (!w->rehearse)
		ceremony.rehearsed = &w->rehearsed;
	return rc == PV_OK ? ceremony_run(&ceremony, opts->a, opts->store,
					  w->plan, err)
			   : rc;
}

static void fill_report(const struct later *w, struct init_report *r)
{
	snprintf(r->home, sizeof(r->home), "%s", w->opts->a->home);
	snprintf(r->name, sizeof(r->name), "%s", w->opts->a->name);
	snprintf(r->plan, sizeof(r->plan), "%s", w->plan->name);
	r->steps = w->plan->steps_n;
	r->keys = w->opts->a->keys_n;
}

/* All that can be refused before something is made. */
static enum pv_code check(struct later *w, struct err *err)
{
	const struct later_opts *opts = w->opts;
	enum pv_code rc = PV_OK;

	if (opts->rehearsal)
		rc = rehearsed(opts->rehearsal, w->plan, &w->rehearsed, err);
	else if (!w->rehearse)
		rc = ceremony_folder_take_rehearsed(w->folder, &w->rehearsed,
						    err);
	if (rc == PV_OK)
		rc = read_roster(w, err);
	if (rc == PV_OK && !opts->resume)
		rc = ceremony_window(w->plan, mode_of(w), err);
	if (rc == PV_OK)
		rc = plantemplate_bound(w->plan, mode_of(w),
					opts->templates_dir, err);
	if (rc == PV_OK && !opts->resume)
		rc = plantemplate_check(w->plan, opts->templates_dir, err);
	if (rc == PV_OK && !opts->resume)
		rc = later_check(opts->a, opts->store, w->plan, err);
	if (rc == PV_OK && !opts->resume)
		rc = ceremony_room(w->plan, opts->templates_dir, opts->a,
				   opts->store, err);
	/* One that begins has its approvals looked at before. */
	if (rc == PV_OK && opts->resume && !w->rehearse)
		rc = ceremony_ready_people(opts->people, err);
	return rc;
}

enum pv_code later_run(const struct later_opts *opts,
		       struct init_report *report, struct err *err)
{
	CLEANUP(later_release)
	struct later w = { .opts = opts, .folder = -1 };
	bool ended = false;
	enum pv_code rc;

	memset(report, 0, sizeof(*report));
	buf_init(&w.text, PLAN_SIZE_MAX);
	buf_init(&w.roster, ROSTER_SIZE_MAX);
	rc = read_plan(&w, err);
	if (rc == PV_OK)
		rc = check_home(&w, err);
	if (rc == PV_OK)
		rc = look(&w, &ended, err);
	if (rc == PV_OK)
		fill_report(&w, report);
	report->existing = ended;
	if (rc != PV_OK || ended)
		return rc;
	rc = check(&w, err);
	if (rc == PV_OK)
		rc = begin(&w, err);
	report->touched = w.folder >= 0;
	if (rc == PV_OK)
		rc = run(&w, err);
	fill_report(&w, report);
	return rc;
}
