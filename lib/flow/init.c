#include "lib/flow/init.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/mem.h"
#include "lib/flow/authority_json.h"
#include "policy/roster.h"

#define PIN_BYTES 16 /* random; as many hex digits again */
#define PIN_FILE "softhsm/pin"
#define SO_PIN_FILE "softhsm/so-pin"

CLEANUP_PTR(struct authority, authority_close);
CLEANUP_PTR(struct plan, plan_free);
CLEANUP_PTR(struct roster, roster_free);

static void close_folder(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* Nothing may be in it; what is there is named in the error. */
static enum pv_code check_empty(int fd, struct err *err)
{
	CLEANUP(close_folder) DIR *d = NULL;
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *entry;
	bool used = false, config = false, store = false;

	d = own >= 0 ? fdopendir(own) : NULL;
	if (!d) {
		fd_cleanup(&own);
		return err_errno(err, PV_CONFLICT, "init.folder", NULL,
				 "cannot look into it");
	}
	while ((entry = readdir(d)) != NULL) {
		used |= strcmp(entry->d_name, ".") != 0 &&
			strcmp(entry->d_name, "..") != 0;
		config |= strcmp(entry->d_name, "provctl.json") == 0;
		store |= strcmp(entry->d_name, "store.db") == 0 ||
			 strcmp(entry->d_name, "softhsm") == 0;
	}
	if (config)
		return err_fail(err, PV_CONFLICT, "authority.exists",
				"choose another folder",
				"there is an authority already");
	if (used)
		return err_fail(err, PV_CONFLICT, "init.folder",
				store ? "an init did not end here: remove the "
					"folder and run `provctl init' again"
				      : "choose a new or an empty folder",
				"the folder is not empty");
	return PV_OK;
}

/* The folder itself, ours alone from here on; *fd is the caller's. */
static enum pv_code take_folder(const char *dir, int *fd, struct err *err)
{
	struct stat st;

	*fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		return err_fail(err, PV_CONFLICT, "init.folder",
				"name the folder itself",
				"it is a link or no folder");
	if (*fd < 0 || fstat(*fd, &st) != 0)
		return err_errno(err, PV_CONFLICT, "init.folder", NULL,
				 "cannot look into it");
	if (st.st_uid != geteuid())
		return err_fail(err, PV_DENIED, "init.folder",
				"choose a new folder or one of your own",
				"the folder belongs to another user");
	return PV_OK;
}

/* A new or an empty folder of ours, mode 0700. */
static enum pv_code make_home(const char *dir, int *fd, struct err *err)
{
	enum pv_code rc;

	err_object(err, dir);
	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return err_errno(err,
				 errno == ENOENT ? PV_NOT_FOUND : PV_STORAGE,
				 "init.folder", "make its parent folder first",
				 "cannot make the folder");
	rc = take_folder(dir, fd, err);
	if (rc == PV_OK)
		rc = check_empty(*fd, err);
	if (rc == PV_OK && fchmod(*fd, 0700) != 0)
		rc = err_errno(err, PV_STORAGE, "init.folder", NULL,
			       "cannot chmod 0700 the folder");
	if (rc == PV_OK && err)
		err->object[0] = '\0'; /* the next cause has its own */
	return rc;
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

	authority_defaults(a);
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
	a->tokens_n = 1;
	if (opts->softhsm) {
		snprintf(a->tokens[0], AUTHORITY_URI_MAX, "pkcs11:token=%s",
			 name);
		snprintf(a->pin_source, sizeof(a->pin_source),
			 "file:" PIN_FILE);
		return PV_OK;
	}
	snprintf(a->tokens[0], AUTHORITY_URI_MAX, "%s", opts->token_uri);
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

static enum pv_code read_plan(const char *path, struct plan **plan,
			      struct err *err)
{
	CLEANUP(buf_release) struct buf text;
	enum pv_code rc;

	buf_init(&text, PLAN_SIZE_MAX);
	rc = file_read(AT_FDCWD, path, FILEIO_NOT_WRITABLE_BY_OTHERS, &text,
		       err);
	if (rc == PV_OK)
		rc = plan_parse(buf_span(&text), plan, err);
	if (rc != PV_OK)
		err_object(err, path);
	return rc;
}

static enum pv_code open_home(struct authority *a, const char *dir,
			      struct err *err)
{
	static const char *const folders[] = { "templates", "certs", "out",
					       "publish" };
	char resolved[PATH_MAX];
	struct stat named, held;
	enum pv_code rc = PV_OK;

	if (!realpath(dir, resolved) || strlen(resolved) >= sizeof(a->home) ||
	    strchr(resolved, '\n'))
		return err_fail(err, PV_INPUT, "init.folder", NULL,
				"the folder's path cannot be used");
	snprintf(a->home, sizeof(a->home), "%.1023s", resolved);
	if (stat(a->home, &named) != 0 || fstat(a->home_fd, &held) != 0 ||
	    named.st_dev != held.st_dev || named.st_ino != held.st_ino)
		return err_fail(err, PV_CONFLICT, "init.folder", NULL,
				"the folder was replaced meanwhile");
	for (size_t i = 0; rc == PV_OK && i < 4; i++)
		rc = dir_make(a->home_fd, folders[i], 0700, err);
	return rc;
}

static enum pv_code make_pin(int home_fd, const char *file, struct secret *pin,
			     struct err *err)
{
	SECRET raw = SECRET_INIT;
	SECRET hex = SECRET_INIT;
	enum pv_code rc = secret_random(&raw, PIN_BYTES, err);

	if (rc == PV_OK)
		rc = secret_alloc(&hex, 2 * PIN_BYTES + 1, err);
	if (rc != PV_OK)
		return rc;
	hex_encode(raw.data, raw.len, (char *)hex.data);
	secret_truncate(&hex, 2 * PIN_BYTES);
	rc = file_write(home_fd, file, 0600, hex.data, hex.len, err);
	if (rc == PV_OK)
		secret_move(pin, &hex);
	return rc;
}

/* Token folder, its configuration and two random PINs. */
static enum pv_code make_softhsm(const struct authority *a,
				 struct secret *so_pin, struct secret *pin,
				 struct err *err)
{
	CLEANUP(buf_release) struct buf conf;
	enum pv_code rc = dir_make(a->home_fd, "softhsm", 0700, err);

	buf_init(&conf, 2 * AUTHORITY_PATH_MAX);
	buf_printf(&conf,
		   "directories.tokendir = %s/softhsm/tokens\n"
		   "objectstore.backend = file\n"
		   "log.level = ERROR\n"
		   "slots.removable = false\n",
		   a->home);
	if (rc == PV_OK)
		rc = buf_check(&conf, err);
	if (rc == PV_OK)
		rc = dir_make(a->home_fd, "softhsm/tokens", 0700, err);
	if (rc == PV_OK)
		rc = file_write(a->home_fd, "softhsm/softhsm2.conf", 0600,
				conf.data, conf.len, err);
	if (rc == PV_OK)
		rc = make_pin(a->home_fd, SO_PIN_FILE, so_pin, err);
	if (rc == PV_OK)
		rc = make_pin(a->home_fd, PIN_FILE, pin, err);
	if (rc == PV_OK)
		rc = authority_use_softhsm(a, err);
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
	if (rc == PV_OK)
		rc = roster_parse(buf_span(bytes), &roster, err);
	if (rc == PV_OK && roster->version != 1)
		rc = err_fail(err, PV_CONFLICT, "store.roster",
			      "give the first roster version 1",
			      "the first roster has version %llu",
			      (unsigned long long)roster->version);
	if (rc != PV_OK)
		err_object(err, path);
	return rc;
}

static enum pv_code run_plan(const struct init_opts *opts, struct authority *a,
			     const struct plan *plan, struct span roster,
			     struct err *err)
{
	CLEANUP(cleanup_store_close) struct store *store = NULL;
	SECRET so_pin = SECRET_INIT;
	SECRET pin = SECRET_INIT;
	struct ceremony_opts run = { .backends = opts->backends,
				     .watch = opts->watch,
				     .templates_dir = opts->templates_dir,
				     .pin = &pin,
				     .roster = roster,
				     .progress = opts->progress,
				     .progress_ctx = opts->progress_ctx };
	enum pv_code rc;

	if (opts->softhsm) {
		rc = make_softhsm(a, &so_pin, &pin, err);
		run.so_pin = &so_pin;
	} else {
		rc = opts->backends->pin_read(a, &pin, err);
	}
	if (rc == PV_OK)
		rc = opts->backends->store_open(a, true, &store, err);
	if (rc == PV_OK)
		rc = ceremony_run(&run, a, store, plan, err);
	return rc;
}

enum pv_code init_authority(const struct init_opts *opts,
			    struct init_report *report, struct err *err)
{
	CLEANUP(cleanup_plan_free) struct plan *plan = NULL;
	CLEANUP(buf_release) struct buf roster;
	CLEANUP(cleanup_authority_close)
	struct authority *a = mem_new(sizeof(*a), err);
	enum pv_code rc = a ? PV_OK : PV_INTERNAL;

	memset(report, 0, sizeof(*report));
	buf_init(&roster, ROSTER_SIZE_MAX);
	if (a)
		a->home_fd = -1;
	if (rc == PV_OK)
		rc = read_plan(opts->plan, &plan, err);
	if (rc == PV_OK)
		rc = read_roster(opts->roster, &roster, err);
	if (rc == PV_OK)
		rc = fill(opts, a, err);
	if (rc == PV_OK)
		rc = check_config(a, err);
	if (rc == PV_OK)
		rc = authority_check_module(a, err);
	if (rc == PV_OK)
		rc = make_home(opts->dir, &a->home_fd, err);
	if (rc != PV_OK)
		return rc;
	report->touched = true;
	rc = open_home(a, opts->dir, err);
	if (rc == PV_OK)
		rc = run_plan(opts, a, plan, buf_span(&roster), err);
	if (rc == PV_OK)
		rc = authority_save(a, err);
	snprintf(report->home, sizeof(report->home), "%s", a->home);
	snprintf(report->name, sizeof(report->name), "%s", a->name);
	snprintf(report->plan, sizeof(report->plan), "%s", plan->name);
	report->steps = plan->steps_n;
	report->keys = a->keys_n;
	return rc;
}
