/* The run of a first plan, new or gone on with: what it works on, its store. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/mem.h"
#include "lib/base/sha256.h"
#include "lib/ceremony/ceremony_ready.h"
#include "lib/ceremony/ceremonyended.h"
#include "lib/ceremony/init_impl.h"
#include "lib/flow/authority_json.h"
#include "lib/flow/ceremonyfolder.h"
#include "lib/flow/subject_plan.h"

void init_work_release(struct init_work *w)
{
	authority_close(w->a);
	plan_free(w->plan);
	buf_release(&w->text);
	buf_release(&w->roster);
	approvals_release(&w->approved);
	buf_release(&w->subject);
	fd_cleanup(&w->folder);
	secret_release(&w->pin);
	secret_release(&w->so_pin);
}

/* It signs the transcript at the end, without which nothing is verified. */
static bool makes_log_key(const struct plan *plan)
{
	for (size_t i = 0; i < plan->steps_n; i++)
		if (plan->steps[i].kind == PLAN_GENERATE_KEY &&
		    strcmp(plan->steps[i].purpose, "log") == 0)
			return true;
	return false;
}

static enum pv_code read_plan(struct init_work *w, struct err *err)
{
	const char *path = w->opts->plan;
	enum pv_code rc = file_read(
		AT_FDCWD, path, FILEIO_NOT_WRITABLE_BY_OTHERS, &w->text, err);

	err_object(err, path); /* places in it are named path#/pointer */
	if (rc == PV_OK)
		rc = plan_parse(buf_span(&w->text), &w->plan, err);
	if (rc == PV_OK && !plan_is_first(w->plan))
		rc = err_fail(err, PV_INPUT, "plan.order",
			      "begin it with init-token, or run it with "
			      "`provctl ceremony run' in the home of an "
			      "authority",
			      "the plan is for an authority that is there");
	if (rc == PV_OK && !makes_log_key(w->plan))
		rc = err_fail(err, PV_INPUT, "plan.key_missing",
			      "generate a key for purpose log",
			      "nothing would sign its log and transcript");
	if (rc == PV_OK && err)
		err->object[0] = '\0';
	return rc;
}

enum pv_code init_begin(struct init_work *w, const struct init_opts *opts,
			struct init_report *report, struct err *err)
{
	memset(report, 0, sizeof(*report));
	*w = (struct init_work){ .opts = opts,
				 .report = report,
				 .a = mem_new(sizeof(*w->a), err),
				 .folder = -1 };
	buf_init(&w->text, PLAN_SIZE_MAX);
	buf_init(&w->roster, ROSTER_SIZE_MAX);
	buf_init(&w->subject, SUBJECT_PLAN_MAX);
	if (!w->a)
		return PV_INTERNAL;
	snprintf(w->mode, sizeof(w->mode), "%s",
		 opts->mode ? opts->mode : "init");
	w->a->home_fd = -1;
	authority_defaults(w->a);
	return read_plan(w, err);
}

/* A plan that sets a roster says which. */
enum pv_code init_check_roster(const struct init_work *w, struct err *err)
{
	const struct plan_step *step = plan_roster(w->plan);
	uint8_t hash[32];
	enum pv_code rc;

	if (!step)
		return PV_OK;
	rc = sha256(buf_span(&w->roster), hash, err);
	if (rc != PV_OK)
		return rc;
	if (w->roster.len > 0 && memcmp(hash, step->roster, 32) == 0)
		return PV_OK;
	err_object(err, w->plan->name);
	return err_fail(err, PV_DENIED, "plan.roster",
			"give it with --roster, or have a plan with its "
			"SHA-256 rehearsed",
			w->roster.len > 0 ? "the roster is not the one that "
					    "the plan names"
					  : "the plan sets a roster, and none "
					    "was given");
}

/* Whether that very plan ran to its end in that folder. */
bool init_is_finished(struct init_work *w)
{
	bool yes =
		init_take_folder(w->opts->dir, &w->a->home_fd, NULL) == PV_OK &&
		ceremony_folder_open(w->a->home_fd, w->plan, &w->folder,
				     NULL) == PV_OK &&
		ceremony_folder_same(w->folder, buf_span(&w->text),
				     w->opts->plan, NULL) == PV_OK &&
		faccessat(w->a->home_fd, "provctl.json", F_OK,
			  AT_SYMLINK_NOFOLLOW) == 0;

	if (!yes) {
		fd_cleanup(&w->a->home_fd);
		fd_cleanup(&w->folder);
	}
	return yes;
}

enum pv_code init_existing(struct init_work *w, struct err *err)
{
	CLEANUP(cleanup_store_close) struct store *store = NULL;
	struct authority *a = NULL;
	enum pv_code rc = authority_open(w->opts->dir, &a, err);

	if (rc != PV_OK)
		return rc;
	authority_close(w->a);
	w->a = a;
	rc = w->opts->backends->store_open(a, false, &store, err);
	if (rc == PV_OK)
		rc = ceremony_ended(a, store, w->plan, w->folder,
				    w->resume ? NULL : w->opts->mode, err);
	if (rc != PV_OK && err && strcmp(err->rule, "ceremony.mode") == 0)
		snprintf(err->hint, sizeof(err->hint),
			 "%s it in a folder of its own",
			 strcmp(w->mode, "run") == 0 ? "run" : "rehearse");
	if (rc != PV_OK)
		return rc;
	w->report->existing = true;
	init_fill_report(w);
	return PV_OK;
}

static enum pv_code open_store(const struct init_work *w, struct store **store,
			       struct err *err)
{
	const struct backends *b = w->opts->backends;
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = b->store_open(w->a, true, store, &why);
	if (rc == PV_CONFLICT && w->resume)
		return b->store_open(w->a, false, store, err);
	if (rc != PV_OK)
		*err = why;
	return rc;
}

enum pv_code init_run_plan(struct init_work *w, struct err *err)
{
	CLEANUP(cleanup_store_close) struct store *store = NULL;
	const struct init_opts *opts = w->opts;
	struct ceremony_people people = { .ask = NULL };
	struct ceremony_opts run = { .backends = opts->backends,
				     .watch = opts->watch,
				     .templates_dir = opts->templates_dir,
				     .pin = &w->pin,
				     .roster = buf_span(&w->roster),
				     .media = opts->media,
				     .folder = w->folder,
				     .mode = w->mode,
				     .binding_sha256 = opts->binding_sha256,
				     .resume = w->resume,
				     .progress = opts->progress,
				     .told = opts->told,
				     .progress_ctx = opts->progress_ctx };
	enum pv_code rc = PV_OK;

	/* Only a run asks people; another source has no other PIN to give. */
	if (opts->people && strcmp(w->mode, "run") == 0) {
		people = *opts->people;
		run.people = &people;
		if (strcmp(w->a->pin_source, "prompt") != 0)
			people.pin = NULL;
	}
	if (w->resume)
		rc = ceremony_ready_people(run.people, err);
	if (rc == PV_OK)
		rc = init_read_pins(w, err);
	if (w->so_pin.len > 0)
		run.so_pin = &w->so_pin;
	run.new_token = w->so_pin.len > 0 || opts->so_pin_source;
	if (opts->rehearsal || (w->resume && strcmp(w->mode, "run") == 0))
		run.rehearsed = &w->rehearsed;
	if (rc == PV_OK)
		rc = open_store(w, &store, err);
	if (rc == PV_OK)
		rc = ceremony_run(&run, w->a, store, w->plan, err);
	return rc;
}

void init_fill_report(const struct init_work *w)
{
	struct init_report *r = w->report;

	if (!w->plan)
		return;
	snprintf(r->home, sizeof(r->home), "%s", w->a->home);
	snprintf(r->name, sizeof(r->name), "%s", w->a->name);
	snprintf(r->plan, sizeof(r->plan), "%s", w->plan->name);
	r->steps = w->plan->steps_n;
	r->keys = w->a->keys_n;
}
