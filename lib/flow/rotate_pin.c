#include "lib/flow/rotate_pin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/filesweep.h"
#include "lib/flow/event.h"
#include "lib/log/lifecycle.h"

#define FILE_SCHEME "file:"
#define PIN_FILE_MAX 257 /* a PIN and its line end */
#define NAME_MAX_LEN (AUTHORITY_PATH_MAX + 8)

/* The file of the PIN, or NULL. */
static const char *pin_file(const struct authority *a)
{
	size_t n = strlen(FILE_SCHEME);

	return strncmp(a->pin_source, FILE_SCHEME, n) == 0 ? a->pin_source + n
							   : NULL;
}

static bool staged_name(const struct authority *a, char out[NAME_MAX_LEN])
{
	const char *file = pin_file(a);

	if (file)
		snprintf(out, NAME_MAX_LEN, "%s.new", file);
	return file != NULL;
}

enum pv_code rotate_pin_ended(const struct authority *a, struct err *err)
{
	char name[NAME_MAX_LEN];
	struct stat st;

	if (!staged_name(a, name))
		return PV_OK;
	if (fstatat(a->home_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return PV_OK;
		err_object(err, name);
		return err_errno(err, PV_STORAGE, "pin.staged",
				 "let the service read the folder of its PIN's "
				 "file",
				 "cannot see whether a change of the PIN did "
				 "not end");
	}
	err_object(err, name);
	return err_fail(err, PV_CONFLICT, "pin.staged",
			"run `provctl rotate pin': it goes on with that one",
			"a change of the PIN did not end: the token may have "
			"the new one, and no login is tried");
}

enum pv_code rotate_pin_staged(const struct authority *a, struct secret *pin,
			       bool *there, struct err *err)
{
	char name[NAME_MAX_LEN];
	struct err why;
	enum pv_code rc;

	*there = false;
	if (!staged_name(a, name))
		return PV_OK;
	err_init(&why);
	rc = file_read_secret(a->home_fd, name,
			      FILEIO_NOFOLLOW | FILEIO_PRIVATE, PIN_FILE_MAX,
			      pin, &why);
	*there = rc == PV_OK;
	if (rc == PV_OK || rc == PV_NOT_FOUND)
		return PV_OK;
	*err = why;
	err_object(err, name);
	return rc;
}

/* The folder that name is in; -1. */
static int open_folder(const struct authority *a, const char *name)
{
	char folder[NAME_MAX_LEN];
	char *slash;

	snprintf(folder, sizeof(folder), "%s", name);
	slash = strrchr(folder, '/');
	if (slash)
		*(slash == folder ? slash + 1 : slash) = '\0';
	return openat(a->home_fd, slash ? folder : ".",
		      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* A PIN that a run was writing when it was killed. */
static void sweep(const struct authority *a)
{
	CLEANUP(fd_cleanup) int fd = -1;
	char name[NAME_MAX_LEN];
	const char *slash;

	if (!staged_name(a, name))
		return;
	fd = open_folder(a, name);
	slash = strrchr(name, '/');
	if (fd >= 0)
		file_sweep(fd, slash ? slash + 1 : name);
}

/* *fresh: it was not there. */
static enum pv_code stage(const struct authority *a, const struct secret *new,
			  bool *fresh, struct err *err)
{
	SECRET left = SECRET_INIT;
	char name[NAME_MAX_LEN];
	bool there = false;
	enum pv_code rc = rotate_pin_staged(a, &left, &there, err);

	if (rc != PV_OK || !staged_name(a, name))
		return rc;
	if (there && secret_equal(&left, new->data, new->len))
		return PV_OK;
	if (there) {
		err_object(err, name);
		return err_fail(
			err, PV_CONFLICT, "pin.staged",
			"run provctl rotate pin without a new PIN: it goes on "
			"with that one",
			"an earlier change of the PIN did not end");
	}
	*fresh = true;
	return file_write(a->home_fd, name, 0600, new->data, new->len, err);
}

/* What no token has is not gone on with. */
static void unstage(const struct authority *a)
{
	char name[NAME_MAX_LEN];

	if (staged_name(a, name))
		unlinkat(a->home_fd, name, 0);
}

static enum pv_code sync_folder(const struct authority *a, const char *name,
				struct err *err)
{
	CLEANUP(fd_cleanup) int fd = open_folder(a, name);

	if (fd >= 0 && fsync(fd) == 0)
		return PV_OK;
	return err_errno(err, PV_STORAGE, "file.sync", NULL,
			 "cannot sync the folder of the PIN's file");
}

static enum pv_code give_name(const struct authority *a, bool *file,
			      struct err *err)
{
	const char *to = pin_file(a);
	char name[NAME_MAX_LEN];

	if (!staged_name(a, name))
		return PV_OK;
	if (renameat(a->home_fd, name, a->home_fd, to) != 0) {
		err_object(err, name);
		return err_errno(err, PV_STORAGE, "file.rename", "run it again",
				 "cannot rename the new PIN's file");
	}
	*file = true;
	return sync_folder(a, to, err);
}

/* Before anything is changed: all are there, and none is on its last try. */
static enum pv_code meet_all(const struct authority *a,
			     const struct backends *b, struct err *err)
{
	enum pv_code rc = PV_OK;

	for (size_t i = 0; rc == PV_OK && i < a->tokens_n; i++) {
		struct token_facts facts;

		rc = b->token_facts(a, i, &facts, err);
		if (rc != PV_OK)
			err_object(err, facts.name);
	}
	return rc;
}

static enum pv_code record(const struct authority *a, struct store *store,
			   struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	struct event_who who;
	struct log_entry e;
	enum pv_code rc = store_begin(store, STORE_WRITE, &txn, err);

	if (rc == PV_OK)
		rc = event_now(store, &who, err);
	for (size_t i = 0; rc == PV_OK && i < a->tokens_n; i++) {
		log_pin_rotate(&e, &who.who, a->tokens[i]);
		rc = event_append(store, &e, err);
	}
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}

static enum pv_code set_all(const struct authority *a, const struct backends *b,
			    const struct secret *old, const struct secret *new,
			    struct rotate_pin_report *report,
			    enum hsm_pin_set *has, struct err *err)
{
	enum pv_code rc = PV_OK;

	for (size_t i = 0; rc == PV_OK && i < a->tokens_n; i++) {
		rc = b->token_set_pin(a, i, old, new, has, err);
		report->tokens += rc == PV_OK;
		report->before += rc == PV_OK && *has == HSM_PIN_WAS_NEW;
	}
	return rc;
}

enum pv_code rotate_pin(const struct authority *a, struct store *store,
			const struct backends *b, const struct secret *old,
			const struct secret *new,
			struct rotate_pin_report *report, struct err *err)
{
	enum hsm_pin_set has = HSM_PIN_UNKNOWN;
	struct event_who who;
	bool fresh = false;
	enum pv_code rc;

	memset(report, 0, sizeof(*report));
	if (secret_equal(old, new->data, new->len))
		return err_fail(err, PV_INPUT, "pin.same", "choose another one",
				"the new PIN is the old one");
	sweep(a);
	/* What the log would refuse afterwards is refused before. */
	rc = event_now(store, &who, err);
	if (rc == PV_OK)
		rc = meet_all(a, b, err);
	if (rc == PV_OK)
		rc = stage(a, new, &fresh, err);
	if (rc != PV_OK)
		return rc;
	rc = set_all(a, b, old, new, report, &has, err);
	if (rc != PV_OK && report->tokens == 0 && fresh &&
	    has == HSM_PIN_REFUSED)
		unstage(a);
	if (rc == PV_OK)
		rc = record(a, store, err);
	return rc == PV_OK ? give_name(a, &report->file, err) : rc;
}
