#include "lib/flow/authority.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/mem.h"
#include "lib/flow/authority_json.h"

#define CONFIG "provctl.json"
#define SOFTHSM_CONF "softhsm/softhsm2.conf"
#define MISSING_HINT                                                           \
	"name it with -C DIR or PROVCTL_HOME, or make one with `provctl init " \
	"DIR'"

CLEANUP_PTR(struct authority, authority_close);

void authority_close(struct authority *a)
{
	if (!a)
		return;
	fd_cleanup(&a->home_fd);
	free(a);
}

static enum pv_code no_folder(const char *dir, struct err *err)
{
	err_object(err, dir);
	if (errno == EACCES)
		return err_errno(err, PV_DENIED, "authority.access",
				 "run as the user whose authority it is",
				 "cannot open the folder %.200s", dir);
	return err_fail(err, PV_NOT_FOUND, "authority.missing", MISSING_HINT,
			"there is no folder %.200s", dir);
}

/* Nobody else may own it, or write there. */
static enum pv_code check_ours(const struct stat *st, const char *object,
			       const char *rule, const char *what,
			       struct err *err)
{
	char hint[64];

	if (st->st_uid != geteuid() && st->st_uid != 0) {
		err_object(err, object);
		snprintf(hint, sizeof(hint), "run as that user (uid %lu)",
			 (unsigned long)st->st_uid);
		return err_fail(err, PV_DENIED, rule, hint,
				"%s belongs to uid %lu, not to the user who "
				"runs provctl",
				what, (unsigned long)st->st_uid);
	}
	if (!(st->st_mode & 022))
		return PV_OK;
	err_object(err, object);
	return err_fail(err, PV_DENIED, rule,
			S_ISDIR(st->st_mode) ? "chmod 0700 it"
					     : "chmod 0600 it",
			"%s can be written by others", what);
}

static enum pv_code open_home(struct authority *a, const char *dir,
			      struct err *err)
{
	char resolved[PATH_MAX];
	struct stat st, config;

	if (!realpath(dir, resolved))
		return no_folder(dir, err);
	if (strlen(resolved) >= sizeof(a->home)) {
		err_object(err, dir);
		return err_fail(err, PV_INPUT, "authority.path", NULL,
				"the folder's path is too long");
	}
	snprintf(a->home, sizeof(a->home), "%.1023s", resolved);
	a->home_fd = open(a->home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (a->home_fd < 0 || fstat(a->home_fd, &st) != 0)
		return no_folder(dir, err);
	/* First of all: any folder may have a mode that an authority's may not.
	 */
	if (fstatat(a->home_fd, CONFIG, &config, AT_SYMLINK_NOFOLLOW) != 0 &&
	    errno == ENOENT) {
		err_object(err, a->home);
		return err_fail(err, PV_NOT_FOUND, "authority.missing",
				MISSING_HINT,
				"there is no authority here (no " CONFIG ")");
	}
	return check_ours(&st, dir, "authority.writable",
			  "the authority's folder", err);
}

/* A database that others can write says nothing; a missing one is no fault. */
static enum pv_code check_store(const struct authority *a, struct err *err)
{
	struct stat st;

	if (fstatat(a->home_fd, a->store + strlen("sqlite:"), &st, 0) != 0)
		return PV_OK;
	if (S_ISREG(st.st_mode))
		return check_ours(&st, a->store, "store.writable", "the store",
				  err);
	err_object(err, a->store);
	return err_fail(err, PV_DENIED, "store.writable",
			"name the store's own file",
			"the store is not a regular file");
}

enum pv_code authority_use_softhsm(const struct authority *a, struct err *err)
{
	char path[AUTHORITY_PATH_MAX + 32];
	struct stat st;

	if (fstatat(a->home_fd, SOFTHSM_CONF, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return PV_OK;
	if (!S_ISREG(st.st_mode) || (st.st_mode & 022))
		return err_fail(err, PV_DENIED, "file.writable",
				"chmod 0600 it",
				SOFTHSM_CONF " can be written by others");
	snprintf(path, sizeof(path), "%s/" SOFTHSM_CONF, a->home);
	if (setenv("SOFTHSM2_CONF", path, 1) != 0)
		return err_fail(err, PV_INTERNAL, NULL, NULL, "out of memory");
	return PV_OK;
}

static enum pv_code load(struct authority *a, struct err *err)
{
	CLEANUP(buf_release) struct buf text;
	enum pv_code rc;

	buf_init(&text, AUTHORITY_JSON_MAX);
	authority_defaults(a);
	rc = file_read(a->home_fd, CONFIG,
		       FILEIO_NOFOLLOW | FILEIO_NOT_WRITABLE_BY_OTHERS, &text,
		       err);
	err_object(err, CONFIG);
	if (rc == PV_OK)
		rc = authority_parse(a, buf_span(&text), err);
	/* Nothing failed: the next cause has another object. */
	if (rc == PV_OK && err)
		err->object[0] = '\0';
	return rc;
}

enum pv_code authority_open(const char *dir, struct authority **out,
			    struct err *err)
{
	CLEANUP(cleanup_authority_close)
	struct authority *a = mem_new(sizeof(*a), err);
	enum pv_code rc;

	*out = NULL;
	if (!a)
		return PV_INTERNAL;
	a->home_fd = -1;
	rc = open_home(a, dir, err);
	if (rc == PV_OK)
		rc = load(a, err);
	if (rc == PV_OK)
		rc = check_store(a, err);
	if (rc == PV_OK)
		rc = authority_check_module(a, err);
	if (rc == PV_OK)
		rc = authority_use_softhsm(a, err);
	if (rc == PV_OK)
		*out = TAKE(a);
	return rc;
}

enum pv_code authority_key(const struct authority *a, const char *purpose,
			   const struct authority_key **key, struct err *err)
{
	for (size_t i = 0; i < a->keys_n; i++) {
		if (strcmp(a->keys[i].purpose, purpose) != 0)
			continue;
		*key = &a->keys[i];
		return PV_OK;
	}
	err_object(err, purpose);
	return err_fail(err, PV_NOT_FOUND, "authority.key",
			"see \"keys\" in provctl.json",
			"the authority has no key for %.63s", purpose);
}

bool authority_names(const struct authority *a, const char *label)
{
	for (size_t i = 0; i < a->keys_n; i++)
		if (strcmp(a->keys[i].label, label) == 0)
			return true;
	return false;
}

/* A service's group may have been let read it. */
static mode_t config_mode(const struct authority *a)
{
	struct stat st;

	if (fstatat(a->home_fd, CONFIG, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_gid == getegid() && (st.st_mode & 040))
		return 0640;
	return 0600;
}

enum pv_code authority_save(const struct authority *a, struct err *err)
{
	CLEANUP(buf_release) struct buf text;
	enum pv_code rc;

	buf_init(&text, AUTHORITY_JSON_MAX);
	rc = authority_format(a, &text, err);
	if (rc != PV_OK)
		return rc;
	return file_write(a->home_fd, CONFIG, config_mode(a), text.data,
			  text.len, err);
}

enum pv_code authority_set_key(struct authority *a,
			       const struct authority_key *key, struct err *err)
{
	size_t i = 0;

	while (i < a->keys_n && strcmp(a->keys[i].purpose, key->purpose) != 0)
		i++;
	if (!key->label[0]) {
		if (i < a->keys_n)
			memmove(&a->keys[i], &a->keys[i + 1],
				(--a->keys_n - i) * sizeof(a->keys[0]));
		return PV_OK;
	}
	if (i == AUTHORITY_KEYS_MAX) {
		err_object(err, key->purpose);
		return err_fail(err, PV_DENIED, "authority.keys", NULL,
				"provctl.json names %d keys already",
				AUTHORITY_KEYS_MAX);
	}
	a->keys[i] = *key;
	if (i == a->keys_n)
		a->keys_n++;
	return PV_OK;
}

static enum pv_code set_all(struct authority *a,
			    const struct authority_key *keys, size_t n,
			    struct err *err)
{
	enum pv_code rc = PV_OK;

	for (size_t i = 0; rc == PV_OK && i < n; i++)
		rc = authority_set_key(a, &keys[i], err);
	return rc;
}

/* The folder is what two of them wait for. */
static enum pv_code lock_home(const struct authority *a, int *fd,
			      struct err *err)
{
	int rc = -1;

	*fd = openat(a->home_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while (*fd >= 0 && (rc = flock(*fd, LOCK_EX)) != 0 && errno == EINTR)
		;
	return rc == 0 ? PV_OK
		       : err_errno(err, PV_STORAGE, "authority.lock", NULL,
				   "cannot lock the authority's folder");
}

/* now->home_fd is borrowed: it is freed, and not closed. */
static enum pv_code load_now(const struct authority *a, int *lock,
			     struct authority *now, struct err *err)
{
	enum pv_code rc = lock_home(a, lock, err);

	now->home_fd = a->home_fd;
	return rc == PV_OK ? load(now, err) : rc;
}

enum pv_code authority_change_keys(struct authority *a,
				   const struct authority_key *keys, size_t n,
				   struct err *err)
{
	CLEANUP(fd_cleanup) int lock = -1;
	CLEANUP(mem_cleanup)
	struct authority *now = mem_new(sizeof(*now), err);
	enum pv_code rc = now ? load_now(a, &lock, now, err) : PV_INTERNAL;

	if (rc == PV_OK)
		rc = set_all(now, keys, n, err);
	if (rc == PV_OK)
		rc = authority_save(now, err);
	return rc == PV_OK ? set_all(a, keys, n, err) : rc;
}

enum pv_code
authority_keys_now(const struct authority *a,
		   struct authority_key keys[static AUTHORITY_KEYS_MAX],
		   size_t *n, struct err *err)
{
	CLEANUP(fd_cleanup) int lock = -1;
	CLEANUP(mem_cleanup)
	struct authority *now = mem_new(sizeof(*now), err);
	enum pv_code rc = now ? PV_OK : PV_INTERNAL;

	if (rc == PV_OK && a->making)
		*now = *a;
	else if (rc == PV_OK)
		rc = load_now(a, &lock, now, err);
	if (rc != PV_OK)
		return rc;
	memcpy(keys, now->keys, sizeof(now->keys));
	*n = now->keys_n;
	return PV_OK;
}
