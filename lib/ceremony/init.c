#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/mem.h"
#include "lib/ceremony/ceremony_backup.h"
#include "lib/ceremony/ceremony_ready.h"
#include "lib/ceremony/ceremony_room.h"
#include "lib/ceremony/init_impl.h"
#include "lib/ceremony/plantemplate.h"
#include "lib/ceremony/rehearsed.h"
#include "lib/flow/authority_json.h"
#include "lib/flow/ceremonyfolder.h"
#include "policy/roster.h"

CLEANUP_PTR(struct roster, roster_free);
CLEANUP_PTR(struct file_group, file_group_free);

static bool name_fits(const char *name)
{
	size_t len = strlen(name);

	/* Its folder of a medium has that name, and so have people's shares:
	 * FAT knows no case. */
	return len > 0 && len <= INIT_NAME_MAX && name_is_safe(name, len) &&
	       strcasecmp(name, CEREMONY_SHARES) != 0 &&
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
				"starting with . or -, and not \"shares\"",
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

/* ---- the ceremony's folder ---- */

/* All that a run which goes on needs, at once. */
static enum pv_code keep(const struct init_work *w, struct err *err)
{
	CLEANUP(cleanup_file_group_free) struct file_group *g = NULL;
	CLEANUP(buf_release) struct buf home;
	const struct ceremony_kept kept = {
		.plan = buf_span(&w->text),
		.roster = buf_span(&w->roster),
		.approvals = buf_span(&w->approved.note),
		.approved = buf_span(&w->subject),
		.rehearsed = w->opts->rehearsal ? &w->rehearsed : NULL
	};
	enum pv_code rc;

	buf_init(&home, AUTHORITY_JSON_MAX);
	rc = authority_format(w->a, &home, err);
	if (rc == PV_OK)
		rc = file_group_new(&g, err);
	if (rc == PV_OK)
		rc = file_group_add(g, w->folder, CEREMONY_HOME_FILE, 0600,
				    home.data, home.len, err);
	if (rc == PV_OK)
		rc = file_group_add(g, w->folder, INIT_MODE_FILE, 0600, w->mode,
				    strlen(w->mode), err);
	if (rc == PV_OK)
		rc = ceremony_folder_keep(w->folder, &kept, g, err);
	return rc == PV_OK ? file_group_commit(g, err) : rc;
}

static enum pv_code make_folder(struct init_work *w, struct err *err)
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

/* People may ask for approvals while all of this is elsewhere. */
static enum pv_code ready(struct init_work *w, struct err *err)
{
	const struct init_opts *opts = w->opts;
	enum pv_code rc = init_folder_free(opts->dir, err);

	if (rc == PV_OK)
		rc = ceremony_ready_media(w->plan, NULL, opts->media, err);
	if (rc == PV_OK)
		rc = init_look(w, err);
	if (rc == PV_OK)
		rc = ceremony_ready_people(opts->people, err);
	return rc == PV_OK ? init_read_pins_first(w, err) : rc;
}

enum pv_code init_authority(const struct init_opts *opts,
			    struct init_report *report, struct err *err)
{
	INIT_WORK w;
	enum pv_code rc = init_begin(&w, opts, report, err);
	const struct init_plan want = { w.a,	   w.plan,	 &w.text,
					&w.roster, &w.rehearsed, &w.subject };

	if (rc == PV_OK && opts->mode && init_is_finished(&w))
		return init_existing(&w, err);
	if (rc == PV_OK)
		rc = read_roster(opts->roster, &w.roster, err);
	if (rc == PV_OK)
		rc = init_check_roster(&w, err);
	if (rc == PV_OK && opts->rehearsal)
		rc = rehearsed(opts->rehearsal, w.plan, &w.rehearsed, err);
	if (rc == PV_OK)
		rc = ceremony_window(w.plan, w.mode, err);
	if (rc == PV_OK)
		rc = plantemplate_bound(w.plan, w.mode, opts->templates_dir,
					err);
	if (rc == PV_OK)
		rc = plantemplate_check(w.plan, opts->templates_dir, err);
	if (rc == PV_OK)
		rc = ceremony_room(w.plan, opts->templates_dir, w.a, NULL, err);
	if (rc == PV_OK)
		rc = fill(opts, w.a, err);
	if (rc == PV_OK)
		init_clock(w.plan, opts->templates_dir, w.a);
	if (rc == PV_OK)
		rc = check_config(w.a, err);
	if (rc == PV_OK)
		rc = authority_check_module(w.a, err);
	if (rc == PV_OK)
		rc = init_approved(opts, &want, &w.approved, err);
	if (rc == PV_OK)
		rc = ready(&w, err);
	if (rc == PV_OK)
		rc = init_make_home(opts->dir, &w.a->home_fd, err);
	if (rc != PV_OK)
		return rc;
	report->touched = true;
	rc = init_open_home(w.a, opts->dir, err);
	if (rc == PV_OK)
		rc = make_folder(&w, err);
	if (rc == PV_OK)
		rc = init_run_plan(&w, err);
	if (rc == PV_OK)
		rc = authority_save(w.a, err);
	init_fill_report(&w);
	return rc;
}
