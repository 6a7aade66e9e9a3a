#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/mem.h"
#include "lib/base/sha256.h"
#include "lib/flow/authority_json.h"
#include "lib/flow/ceremonyfolder.h"
#include "lib/flow/init_impl.h"
#include "lib/flow/plantemplate.h"
#include "lib/flow/rehearsed.h"
#include "policy/roster.h"

/* In the ceremony's folder, for who goes on. */
#define HOME_FILE "home.json"

CLEANUP_PTR(struct authority, authority_close);
CLEANUP_PTR(struct plan, plan_free);
CLEANUP_PTR(struct roster, roster_free);
CLEANUP_PTR(struct file_group, file_group_free);

struct work {
	const struct init_opts *opts;
	struct init_report *report;
	struct authority *a;
	struct plan *plan;
	struct buf text, roster;   /* the plan's bytes; empty: no roster */
	struct approvals approved; /* of a run of a plan that sets one */
	int folder;		   /* of the ceremony */
	bool resume;
	char mode[INIT_MODE_MAX];
	struct transcript_head rehearsed;
};

static const char *mode_of(const struct init_opts *opts)
{
	return opts->mode ? opts->mode : "init";
}

static void work_release(struct work *w)
{
	authority_close(w->a);
	plan_free(w->plan);
	buf_release(&w->text);
	buf_release(&w->roster);
	approvals_release(&w->approved);
	fd_cleanup(&w->folder);
}

static bool name_fits(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= INIT_NAME_MAX && name_is_safe(name, len) &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstu"
			    "vwxyz0123456789._-") == len;
}

/* Everything of the configuration that needs no folder. */
static enum pv_code fill(const struct init_opts *opts, struct authority *a,
			 struct err *err)
{
	const char *slash = strrchr(opts->dir, '/');
	const char *name = opts->name ? opts->name
			   : slash    ? slash + 1
				      : opts->dir;
	const char *origin = opts->origin ? opts->origin : name;

	if (!name_fits(name))
		return err_fail(err, PV_INPUT, "init.name",
				"give one with --name",
				"a name is 1 to %d of A-Z a-z 0-9 . _ -, not "
				"starting with . or -",
				INIT_NAME_MAX);
	if (!*origin || strlen(origin) >= sizeof(a->origin) ||
	    strpbrk(origin, " +\t\n"))
		return err_fail(err, PV_INPUT, "init.origin", NULL,
				"an origin has 1 to %zu characters, no space "
				"and no plus",
				sizeof(a->origin) - 1);
	snprintf(a->name, sizeof(a->name), "%s", name);
	snprintf(a->origin, sizeof(a->origin), "%s", origin);
	snprintf(a->module, sizeof(a->module), "%s", opts->module);
	if (opts->softhsm) {
		a->tokens_n = 1;
		snprintf(a->tokens[0], AUTHORITY_URI_MAX, "pkcs11:token=%s",
			 name);
		snprintf(a->pin_source, sizeof(a->pin_source),
			 "file:" INIT_PIN_FILE);
		return PV_OK;
	}
	for (size_t i = 0; i < opts->tokens_n && i < AUTHORITY_TOKENS_MAX; i++)
		snprintf(a->tokens[a->tokens_n++], AUTHORITY_URI_MAX, "%s",
			 opts->tokens[i]);
	if (opts->pin_source)
		snprintf(a->pin_source, sizeof(a->pin_source), "%s",
			 opts->pin_source);
	return PV_OK;
}

/* What is filled must be what a later run will accept. */
static enum pv_code check_config(const struct authority *a, struct err *err)
{
	CLEANUP(mem_cleanup)
	struct authority *again = mem_new(sizeof(*again), err);
	CLEANUP(buf_release) struct buf text;
	enum pv_code rc;

	buf_init(&text, AUTHORITY_JSON_MAX);
	if (!again)
		return PV_INTERNAL;
	authority_defaults(again);
	rc = authority_format(a, &text, err);
	if (rc == PV_OK)
		rc = authority_parse(again, buf_span(&text), err);
	return rc;
}

static enum pv_code read_plan(struct work *w, struct err *err)
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
	if (rc == PV_OK && err)
		err->object[0] = '\0';
	return rc;
}

/* Before anything is made: sound, or not named. */
static enum pv_code read_roster(const char *path, struct buf *bytes,
				struct err *err)
{
	CLEANUP(cleanup_roster_free) struct roster *roster = NULL;
	enum pv_code rc;

	if (!path)
		return PV_OK;
	rc = file_read(AT_FDCWD, path, FILEIO_NOT_WRITABLE_BY_OTHERS, bytes,
		       err);
	err_object(err, path);
	if (rc == PV_OK)
		rc = roster_parse(buf_span(bytes), &roster, err);
	if (rc == PV_OK && roster->version != 1)
		rc = err_fail(err, PV_CONFLICT, "store.roster",
			      "give the first roster version 1",
			      "the first roster has version %llu",
			      (unsigned long long)roster->version);
	if (rc == PV_OK && err)
		err->object[0] = '\0';
	return rc;
}

/* A plan that sets a roster says which. */
static enum pv_code check_roster(const struct work *w, struct err *err)
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

/* What a run may be told later it may not be told by its folder, either. */
static enum pv_code check_kept(struct work *w, struct err *err)
{
	enum pv_code rc = check_roster(w, err);

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

/* ---- the ceremony's folder ---- */

/* All that a run which goes on needs, at once. */
static enum pv_code keep(const struct work *w, struct err *err)
{
	CLEANUP(cleanup_file_group_free) struct file_group *g = NULL;
	CLEANUP(buf_release) struct buf home;
	const struct ceremony_kept kept = {
		.plan = buf_span(&w->text),
		.roster = buf_span(&w->roster),
		.approvals = buf_span(&w->approved.note),
		.rehearsed = w->opts->rehearsal ? &w->rehearsed : NULL
	};
	enum pv_code rc;

	buf_init(&home, AUTHORITY_JSON_MAX);
	rc = authority_format(w->a, &home, err);
	if (rc == PV_OK)
		rc = file_group_new(&g, err);
	if (rc == PV_OK)
		rc = file_group_add(g, w->folder, HOME_FILE, 0600, home.data,
				    home.len, err);
	if (rc == PV_OK)
		rc = file_group_add(g, w->folder, INIT_MODE_FILE, 0600, w->mode,
				    strlen(w->mode), err);
	if (rc == PV_OK)
		rc = ceremony_folder_keep(w->folder, &kept, g, err);
	return rc == PV_OK ? file_group_commit(g, err) : rc;
}

static enum pv_code make_folder(struct work *w, struct err *err)
{
	char name[CEREMONY_NAME_MAX];
	enum pv_code rc;

	ceremony_folder(w->plan, name);
	rc = dir_make(w->a->home_fd, name, 0700, err);
	if (rc == PV_OK)
		rc = ceremony_folder_open(w->a->home_fd, w->plan, &w->folder,
					  err);
	return rc == PV_OK ? keep(w, err) : rc;
}

/* ---- running ---- */

static enum pv_code open_store(const struct work *w, struct store **store,
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

static enum pv_code read_pins(const struct work *w, struct secret *so_pin,
			      struct secret *pin, struct err *err)
{
	const struct init_opts *opts = w->opts;
	enum pv_code rc;

	if (strcmp(w->a->pin_source, "file:" INIT_PIN_FILE) == 0)
		return init_softhsm(w->a, so_pin, pin, err);
	rc = opts->backends->pin_read(w->a, pin, err);
	if (rc == PV_OK && opts->so_pin_source)
		rc = opts->backends->person_pin(opts->so_pin_source,
						"the security officer", so_pin,
						err);
	return rc;
}

static enum pv_code run_plan(const struct work *w, struct err *err)
{
	CLEANUP(cleanup_store_close) struct store *store = NULL;
	const struct init_opts *opts = w->opts;
	struct ceremony_people people = { .ask = NULL };
	SECRET so_pin = SECRET_INIT;
	SECRET pin = SECRET_INIT;
	struct ceremony_opts run = { .backends = opts->backends,
				     .watch = opts->watch,
				     .templates_dir = opts->templates_dir,
				     .pin = &pin,
				     .plan_bytes = buf_span(&w->text),
				     .roster = buf_span(&w->roster),
				     .media = opts->media,
				     .folder = w->folder,
				     .mode = w->mode,
				     .resume = w->resume,
				     .progress = opts->progress,
				     .told = opts->told,
				     .progress_ctx = opts->progress_ctx };
	enum pv_code rc = read_pins(w, &so_pin, &pin, err);

	/* Only a run asks people; another source has no other PIN to give. */
	if (opts->people && strcmp(w->mode, "run") == 0) {
		people = *opts->people;
		run.people = &people;
		if (strcmp(w->a->pin_source, "prompt") != 0)
			people.pin = NULL;
	}
	if (so_pin.len > 0)
		run.so_pin = &so_pin;
	if (opts->rehearsal || (w->resume && strcmp(w->mode, "run") == 0))
		run.rehearsed = &w->rehearsed;
	if (rc == PV_OK)
		rc = open_store(w, &store, err);
	if (rc == PV_OK)
		rc = ceremony_run(&run, w->a, store, w->plan, err);
	return rc;
}

static void fill_report(const struct work *w)
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

static enum pv_code begin(struct work *w, const struct init_opts *opts,
			  struct init_report *report, struct err *err)
{
	memset(report, 0, sizeof(*report));
	*w = (struct work){ .opts = opts,
			    .report = report,
			    .a = mem_new(sizeof(*w->a), err),
			    .folder = -1 };
	buf_init(&w->text, PLAN_SIZE_MAX);
	buf_init(&w->roster, ROSTER_SIZE_MAX);
	if (!w->a)
		return PV_INTERNAL;
	snprintf(w->mode, sizeof(w->mode), "%s", mode_of(opts));
	w->a->home_fd = -1;
	authority_defaults(w->a);
	return read_plan(w, err);
}

/* Whether that very plan ran to its end in that folder. */
static bool is_finished(struct work *w)
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

static enum pv_code existing(struct work *w, struct err *err)
{
	struct authority *a = NULL;
	enum pv_code rc = authority_open(w->opts->dir, &a, err);

	if (rc != PV_OK)
		return rc;
	authority_close(w->a);
	w->a = a;
	w->report->existing = true;
	fill_report(w);
	return PV_OK;
}

enum pv_code init_authority(const struct init_opts *opts,
			    struct init_report *report, struct err *err)
{
	CLEANUP(work_release) struct work w;
	enum pv_code rc = begin(&w, opts, report, err);
	const struct init_plan want = { w.a, w.plan, &w.text, &w.roster,
					&w.rehearsed };

	if (rc == PV_OK && opts->mode && is_finished(&w))
		return existing(&w, err);
	if (rc == PV_OK)
		rc = read_roster(opts->roster, &w.roster, err);
	if (rc == PV_OK)
		rc = check_roster(&w, err);
	if (rc == PV_OK && opts->rehearsal)
		rc = rehearsed(opts->rehearsal, w.plan, &w.rehearsed, err);
	if (rc == PV_OK)
		rc = ceremony_window(w.plan, mode_of(opts), err);
	if (rc == PV_OK)
		rc = plantemplate_bound(w.plan, mode_of(opts),
					opts->templates_dir, err);
	if (rc == PV_OK)
		rc = plantemplate_check(w.plan, opts->templates_dir, err);
	if (rc == PV_OK)
		rc = fill(opts, w.a, err);
	if (rc == PV_OK)
		rc = check_config(w.a, err);
	if (rc == PV_OK)
		rc = authority_check_module(w.a, err);
	if (rc == PV_OK)
		rc = init_approved(opts, &want, &w.approved, err);
	if (rc == PV_OK)
		rc = init_make_home(opts->dir, &w.a->home_fd, err);
	if (rc != PV_OK)
		return rc;
	report->touched = true;
	rc = init_open_home(w.a, opts->dir, err);
	if (rc == PV_OK)
		rc = make_folder(&w, err);
	if (rc == PV_OK)
		rc = run_plan(&w, err);
	if (rc == PV_OK)
		rc = authority_save(w.a, err);
	fill_report(&w);
	return rc;
}

/* What the first run kept; the module is looked at anew. */
static enum pv_code take_up(struct work *w, struct err *err)
{
	CLEANUP(buf_release) struct buf home;
	enum pv_code rc = ceremony_folder_same(w->folder, buf_span(&w->text),
					       w->opts->plan, err);

	buf_init(&home, AUTHORITY_JSON_MAX);
	if (rc == PV_OK)
		rc = init_read_mode(w->folder, w->mode, err);
	if (rc == PV_OK)
		rc = file_read(w->folder, HOME_FILE,
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
	CLEANUP(work_release) struct work w;
	enum pv_code rc = begin(&w, opts, report, err);

	w.resume = true;
	if (rc == PV_OK && is_finished(&w))
		return existing(&w, err);
	if (rc == PV_OK)
		rc = init_take_folder(opts->dir, &w.a->home_fd, err);
	if (rc == PV_OK && faccessat(w.a->home_fd, "provctl.json", F_OK,
				     AT_SYMLINK_NOFOLLOW) == 0)
		rc = err_fail(err, PV_CONFLICT, "authority.exists", NULL,
			      "the authority is made, by another plan");
	if (rc == PV_OK)
		rc = ceremony_folder_open(w.a->home_fd, w.plan, &w.folder, err);
	if (rc == PV_OK)
		rc = init_open_home(w.a, opts->dir, err);
	if (rc == PV_OK)
		rc = take_up(&w, err);
	if (rc == PV_OK)
		rc = plantemplate_bound(w.plan, w.mode, opts->templates_dir,
					err);
	if (rc == PV_OK)
		rc = run_plan(&w, err);
	if (rc == PV_OK)
		rc = authority_save(w.a, err);
	fill_report(&w);
	return rc;
}
